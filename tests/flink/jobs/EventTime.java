package flinkdoctor;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * source with timestamps -> (keyBy) -> count per second of event time -> sink.
 *
 * <p>The source has as many splits as subtasks; after --silent-after-s the upper half of them has no records any more.
 * --idle-ms 0: nobody marks them idle (the fault); else after so long (the twin).
 */
public final class EventTime {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        WatermarkStrategy<Long> strategy = WatermarkStrategy.<Long>forMonotonousTimestamps()
                .withTimestampAssigner((element, timestamp) -> System.currentTimeMillis());
        int idleMs = job.args.number("idle-ms", 0);
        if (idleMs > 0) {
            strategy = strategy.withIdleness(Duration.ofMillis(idleMs));
        }
        DataStream<Long> stream = job.numbers("events")
                .filter(new FallsSilent(job.args.number("silent-after-s", 60))).name("silence")
                .assignTimestampsAndWatermarks(strategy).name("timestamps")
                .keyBy(index -> index & 15, Types.LONG)
                .process(new CountPerSecond()).name("count").returns(Types.LONG)
                .rebalance();
        job.sinkAndRun(stream, "deliver", "event-time");
    }

    private static final class FallsSilent implements FilterFunction<Long> {
        private final long afterMs;
        private transient long since;

        FallsSilent(int afterS) {
            afterMs = afterS * 1000L;
        }

        @Override
        public boolean filter(Long index) {
            if (since == 0) {
                since = System.currentTimeMillis();
            }
            return index < Long.MAX_VALUE / 2 || System.currentTimeMillis() - since < afterMs;
        }
    }

    /** Counts in memory: what is behind a stuck watermark would else grow, which is another story. */
    private static final class CountPerSecond extends KeyedProcessFunction<Long, Long, Long> {
        private long count;

        @Override
        public void processElement(Long index, Context context, Collector<Long> out) {
            ++count;
            context.timerService().registerEventTimeTimer(context.timestamp() / 1000 * 1000 + 1000);
        }

        @Override
        public void onTimer(long timestamp, OnTimerContext context, Collector<Long> out) {
            out.collect(count);
        }
    }
}
