import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.lang.ref.SoftReference;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The memory of a real JVM under a workload whose faults are known: what record.py runs, one JVM a trace. Time is
 * compressed: all durations given are of the trace. Writes a line per sample and per event; see README.md here.
 */
public final class Workload {
  private static final int LIVE_ENTRY_BYTES = 4096;
  private static final int LEAK_ENTRY_BYTES = 1024;
  private static final int DIRECT_BUFFER_BYTES = 64 * 1024;
  private static final double HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
  // Of the JVM. While it pauses, or the machine is busy with others, the trace's clock stands still: compressed, a pause
  // of 50 ms would be most of a minute.
  private static final double STEP_MAX_MS = 25;

  private final Map<String, String> options = new HashMap<>();
  private final Random random;
  private final double compression;
  private double now; // ms of the trace
  private final FileOutputStream out;

  // What is held.
  private final List<byte[]> live = new ArrayList<>();
  private final List<byte[]> cache = new ArrayList<>();
  private final Map<Long, byte[]> leaked = new HashMap<>();
  private final List<ByteBuffer> direct = new ArrayList<>();
  private final List<Object> kept = new ArrayList<>();
  private final List<SoftReference<Object>> softly = new ArrayList<>(); // to look into one is to use it: nobody does
  private final byte[][] young = new byte[256][];
  private final Map<String, byte[]> code = new HashMap<>();
  private final List<String> codeNames = new ArrayList<>();
  private final Map<String, Object> running = new ConcurrentHashMap<>();
  private long leaks;

  private Workload(String[] arguments) throws IOException {
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      options.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    random = new Random((long) number("seed", 1));
    compression = number("compression", 1000);
    out = new FileOutputStream(options.get("out"));
  }

  public static void main(String[] arguments) throws Exception {
    Workload workload = new Workload(arguments);
    workload.prepare();
    try {
      workload.run();
    } catch (OutOfMemoryError full) { // of direct memory: the JVM itself ends at the others
      workload.write("! " + Math.round(workload.now / 1000) + " out_of_memory " + full.getMessage());
      Runtime.getRuntime().halt(3);
    }
    Runtime.getRuntime().halt(0);
  }

  private double number(String name, double otherwise) {
    String text = options.get(name);
    return text == null ? otherwise : Double.parseDouble(text);
  }

  /** 1 at the day's mean; the trace begins at midnight. */
  private double load(double at) {
    return 1 - number("tide", 0) * Math.cos((at / HOUR_MS - 3) / 24 * 2 * Math.PI);
  }

  private void write(String line) {
    try {
      out.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
    } catch (IOException error) {
      Runtime.getRuntime().halt(4);
    }
  }

  // ---- what Flink's reporter would show ----

  private final List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();

  private void writeColumns() {
    write("columns at_s heap_used_kib heap_max_kib nonheap_committed_kib metaspace_used_kib metaspace_committed_kib"
        + " metaspace_max_kib classes_loaded classes_unloaded threads direct_used_kib resident_anonymous_kib cpu_ms "
        + collectors.stream().map(gc -> "gc:" + gc.getName().replace(' ', '_')).collect(Collectors.joining(" ")));
  }

