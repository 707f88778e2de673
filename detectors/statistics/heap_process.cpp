#include "detectors/statistics/heap_process.hpp"

#include <algorithm>

#include "detectors/advice.hpp"
#include "detectors/statistics/metaspace_series.hpp"

namespace doctor {
namespace {

HeapLimit limit_of(const Window& window, EntityId process) {
  const bool jm = window.entities->name(process) == "jobmanager";
  HeapLimit limit;
  limit.option = jm ? "jobmanager.memory.heap.size" : "taskmanager.memory.task.heap.size";
  if (const auto max = window.features->latest(Metric::jvm_heap_max, process);
      max && max->value > 0) {
    limit.bytes = max->value;
    limit.source = "-Xmx as the JVM reports it (" + limit.option + ")";
    return limit;
  }
  if (const TaskManagerFacts* tm = jm ? nullptr : window.task_manager_of(process);
      tm != nullptr && tm->memory.task_heap && tm->memory.framework_heap) {
    limit.bytes = *tm->memory.task_heap + *tm->memory.framework_heap;
    limit.source = "memoryConfiguration.taskHeap + frameworkHeap (" + limit.option + ")";
  }
  if (!jm || window.cluster == nullptr) return limit;
  for (const std::string& option : window.cluster->job_manager_jvm_options) {
    if (!option.starts_with("-Xmx")) continue;
    limit.bytes = parse_memory_bytes(option.substr(4));
    limit.source = "-Xmx of the JobManager (" + limit.option + ")";
  }
  return limit;
}

}  // namespace

std::optional<double> HeapProcess::Counter::rise(FloorScale scale, std::int64_t bin) const {
  const std::optional<double> begin = floors->at(scale, bin);
  if (!begin) return std::nullopt;
  if (bin < floors->newest(scale)) {
    const std::optional<double> end = floors->at(scale, bin + 1);
    if (!end) return std::nullopt;
    return *end - *begin;
  }
  // The bin after the newest is open: as much of the rise until now as fell into this one.
  const TimestampMs from = bin * width_ms(scale);
  const auto since = static_cast<double>(std::max(latest.at - from, width_ms(scale)));
  return (latest.value - *begin) * static_cast<double>(width_ms(scale)) / since;
}

HeapProcess::HeapProcess(const Window& window, EntityId process)
    : id_(process),
      floors_(window.features->floors(Metric::jvm_heap_used, process)),
      limit_(limit_of(window, process)) {
  const auto counter = [&](Metric metric, EntityId entity) -> std::optional<Counter> {
    const Floors* floors = window.features->floors(metric, entity);
    const std::optional<Sample> latest = window.features->latest(metric, entity);
    if (floors == nullptr || floors->empty() || !latest) return std::nullopt;
    return Counter{floors, *latest, 0};
  };
  for (const EntityId collector : window.entities->children(process, Level::collector)) {
    std::optional<Counter> counts = counter(Metric::gc_count, collector);
    if (!counts) continue;
    counts->full_weight = unloading_runs_per_count(window.entities->name(collector));
    collectors_.push_back(*counts);
  }
  cpu_ = counter(Metric::jvm_cpu_time, process);
}

bool HeapProcess::is_informative(FloorScale scale, std::int64_t bin) const {
  if (collectors_.empty()) return true;
  return std::any_of(collectors_.begin(), collectors_.end(), [&](const Counter& counter) {
    return counter.rise(scale, bin).value_or(0) > 0;
  });
}

double HeapProcess::full_collections(FloorScale scale, std::int64_t bin) const {
  double runs = 0;
  for (const Counter& counter : collectors_) {
    if (counter.full_weight == 0) continue;
    runs += counter.full_weight * std::max(0.0, counter.rise(scale, bin).value_or(0));
  }
  return runs;
}

std::optional<double> HeapProcess::load(FloorScale scale, std::int64_t bin) const {
  if (!cpu_) return std::nullopt;
  const std::optional<double> nanoseconds = cpu_->rise(scale, bin);
  if (!nanoseconds) return std::nullopt;
  return *nanoseconds / 1e6 / static_cast<double>(width_ms(scale));
}

std::optional<double> HeapProcess::load_of_hour(std::int64_t hour) const {
  if (!cpu_) return std::nullopt;
  const std::optional<double> begin = cpu_->floors->hour(hour);
  const std::optional<double> end = cpu_->floors->hour(hour + 1);
  if (!begin || !end || *end < *begin) return std::nullopt;
  return (*end - *begin) / 1e6 / static_cast<double>(kHourMs);
}

}  // namespace doctor
