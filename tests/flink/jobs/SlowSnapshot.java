package flinkdoctor;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * Checkpoints that last --snapshot-ms: beyond the timeout none ever completes, below it they are merely slow; -1: they
 * are refused. With --every N only every Nth one is.
 *
 * <p>The time passes in the asynchronous part (see {@link SlowValue}), so records flow on undisturbed and nothing but
 * the checkpoints shows that something is wrong.
 */
public final class SlowSnapshot {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        job.sinkAndRun(
                job.numbers("events").keyBy(n -> 0L)
                        .map(new Remember(job.args.number("snapshot-ms", 0), job.args.number("every", 1)))
                        .name("remember"),
                "deliver", "ledger");
    }

    private static final class Remember extends RichMapFunction<Long, Long> {
        private final int snapshotMs;
        private final int every;
        private transient ValueState<SlowValue> last;

        Remember(int snapshotMs, int every) {
            this.snapshotMs = snapshotMs;
            this.every = every;
        }

        @Override
        public void open(OpenContext context) {
            last = getRuntimeContext().getState(
                    new ValueStateDescriptor<>("last", TypeInformation.of(SlowValue.class)));
        }

        @Override
        public Long map(Long number) throws Exception {
            last.update(new SlowValue(number, snapshotMs, every));
            return number;
        }
    }
}
