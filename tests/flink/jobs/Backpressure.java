package flinkdoctor;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * source -> parse -> (keyBy) -> enrich -> format -> sink, each a vertex of its own.
 *
 * <p>--delay-us: time that `enrich` waits per record, as for an answer of a service. Above 1e6 * parallelism / --rate
 * it is the one slow vertex, below it the twin. It sleeps and does not spin: the fault costs no CPU.
 */
public final class Backpressure {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        int delayUs = job.args.number("delay-us", 0);
        int payload = job.args.number("payload", 500);
        DataStream<byte[]> stream = job.numbers("events")
                .map(new Parse(payload)).name("parse").disableChaining()
                .keyBy(bytes -> bytes[0] & 255, Types.INT)
                .map(new Wait<byte[]>(delayUs)).returns(byte[].class).name("enrich").disableChaining()
                .map(bytes -> bytes).returns(byte[].class).name("format").disableChaining()
                .rebalance();
        job.sinkAndRun(stream, "deliver", "orders");
    }

    private static final class Parse implements MapFunction<Long, byte[]> {
        private final int size;

        Parse(int size) {
            this.size = size;
        }

        @Override
        public byte[] map(Long index) {
            return Job.randomBytes(size);
        }
    }
}
