package flinkdoctor;

import java.util.concurrent.ThreadLocalRandom;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * What all jobs share: the environment from --parameters, a rate-limited source of running numbers, a sink.
 *
 * <p>--name, --parallelism; --interval-ms (0: no checkpoints), --timeout-ms, --tolerable, --min-pause-ms;
 * --restarts (0: none, n: fixed delay of 1 s, -1: for ever); --backend hashmap|rocksdb, --incremental.
 */
final class Job {
    final Args args;
    final StreamExecutionEnvironment env;

    Job(String[] arguments) {
        args = new Args(arguments);
        env = StreamExecutionEnvironment.getExecutionEnvironment(configuration(args));
        if (args.number("parallelism", 0) > 0) {
            env.setParallelism(args.number("parallelism", 0));
        }
    }

    private static Configuration configuration(Args args) {
        Configuration conf = new Configuration();
        int intervalMs = args.number("interval-ms", 0);
        if (intervalMs > 0) {
            conf.setString("execution.checkpointing.interval", intervalMs + " ms");
            conf.setString("execution.checkpointing.timeout", args.number("timeout-ms", 600_000) + " ms");
            conf.setString("execution.checkpointing.min-pause", args.number("min-pause-ms", 0) + " ms");
            conf.setString("execution.checkpointing.tolerable-failed-checkpoints", args.text("tolerable", "0"));
        }
        restarts(conf, args.number("restarts", 0));
        for (String key : new String[] {"state.backend.type", "state.backend"}) {  // the second: before 1.18
            conf.setString(key, args.text("backend", "hashmap"));
        }
        for (String key : new String[] {"execution.checkpointing.incremental", "state.backend.incremental"}) {  // 1.20
            conf.setString(key, args.text("incremental", "false"));
        }
        if (args.flag("unmanaged", false)) {
            conf.setString("state.backend.rocksdb.memory.managed", "false");
            conf.setString("state.backend.rocksdb.writebuffer.size", args.number("write-buffer-mb", 64) + " mb");
            conf.setString("state.backend.rocksdb.writebuffer.count", args.text("write-buffers", "4"));
        }
        return conf;
    }

    private static void restarts(Configuration conf, int restarts) {
        for (String key : new String[] {"restart-strategy.type", "restart-strategy"}) {  // the second: before 1.19
            conf.setString(key, restarts == 0 ? "none" : "fixed-delay");
        }
        if (restarts == 0) {
            return;
        }
        conf.setString("restart-strategy.fixed-delay.delay", "1 s");
        conf.setString("restart-strategy.fixed-delay.attempts",
                Integer.toString(restarts < 0 ? Integer.MAX_VALUE : restarts));
    }

    /** Running numbers at --rate per second, --count of them (default: no end), as a FLIP-27 source. */
    SingleOutputStreamOperator<Long> numbers(String name) {
        int count = args.number("count", -1);
        PacedNumbers source = new PacedNumbers(count < 0 ? Long.MAX_VALUE : count,
                args.number("rate", 100) / (double) env.getParallelism());
        return env.fromSource(source, WatermarkStrategy.noWatermarks(), name);
    }

    void sinkAndRun(DataStream<?> stream, String sinkName, String jobName) throws Exception {
        stream.sinkTo(new DiscardingSink<>()).name(sinkName);
        env.execute(args.text("name", jobName));
    }

    /** Bytes that neither Snappy nor anybody else can shrink: state sizes are what they say. */
    static byte[] randomBytes(int size) {
        byte[] bytes = new byte[size];
        ThreadLocalRandom.current().nextBytes(bytes);
        return bytes;
    }
}
