package flinkdoctor;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Keyed state of a chosen size: --base-kb, then --growth-kb per second, and after --jump-after-ms another --jump-kb.
 *
 * <p>Entries are --entry-kb each and written once. The moment of the jump is counted from the first record of the
 * job's life and kept in state, so a restart does not move it.
 */
public final class KeyedState {
    private static final int KEYS = 16;

    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        job.sinkAndRun(
                job.numbers("events").keyBy(n -> n % KEYS).process(new Fill(job.args)).name("profile"),
                "deliver", "profiles");
    }

    private static final class Fill extends KeyedProcessFunction<Long, Long, Long> {
        private final int entryKb;
        private final long baseKb;
        private final long growthKb;
        private final long jumpKb;
        private final long jumpAfterMs;
        private transient MapState<Integer, byte[]> entries;
        private transient ValueState<Integer> count;
        private transient ValueState<Long> firstMs;

        Fill(Args args) {
            entryKb = args.number("entry-kb", 20);
            baseKb = args.number("base-kb", 20_000);
            growthKb = args.number("growth-kb", 0);
            jumpKb = args.number("jump-kb", 0);
            jumpAfterMs = args.number("jump-after-ms", Integer.MAX_VALUE);
        }

        @Override
        public void open(OpenContext context) {
            entries = getRuntimeContext().getMapState(
                    new MapStateDescriptor<>("entries", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.INT));
            firstMs = getRuntimeContext().getState(new ValueStateDescriptor<>("first", Types.LONG));
        }

        @Override
        public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
            long now = System.currentTimeMillis();
            if (firstMs.value() == null) {
                firstMs.update(now);
            }
            long ageMs = now - firstMs.value();
            long targetKb = baseKb + growthKb * ageMs / 1000 + (ageMs >= jumpAfterMs ? jumpKb : 0);
            int target = (int) (targetKb / KEYS / entryKb);
            int have = count.value() == null ? 0 : count.value();
            if (have < target) {
                entries.put(have, Job.randomBytes(entryKb * 1024));
                count.update(have + 1);
            }
            out.collect(number);
        }
    }
}
