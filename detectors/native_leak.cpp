// Memory outside of everything that Flink and the JVM account for grows: JNI libraries, malloc
// arenas, RocksDB's iterators, threads' stacks. No metric of Flink shows it; the kernel's resident
// size does. What looks like it and is not: a heap, a cache or managed memory that is touched for
// the first time, which fills to its capacity and stays. So only what is resident beyond all of
// those capacities together is suspicious, and only if it grows.
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/statistics/growth_text.hpp"
#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr Read kReads[] = {{Metric::host_resident_anonymous, Feature::floors, true},
                           {Metric::jvm_heap_max, Feature::latest, true},
                           {Metric::jvm_nonheap_committed, Feature::latest, true},
                           {Metric::jvm_direct_capacity, Feature::latest, true},
                           {Metric::managed_used, Feature::latest, false},
                           {Metric::managed_total, Feature::latest, false},
                           {Metric::cgroup_limit, Feature::latest, false}};

struct Budget {
  double heap{}, nonheap{}, direct{}, managed{};
  double all() const { return heap + nonheap + direct + managed; }
};

struct Limit {
  std::optional<double> bytes;
  std::string source;
};

/// All that may be touched for the first time without anything leaking; nothing when a part is not
/// known, for the rest would prove nothing.
std::optional<Budget> budget_of(const Window& window, EntityId process) {
  const auto heap = window.latest(Metric::jvm_heap_max, process);
  const auto nonheap = window.latest(Metric::jvm_nonheap_committed, process);
  const auto direct = window.latest(Metric::jvm_direct_capacity, process);
  if (!heap || !nonheap || !direct) return std::nullopt;
  Budget budget{*heap, *nonheap, *direct, 0};
  const bool reserved = window.latest(Metric::managed_used, process).value_or(1) > 0;
  if (reserved) budget.managed = window.latest(Metric::managed_total, process).value_or(0);
  return budget;
}

Limit limit_of(const Window& window, EntityId process) {
  if (const auto limit = window.latest(Metric::cgroup_limit, process); limit && *limit > 0) {
    return {limit, "the container's limit (cgroup)"};
  }
  const TaskManagerFacts* tm = window.task_manager_of(process);
  if (tm == nullptr || !tm->memory.total_process) return {};
  return {tm->memory.total_process, "taskmanager.memory.process.size (nothing enforces it)"};
}

Finding finding_of(const Window& window, const Params& params, EntityId process,
                   const FloorGrowth& growth, const Budget& budget, const Limit& limit) {
  const TaskManagerFacts* tm = window.task_manager_of(process);
  const std::string where =
      tm == nullptr ? window.entities->name(process) : "TaskManager " + tm->id + " on " + tm->host;
  const GrowthText text{"Resident anonymous memory", "resident memory", "bytes", limit.source};
  Finding finding;
  finding.detector = "native_leak";
  finding.subject = window.subject_of_process(process);
  finding.confidence = Confidence::suspected;
  if (growth.end) finding.severity = urgency_of(*growth.end, params);
  finding.summary = printable("native memory of " + where +
                                  " grows beyond all that Flink and the "
                                  "JVM account for: " +
                                  growth_summary(growth, text, limit.bytes),
                              400);
  Evidence beyond;
  beyond.metric = info(Metric::host_resident_anonymous).name;
  beyond.to = window.now;
  beyond.value = growth.level - budget.all();
  beyond.unit = "bytes";
  beyond.sentence = format_bytes(growth.level - budget.all()) + " more are resident than heap (" +
                    format_bytes(budget.heap) + "), metaspace, code and class space (" +
                    format_bytes(budget.nonheap) + "), direct buffers (" +
                    format_bytes(budget.direct) + ") and managed memory (" +
                    format_bytes(budget.managed) + ") could hold if all of them were full.";
  finding.evidence = {
      growth_evidence(growth, text, limit.bytes, info(Metric::host_resident_anonymous)),
      std::move(beyond)};
  finding.remedy = {
      {"glibc's malloc keeps an arena per core; jemalloc (Flink's image has it) or "
       "fewer arenas often end such growth.",
       "containerized.taskmanager.env.MALLOC_ARENA_MAX",
       first_option(window.cluster, {"containerized.taskmanager.env.MALLOC_ARENA_MAX"})
           .value_or("not set"),
       "1"},
      {"Room for native memory, while its owner is looked for (its .max must be as "
       "large, and the process size grows with it).",
       "taskmanager.memory.jvm-overhead.min",
       first_option(window.cluster, {"taskmanager.memory.jvm-overhead.min"})
           .value_or("192m (default)"),
       memory_value(growth.level - budget.all() + 192.0 * 1024 * 1024)}};
  finding.next_test = "Start " + where +
                      " with -XX:NativeMemoryTracking=summary and compare `jcmd "
                      "PID VM.native_memory` with its resident size: what the JVM does not know "
                      "belongs to a library.";
  if (growth.end) finding.forecast = forecast_of(*growth.end, window.now);
  return finding;
}

Verdict detect(const Window& window, const Params& params) {
  if (window.one_shot) {
    return Verdict::learning("growth shows over hours that the daemon watches");
  }
  Verdict verdict;
  std::vector<Finding> findings;
  std::size_t judged = 0;
  std::string without;
  DurationMs shortest = INT64_MAX;
  for (const EntityId id : window.entities->children(kClusterEntity, Level::process)) {
    if (!window.latest(Metric::host_resident_anonymous, id)) continue;
    const Floors* floors = window.features->floors(Metric::host_resident_anonymous, id);
    const std::optional<Budget> budget = budget_of(window, id);
    const Limit limit = limit_of(window, id);
    if (floors == nullptr || !budget || !limit.bytes) {
      without = window.entities->name(id);
      verdict.unjudged.push_back(window.subject_of_process(id).task_manager);
      continue;
    }
    ++judged;
    shortest = std::min(shortest, history_of(*floors));
    const auto growth = floor_growth(*floors, {}, {}, limit.bytes, growth_rules(params));
    if (!growth || growth->level <= budget->all()) continue;
    findings.push_back(finding_of(window, params, id, *growth, *budget, limit));
  }
  if (judged == 0) {
    Verdict blind = Verdict::blind(
        without.empty() ? "no host probe tells resident memory (flink-doctor probe, --probe)"
                        : "no limit, or not all of the JVM's memory, is known of " + without,
        without.empty() ? std::vector<std::string>{} : reporter_lines());
    blind.unjudged = std::move(verdict.unjudged);
    return blind;
  }
  add_worst_first(verdict, shared_or_single(window, std::move(findings), judged));
  if (shortest < kFirstDayMs) {
    learn(verdict, learning_text(kFirstDayMs - shortest));
  } else if (!without.empty()) {
    verdict.why = "no limit, or not all of the JVM's memory, is known of " + without;
  }
  return verdict;
}

}  // namespace

namespace detectors {
extern const Detector native_leak{
    .name = "native_leak",
    .summary = "resident memory grows beyond all that Flink and the JVM account for",
    .lane = Lane::page,
    .cadence_ms = kMinuteMs,
    .hold_ms = 0,
    .clear_ms = 2 * kHourMs,
    .reads = kReads,
    .params = kGrowthParams,
    .detect = detect};
}  // namespace detectors

}  // namespace doctor
