package flinkdoctor;

import org.apache.flink.api.common.functions.MapFunction;

/** Hands on what it gets after so long, as for an answer of a service. It sleeps and does not spin: it costs no CPU. */
final class Wait<T> implements MapFunction<T, T> {
    private final int delayUs;
    private long owedUs;

    Wait(int delayUs) {
        this.delayUs = delayUs;
    }

    @Override
    public T map(T value) throws InterruptedException {
        owedUs += delayUs;
        if (owedUs >= 1000) {  // shorter sleeps would last a multiple of what was asked for
            Thread.sleep(owedUs / 1000);
            owedUs %= 1000;
        }
        return value;
    }
}
