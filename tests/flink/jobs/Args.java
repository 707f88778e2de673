package flinkdoctor;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/** A job's parameters: --key value pairs. Flink's own ParameterTool moved to another package in 2.0. */
final class Args implements Serializable {
    private final Map<String, String> values = new HashMap<>();

    Args(String[] args) {
        for (int i = 0; i + 1 < args.length; i += 2) {
            if (!args[i].startsWith("--")) {
                throw new IllegalArgumentException("expected --key value, got " + args[i]);
            }
            values.put(args[i].substring(2), args[i + 1]);
        }
    }

    String text(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    int number(String key, int otherwise) {
        return Integer.parseInt(values.getOrDefault(key, Integer.toString(otherwise)));
    }

    boolean flag(String key, boolean otherwise) {
        return Boolean.parseBoolean(values.getOrDefault(key, Boolean.toString(otherwise)));
    }
}
