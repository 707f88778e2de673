package flinkdoctor;

import java.util.function.LongUnaryOperator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;

/**
 * A short bounded job that loads --classes generated classes at each submission.
 *
 * <p>With --leak true it also registers a shutdown hook, as drivers and SDKs do: the JVM then holds an object of the
 * job's class loader for ever, and with it every class that the loader defined. The twin loads the same and holds none.
 */
public final class ClassChurn {
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments);
        job.sinkAndRun(
                job.numbers("events")
                        .map(new Rules(job.args.number("classes", 1000), job.args.flag("leak", false)))
                        .name("rules"),
                "deliver", "batch-rules");
    }

    private static final class Rules extends RichMapFunction<Long, Long> {
        private final int classes;
        private final boolean leak;
        private transient LongUnaryOperator[] rules;

        Rules(int classes, boolean leak) {
            this.classes = classes;
            this.leak = leak;
        }

        @Override
        public void open(OpenContext context) throws Exception {
            rules = new LongUnaryOperator[classes];
            for (int i = 0; i < classes; i++) {
                rules[i] = (LongUnaryOperator) Class.forName("flinkdoctor.Generated" + i)
                        .getDeclaredConstructor().newInstance();
            }
            if (leak) {
                Runtime.getRuntime().addShutdownHook(new Flush(rules));
            }
        }

        @Override
        public Long map(Long number) {
            return rules[(int) (number % rules.length)].applyAsLong(number);
        }
    }

    /** What a library would do at the end of the process. */
    private static final class Flush extends Thread {
        private final LongUnaryOperator[] rules;

        Flush(LongUnaryOperator[] rules) {
            this.rules = rules;
        }

        @Override
        public void run() {
            rules[0].applyAsLong(0);
        }
    }
}
