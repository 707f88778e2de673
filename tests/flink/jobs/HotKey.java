package flinkdoctor;

import org.apache.flink.api.common.typeinfo.Types;

/**
 * source -> (keyBy) -> work -> sink. --hot-percent of the records have one key, the rest have one of a thousand.
 *
 * <p>--delay-us: what a record costs in `work`.
 */
public final class HotKey {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        int hotPercent = job.args.number("hot-percent", 0);
        int delayUs = job.args.number("delay-us", 0);
        job.sinkAndRun(job.numbers("events")
                .keyBy(index -> index % 100 < hotPercent ? 1000L : index / 100 % 1000, Types.LONG)
                .map(new Wait<Long>(delayUs)).returns(Types.LONG).name("work").disableChaining()
                .rebalance(), "deliver", "hot-key");
    }
}
