#include "tests/detection/stage/jvm.hpp"

#include <algorithm>
#include <utility>

namespace doctor::detection {
namespace {

constexpr double kSoftAgeMsPerFreeByte = 1000.0 / (1 << 20);  // SoftRefLRUPolicyMSPerMB
constexpr double kFreeHeapBytes = 600e6;                      // where the heap is not drawn
constexpr double kCommitted = 1.04;                           // committed / used
// MinMetaspaceFreeRatio 40 and MaxMetaspaceFreeRatio 70: the next threshold, as a multiple of use.
constexpr double kThresholdLow = 1 / 0.6;
constexpr double kThresholdHigh = 1 / 0.3;

struct Names {
  std::string_view young, old, concurrent;
};
Names names_of(Collector collector) {
  switch (collector) {
    case Collector::parallel:
      return {"PS_Scavenge", "PS_MarkSweep", ""};
    case Collector::serial:
      return {"Copy", "MarkSweepCompact", ""};
    case Collector::g1_counted:
      return {"G1_Young_Generation", "G1_Old_Generation", "G1_Concurrent_GC"};
    case Collector::g1:
      break;
  }
  return {"G1_Young_Generation", "G1_Old_Generation", ""};
}

}  // namespace

Jvm::Jvm(const JvmSpec& spec, Random random, TimestampMs start)
    : spec_(spec),
      random_(random),
      start_(start),
      at_(start),
      used_(spec.base_bytes),
      loaded_(spec.base_classes),
      next_cycle_(start) {
  // At start the threshold may be anything from just above the base.
  const bool g1 = spec.collector == Collector::g1 || spec.collector == Collector::g1_counted;
  threshold_ = used_ * (g1 ? random_.uniform(1.07, kThresholdHigh) : random_.uniform(1.05, 1.43));
  next_cycle_ +=
      static_cast<DurationMs>(random_.exponential(spec.concurrent_cycle_hours) * kHourMs);
}

Jvm::Jvm(const JvmSpec& spec, HeapSeries heap, Random random, TimestampMs start)
    : Jvm(spec, random, start) {
  spec_.heap_bytes = heap.truth().limit;
  heap_ = std::move(heap);
}

int Jvm::loaders_alive() const {
  return static_cast<int>(std::count_if(loaders_.begin(), loaders_.end(), [](const Held& held) {
    return held.dead_at == 0 && !held.gone;
  }));
}

Jvm::Loader Jvm::load(double bytes, double classes, double retained, TimestampMs at) {
  advance(at);
  if (used_ + bytes > threshold_) {
    if (spec_.collector == Collector::parallel || spec_.collector == Collector::serial) {
      full_collection(at, false);
    } else {
      concurrent_cycle(at);
    }
  }
  if (kCommitted * (used_ + bytes) > spec_.limit_bytes) {
    full_collection(at, false);
    if (kCommitted * (used_ + bytes) > spec_.limit_bytes) full_collection(at, true);
  }
  out_of_memory_ = kCommitted * (used_ + bytes) > spec_.limit_bytes;
  if (!out_of_memory_) {
    used_ += bytes;
    loaded_ += classes;
  }
  loaders_.push_back({bytes, classes, retained, 0, out_of_memory_});
  return loaders_.size() - 1;
}

void Jvm::release(Loader loader, TimestampMs at) { loaders_[loader].dead_at = at; }

void Jvm::grow(double bytes, double classes) {
  used_ = std::min(used_ + bytes, spec_.limit_bytes / kCommitted);
  loaded_ += classes;
}

void Jvm::advance(TimestampMs to) {
  if (to <= at_) return;
  const auto minutes = static_cast<double>(to - at_) / kMinuteMs;
  young_ += 3 * minutes * random_.uniform(0.5, 1.5);
  cpu_ns_ += 60e9 * minutes * spec_.cores * random_.uniform(0.8, 1.2);
  at_ = to;
  follow_heap(to);
  const bool g1 = spec_.collector == Collector::g1 || spec_.collector == Collector::g1_counted;
  while (next_cycle_ <= to) {
    if (g1) concurrent_cycle(next_cycle_);
    next_cycle_ +=
        static_cast<DurationMs>(random_.exponential(spec_.concurrent_cycle_hours) * kHourMs) + 1;
  }
}

void Jvm::follow_heap(TimestampMs to) {
  while (heap_ && heap_->now() - heap_->begin() < to - start_) {
    const std::optional<HeapSample> sample = heap_->next();
    if (!sample) return;
    if (sample->full_collections > of_heap_.full_collections) full_collection(to, false);
    of_heap_ = *sample;
  }
}

/// Every dead loader is held that long by the caches of serialization: measured on OpenJDK 17 with
/// a Flink job of one serializable function, submitted every 20 s.
DurationMs Jvm::soft_age_ms() {
  const double free =
      spec_.heap_bytes > 0 ? spec_.heap_bytes * random_.uniform(0.2, 0.95) : kFreeHeapBytes;
  return static_cast<DurationMs>(free * kSoftAgeMsPerFreeByte);
}

void Jvm::collect(TimestampMs at, bool clears_soft) {
  const DurationMs soft_age = soft_age_ms();
  for (Held& held : loaders_) {
    if (held.gone || held.dead_at == 0) continue;
    if (at - held.dead_at < soft_age && !clears_soft) continue;
    held.gone = true;
    used_ -= held.bytes * (1 - held.retained);
    unloaded_ += std::floor(held.classes * (1 - held.retained));
  }
}

void Jvm::full_collection(TimestampMs at, bool clears_soft) {
  collect(at, clears_soft);
  ++old_;
  set_threshold();
}

void Jvm::concurrent_cycle(TimestampMs at) {
  collect(at, false);
  concurrent_ += 2;  // remark and cleanup
  set_threshold();
}

void Jvm::set_threshold() { threshold_ = used_ * random_.uniform(kThresholdLow, kThresholdHigh); }

void Jvm::join(Process& process, EntityTable& entities) {
  const Names names = names_of(spec_.collector);
  Block block;
  const auto collector = [&](std::string_view name) {
    return SeriesKey{Metric::gc_count, entities.intern(Level::collector, process.entity, name)};
  };
  block.keys = {{Metric::jvm_metaspace_used, process.entity},
                {Metric::jvm_metaspace_committed, process.entity},
                {Metric::jvm_metaspace_max, process.entity},
                {Metric::jvm_classes_loaded, process.entity},
                {Metric::jvm_classes_unloaded, process.entity},
                {Metric::jvm_cpu_time, process.entity},
                collector(names.young),
                collector(names.old)};
  const bool counted = !names.concurrent.empty();
  if (counted) block.keys.push_back(collector(names.concurrent));
  const bool tells_heap = spec_.heap_bytes > 0;
  if (tells_heap) block.keys.push_back({Metric::jvm_heap_max, process.entity});
  if (heap_) block.keys.push_back({Metric::jvm_heap_used, process.entity});
  block.fill = [this, counted, tells_heap](TimestampMs at, double* values) {
    advance(at);
    values[0] = used_;
    values[1] = std::min(spec_.limit_bytes, kCommitted * used_);
    values[2] = spec_.limit_bytes;
    values[3] = loaded_;
    values[4] = unloaded_;
    values[5] = heap_ ? of_heap_.cpu_ns : cpu_ns_;
    values[6] = heap_ ? of_heap_.young_collections : std::floor(young_);
    values[7] = old_;
    std::size_t next = 8;
    if (counted) values[next++] = concurrent_;
    if (tells_heap) values[next++] = spec_.heap_bytes;
    if (heap_) values[next++] = of_heap_.used;
  };
  process.add(std::move(block));
}

}  // namespace doctor::detection
