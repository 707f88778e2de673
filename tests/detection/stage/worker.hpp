// A healthy JobManager or TaskManager in full: heap, metaspace, threads, descriptors, direct
// buffers and resident memory, which fill, follow the load and the jobs, and stay.
#pragma once

#include <array>

#include "tests/detection/ranges.hpp"
#include "tests/detection/stage/jvm.hpp"
#include "tests/detection/stage/resident.hpp"

namespace doctor::detection {

/// What workers draw from; part of the table of a family that has some.
inline constexpr std::array<Range, 11> kWorkerRanges{{
    {"stretch", 1, 1.2, Scale::linear, "by which the ranges of series/heap.cpp grow", 1},
    {"managed_mb", 0, 3000, Scale::linear, "reserved, and filled by RocksDB", 0},
    {"overhead_share", 0.12, 0.3, Scale::linear, "of all budgets, left to the container's limit",
     0.1},
    {"native_mb", 60, 400, Scale::log, "stacks, the collector, libraries", 30},
    {"arenas_share", 0, 0.06, Scale::linear, "of all budgets, by which malloc's arenas settle", 0},
    {"fill_h", 2, 72, Scale::log, "until heap and cache are touched", 1},
    {"noise_mb", 2, 20, Scale::log, "of what is resident", 1},
    {"tide_mb", 0, 60, Scale::linear, "of the day, of what is resident", 0},
    {"pool_threads", 5, 100, Scale::log, "that clients start as they are used", 1},
    {"pool_h", 0.2, 24, Scale::log, "until they have", 0.05},
    {"descriptors", 150, 2000, Scale::log, "open before any job", 50},
}};

class Worker {
 public:
  /// Its series join the process, whose sizes are set. It must outlive that.
  Worker(JvmSpec spec, const Ranges& ranges, Random random, Process& process, EntityTable& entities,
         TimestampMs start, DurationMs scrape_ms);

  Jvm& jvm() { return jvm_; }
  /// A job restarts on it.
  void settle_anew(TimestampMs at) { resident_.settle_anew(at); }

 private:
  void join(Process& process);

  Random random_;
  Jvm jvm_;
  Resident resident_;
  TimestampMs start_;
  double pool_threads_, pool_ms_, descriptors_;
  double threads_wobble_{0}, descriptors_wobble_{0};
};

}  // namespace doctor::detection
