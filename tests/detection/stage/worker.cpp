#include "tests/detection/stage/worker.hpp"

#include <cmath>

#include "tests/detection/families/plans.hpp"

namespace doctor::detection {
namespace {

constexpr double kMegabyte = 1e6;
constexpr double kBaseThreads = 70;  // of Flink, Pekko, Netty and the JVM
constexpr double kThreadsPerJob = 6;
constexpr double kDescriptorsPerJob = 12;
constexpr double kDescriptorsMax = 65'536;
constexpr double kFrameworkOffHeap = 134e6;
constexpr DurationMs kYearMs = 365 * kDayMs;

HeapSeries draw_heap(const Ranges& ranges, Random& random, DurationMs scrape_ms) {
  constexpr std::array kKinds{HeapFamily::tides,   HeapFamily::slow_collections,
                              HeapFamily::warm_up, HeapFamily::cache_to_capacity,
                              HeapFamily::organic, HeapFamily::deployments,
                              HeapFamily::noise};
  HeapRanges drawn;
  drawn.widened = ranges.draw("stretch", random);
  drawn.length_ms = kYearMs;
  drawn.scrape_ms = scrape_ms;
  const HeapFamily kind = kKinds.at(random.below(kKinds.size()));
  return {kind, static_cast<unsigned>(random.bits() >> 40U), drawn};
}

ResidentSpec draw_resident(const Ranges& ranges, Random& random, double heap) {
  ResidentSpec spec;
  spec.heap = heap;
  spec.managed = ranges.draw("managed_mb", random) * kMegabyte;
  spec.overhead_share = ranges.draw("overhead_share", random);
  spec.native = ranges.draw("native_mb", random) * kMegabyte;
  const double budget = spec.heap + spec.nonheap + spec.direct + spec.managed;
  spec.arenas = ranges.draw("arenas_share", random) * budget;
  spec.fill_ms = ranges.draw("fill_h", random) * kHourMs;
  spec.noise = ranges.draw("noise_mb", random) * kMegabyte;
  return spec;
}

}  // namespace

Worker::Worker(JvmSpec spec, const Ranges& ranges, Random random, Process& process,
               EntityTable& entities, TimestampMs start, DurationMs scrape_ms)
    : random_(random),
      jvm_(spec, draw_heap(ranges, random_, scrape_ms), random_.fork(), start),
      resident_(draw_resident(ranges, random_, jvm_.heap_limit()), random_.fork(), start),
      start_(start),
      pool_threads_(ranges.draw("pool_threads", random_)),
      pool_ms_(ranges.draw("pool_h", random_) * kHourMs / 3),
      descriptors_(ranges.draw("descriptors", random_)) {
  resident_.tide = ranges.draw("tide_mb", random_) * kMegabyte;
  MemoryConfiguration& memory = process.facts.memory;
  memory.managed = resident_.spec().managed;
  memory.framework_off_heap = kFrameworkOffHeap;
  memory.task_off_heap = 0;
  memory.network = resident_.spec().direct - kFrameworkOffHeap;
  memory.metaspace = jvm_.limit();
  memory.total_process = resident_.limit();
  jvm_.join(process, entities);
  resident_.join(process);
  join(process);
}

void Worker::join(Process& process) {
  const EntityId entity = process.entity;
  Block block;
  for (const Metric metric : {Metric::jvm_threads, Metric::host_descriptors,
                              Metric::host_descriptors_max, Metric::jvm_direct_used}) {
    block.keys.push_back({metric, entity});
  }
  block.fill = [this](TimestampMs at, double* values) {
    const double pooled = 1 - std::exp(-static_cast<double>(at - start_) / pool_ms_);
    const double jobs = jvm_.loaders_alive();
    const double tide = season(at, 1, 0) / 2;
    threads_wobble_ = 0.98 * threads_wobble_ + 0.4 * random_.normal();
    descriptors_wobble_ = 0.98 * descriptors_wobble_ + 0.004 * descriptors_ * random_.normal();
    values[0] = std::floor(kBaseThreads + pooled * pool_threads_ * (0.9 + 0.1 * tide) +
                           kThreadsPerJob * jobs + threads_wobble_);
    values[1] = std::floor(descriptors_ * (1 + 0.05 * tide) + pooled * pool_threads_ +
                           kDescriptorsPerJob * jobs + descriptors_wobble_);
    values[2] = kDescriptorsMax;
    values[3] = std::floor(resident_.spec().direct * (0.85 + 0.05 * pooled));
  };
  process.add(std::move(block));
}

}  // namespace doctor::detection