  private String row() throws IOException {
    var memory = ManagementFactory.getMemoryMXBean();
    var classes = ManagementFactory.getClassLoadingMXBean();
    var os = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    MemoryUsage heap = memory.getHeapMemoryUsage();
    MemoryUsage metaspace = ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getName().equals("Metaspace")).map(MemoryPoolMXBean::getUsage).findFirst().get();
    long directUsed = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct")).mapToLong(BufferPoolMXBean::getMemoryUsed).sum();
    StringBuilder row = new StringBuilder().append(Math.round(now / 1000));
    long[] kib = {heap.getUsed(), heap.getMax(), memory.getNonHeapMemoryUsage().getCommitted(), metaspace.getUsed(),
        metaspace.getCommitted(), metaspace.getMax()};
    for (long bytes : kib) row.append(' ').append(bytes >> 10);
    row.append(' ').append(classes.getTotalLoadedClassCount()).append(' ').append(classes.getUnloadedClassCount());
    row.append(' ').append(ManagementFactory.getThreadMXBean().getThreadCount());
    row.append(' ').append(directUsed >> 10).append(' ').append(residentAnonymousKib());
    row.append(' ').append(Math.round(os.getProcessCpuTime() / 1e6));
    for (GarbageCollectorMXBean gc : collectors) row.append(' ').append(gc.getCollectionCount());
    return row.toString();
  }

  private static long residentAnonymousKib() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("RssAnon:")) return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
    return 0;
  }

  // ---- the workload ----

  /** As a TaskManager has loaded its own classes and its state before anything is asked of it. */
  private void prepare() throws Exception {
    int wanted = (int) number("base_classes", 6000);
    int perJob = (int) number("job_classes", 0);
    FileSystem jdk = FileSystems.getFileSystem(URI.create("jrt:/"));
    for (String name : classNames(jdk, List.of("java.base", "java.xml", "java.desktop"), wanted)) {
      try {
        Class.forName(name, false, ClassLoader.getSystemClassLoader());
      } catch (ClassNotFoundException | LinkageError absent) {
        // Not every class of the JDK can be loaded here.
      }
    }
    if (perJob > 0) {
      for (String name : classNames(jdk, List.of("jdk.compiler", "jdk.javadoc"), perJob)) {
        code.put(name, Files.readAllBytes(jdk.getPath("modules", moduleOf(jdk, name), name.replace('.', '/') + ".class")));
        codeNames.add(name);
      }
    }
    for (double bytes = number("live_mb", 30) * (1 << 20); bytes > 0; bytes -= LIVE_ENTRY_BYTES) {
      live.add(new byte[LIVE_ENTRY_BYTES]);
    }
  }

  private static String moduleOf(FileSystem jdk, String name) {
    return Files.exists(jdk.getPath("modules", "jdk.compiler", name.replace('.', '/') + ".class"))
        ? "jdk.compiler" : "jdk.javadoc";
  }

  private static List<String> classNames(FileSystem jdk, List<String> modules, int most) throws IOException {
    List<String> names = new ArrayList<>();
    for (String module : modules) {
      Path root = jdk.getPath("modules", module);
      try (Stream<Path> files = Files.walk(root)) {
        files.map(file -> root.relativize(file).toString()).sorted()
            .filter(file -> file.endsWith(".class") && !file.endsWith("-info.class"))
            .forEach(file -> names.add(file.substring(0, file.length() - 6).replace('/', '.')));
      }
    }
    return names.subList(0, Math.min(most, names.size()));
  }

  private void run() throws IOException {
    double end = number("days", 3) * DAY_MS;
    double sampleEvery = number("scrape_s", 120) * 1000;
    double submitEvery = number("submit_min", 0) * 60_000;
    double nextSubmission = submitEvery, nextSample = sampleEvery;
    writeColumns();
    for (long last = System.nanoTime(); now < end;) {
      LockSupport.parkNanos(2_000_000);
      long woke = System.nanoTime();
      double ms = Math.min((woke - last) / 1e6, STEP_MAX_MS); // of the JVM
      last = woke;
      now = Math.min(now + ms * compression, Math.min(nextSample, end));
      work(ms / 1000);
      if (submitEvery > 0 && now >= nextSubmission) {
        nextSubmission = now + submitEvery * (0.6 + 0.8 * random.nextDouble());
        submit("job-" + random.nextInt((int) number("jobs", 1)));
      }
      if (now >= nextSample) {
        nextSample += sampleEvery;
        write(row());
      }
    }
  }

  private double garbage, replaced, grown, cached, buffered; // MB that are due

  private void work(double seconds) {
    double load = load(now);
    garbage = allocate(garbage + number("garbage_mb_s", 60) * load * seconds);
    replaced = replace(replaced + number("replace_mb_s", 1) * load * seconds);
    if (now >= number("leak_from_days", 0) * DAY_MS) {
      grown = leak(grown + number("leak_mb_s", 0) * (number("leak_by_load", 0) > 0 ? load : 1) * seconds);
      buffered = buffer(buffered + number("direct_mb_s", 0) * seconds);
    }
    if (now >= number("cache_from_days", 0) * DAY_MS) cached = fill(cached + number("cache_mb_s", 0) * seconds);
  }

  /** Each of these takes what is due in MB and returns what is left of it. */
  private double allocate(double mb) {
    int count = (int) (mb * (1 << 20) / LIVE_ENTRY_BYTES);
    for (int i = 0; i < count; ++i) young[i & 255] = new byte[LIVE_ENTRY_BYTES];
    return mb - count * (double) LIVE_ENTRY_BYTES / (1 << 20);
  }

  private double replace(double mb) {
    int count = live.isEmpty() ? 0 : (int) (mb * (1 << 20) / LIVE_ENTRY_BYTES);
    for (int i = 0; i < count; ++i) live.set(random.nextInt(live.size()), new byte[LIVE_ENTRY_BYTES]);
    return live.isEmpty() ? 0 : mb - count * (double) LIVE_ENTRY_BYTES / (1 << 20);
  }

  private double leak(double mb) {
    for (; mb >= LEAK_ENTRY_BYTES / 1048576.0; mb -= LEAK_ENTRY_BYTES / 1048576.0) {
      leaked.put(leaks++, new byte[LEAK_ENTRY_BYTES]);
    }
    return mb;
  }

  /** A cache that is filled to its capacity, and from then on replaces what it holds. */
  private double fill(double mb) {
    double capacity = number("cache_mb", 0) * (1 << 20) / LIVE_ENTRY_BYTES;
    for (; mb >= LIVE_ENTRY_BYTES / 1048576.0; mb -= LIVE_ENTRY_BYTES / 1048576.0) {
      byte[] entry = new byte[LIVE_ENTRY_BYTES];
      if (cache.size() < capacity) {
        cache.add(entry);
      } else {
        cache.set(random.nextInt(cache.size()), entry);
      }
    }
    return mb;
  }

  private double buffer(double mb) {
    for (; mb >= DIRECT_BUFFER_BYTES / 1048576.0; mb -= DIRECT_BUFFER_BYTES / 1048576.0) {
      direct.add(ByteBuffer.allocateDirect(DIRECT_BUFFER_BYTES));
    }
    return mb;
  }

  /** Cancels that job, if it runs, and submits it again: its classes come with a loader of their own. */
  private void submit(String name) {
    if (running.remove(name) != null) write("! " + Math.round(now / 1000) + " end " + name);
    write("! " + Math.round(now / 1000) + " submit " + name);
    ClassLoader loader = new JobLoader(code);
    for (String each : codeNames) {
      try {
        Class.forName(each, false, loader);
      } catch (ClassNotFoundException | LinkageError absent) {
        // As above.
      }
    }
    boolean leaky = name.equals("job-0");
    if (leaky && number("kept", 0) > 0) kept.add(loader);
    if (number("softly", 0) > 0) softly.add(new SoftReference<>(loader));
    for (int i = 0; leaky && i < number("threads", 0); ++i) {
      Thread thread = new Thread(LockSupport::park, name + "-client-" + i);
      thread.setDaemon(true);
      thread.start();
    }
    running.put(name, loader);
  }

  /** Child first, as Flink's: a job brings its own copy of every class it uses. */
  private static final class JobLoader extends ClassLoader {
    private final Map<String, byte[]> code;

    JobLoader(Map<String, byte[]> code) {
      super(ClassLoader.getSystemClassLoader());
      this.code = code;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      byte[] bytes = code.get(name);
      if (bytes == null) return super.loadClass(name, resolve);
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        return known != null ? known : defineClass(name, bytes, 0, bytes.length);
      }
    }
  }
}
