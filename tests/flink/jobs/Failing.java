package flinkdoctor;

import java.io.IOException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;

/**
 * Throws some seconds after each start: with --restarts -1 a restart loop, with 0 a job that is down.
 *
 * <p>--fail-after-ms, --fail-times (-1: always; 0: never). The first fault has another text than those that follow,
 * as in life: something happens once, and the job then stumbles over what it left behind.
 *
 * <p>--finish-ms: time that the last operator takes to close, as for a final flush. Without it an application's
 * JobManager is gone half a second after its job has finished, and nobody who polls sees how it ended.
 */
public final class Failing {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        job.sinkAndRun(
                job.numbers("events").keyBy(n -> n % 8)
                        .map(new Decode(job.args))
                        .name("decode"),
                "deliver", "payments");
    }

    private static final class Decode extends RichMapFunction<Long, Long> {
        private final int failAfterMs;
        private final int failTimes;
        private final int finishMs;
        private long startedMs;

        Decode(Args args) {
            failAfterMs = args.number("fail-after-ms", 3000);
            failTimes = args.number("fail-times", -1);
            finishMs = args.number("finish-ms", 0);
        }

        @Override
        public void open(OpenContext context) {
            startedMs = System.currentTimeMillis();
        }

        @Override
        public Long map(Long number) throws Exception {
            int attempt = getRuntimeContext().getTaskInfo().getAttemptNumber();
            boolean due = System.currentTimeMillis() - startedMs >= failAfterMs;
            if (due && (failTimes < 0 || attempt < failTimes)) {
                throw attempt == 0
                        ? new IOException("connection to broker-7 lost while reading offset 4711")
                        : new IllegalStateException("record 4711 cannot be decoded: unexpected end of input");
            }
            return number;
        }

        @Override
        public void close() throws Exception {
            Thread.sleep(finishMs);
        }
    }
}
