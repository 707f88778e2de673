package flinkdoctor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * --states column families, each written with --value-bytes per record over --keys keys.
 *
 * <p>With --unmanaged true every column family fills its own write buffers and its own block cache, whatever the
 * slot's share of managed memory; with managed memory they share one budget.
 */
public final class ManyStates {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        int keys = job.args.number("keys", 1_000_000);
        job.sinkAndRun(
                job.numbers("events")
                        .map(n -> ThreadLocalRandom.current().nextLong(keys)).returns(Types.LONG).name("pick")
                        .keyBy(n -> n)
                        .process(new Write(job.args.number("states", 24), job.args.number("value-bytes", 1000)))
                        .name("aggregate"),
                "deliver", "sessions");
    }

    private static final class Write extends KeyedProcessFunction<Long, Long, Long> {
        private final int states;
        private final int valueBytes;
        private transient List<ValueState<byte[]>> values;

        Write(int states, int valueBytes) {
            this.states = states;
            this.valueBytes = valueBytes;
        }

        @Override
        public void open(OpenContext context) {
            values = new ArrayList<>();
            for (int i = 0; i < states; i++) {
                values.add(getRuntimeContext().getState(
                        new ValueStateDescriptor<>("aggregate-" + i, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)));
            }
        }

        @Override
        public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
            for (ValueState<byte[]> value : values) {
                byte[] before = value.value();  // a read as well: block caches fill like memtables
                value.update(Job.randomBytes(valueBytes));
                if (before == null) {
                    out.collect(number);
                }
            }
        }
    }
}
