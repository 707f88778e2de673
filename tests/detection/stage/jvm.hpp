// A JVM's metaspace and classes as class loaders come and go, under collectors that unload classes
// when their thresholds are reached, when the heap asks for a cycle, or when the limit is.
// Behaviour measured on OpenJDK 17: a healthy G1 may let dozens of dead loaders float before it
// unloads any, and one collection need not clear all of them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tests/detection/series/heap.hpp"
#include "tests/detection/stage/cluster.hpp"

namespace doctor::detection {

enum class Collector { g1, g1_counted, parallel, serial };  // counted: "G1 Concurrent GC", JDK ≥ 20

struct JvmSpec {
  Collector collector{Collector::g1};
  double base_bytes{90e6};
  double base_classes{12'000};
  double limit_bytes{256e6};
  double concurrent_cycle_hours{48};  // between cycles that the heap asks for (G1 only), on average
  double cores{0.5};                  // used on average
  double heap_bytes{0};               // its limit, which is then told as well; 0: others tell it
};

class Jvm {
 public:
  using Loader = std::size_t;

  Jvm(const JvmSpec& spec, Random random, TimestampMs start);
  /// With a heap of its own, which it then tells; the heap's collections unload classes, and its
  /// load is the JVM's.
  Jvm(const JvmSpec& spec, HeapSeries heap, Random random, TimestampMs start);

  /// A submission loads classes. `retained`: the share that is never given back once it is dead.
  Loader load(double bytes, double classes, double retained, TimestampMs at);
  void release(Loader loader, TimestampMs at);  // its job has ended
  /// Classes that are loaded once and stay: logging, plugins, lambdas.
  void grow(double bytes, double classes);
  void advance(TimestampMs to);

  double used() const { return used_; }
  int loaders_alive() const;
  double limit() const { return spec_.limit_bytes; }
  double heap_limit() const { return spec_.heap_bytes; }
  /// Not even full collections made room for the last load.
  bool out_of_memory() const { return out_of_memory_; }
  /// Its series, for the process. The JVM must outlive it.
  void join(Process& process, EntityTable& entities);

 private:
  struct Held {
    double bytes{}, classes{}, retained{};
    TimestampMs dead_at{0};  // 0: alive
    bool gone{false};
  };

  DurationMs soft_age_ms();
  void collect(TimestampMs at, bool clears_soft);
  void full_collection(TimestampMs at, bool clears_soft);
  void concurrent_cycle(TimestampMs at);
  void set_threshold();
  void follow_heap(TimestampMs to);

  JvmSpec spec_;
  Random random_;
  TimestampMs start_, at_;
  std::optional<HeapSeries> heap_;
  HeapSample of_heap_;  // the newest
  std::vector<Held> loaders_;
  double used_;
  double loaded_;
  double unloaded_{0};
  double threshold_{};
  TimestampMs next_cycle_{};
  double young_{0}, old_{0}, concurrent_{0};
  double cpu_ns_{0};
  bool out_of_memory_{false};
};

}  // namespace doctor::detection
