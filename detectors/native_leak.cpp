// Memory outside of everything that Flink and the JVM account for grows: JNI libraries, malloc
// arenas, RocksDB's iterators, threads' stacks. No metric of Flink shows it; the kernel's resident
// size does. What looks like it and is not: a heap, a cache or managed memory that is touched for
// the first time, which fills to its capacity and stays. So only what is resident beyond all of
// those capacities together is suspicious, and only if it grows: steadily, or by what each restart
// of a job leaves behind in a process that survives it.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "detectors/advice.hpp"
#include "detectors/evidence.hpp"
#include "detectors/kernel_sight.hpp"
#include "detectors/statistics/growth_text.hpp"
#include "detectors/statistics/restart_steps.hpp"
#include "detectors/statistics/shared_cause.hpp"
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

constexpr std::array<Param, 2> kOwnParams{
    {{"step_min_bytes", 16.0 * 1024 * 1024, "that every restart of a job leaves behind, at least"},
     {"margin_room_ratio", 0.15,
      "above the past week's highest floor, of the room between all budgets and the limit"}}};
constexpr auto kParams = joined(kGrowthParams, kOwnParams);

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

std::string where_is(const Window& window, EntityId process) {
  const TaskManagerFacts* tm = window.task_manager_of(process);
  return tm == nullptr ? window.entities->name(process)
                       : "TaskManager " + tm->id + " on " + tm->host;
}

bool runs_on(const JobFacts& job, const std::string& task_manager) {
  return std::any_of(job.vertices.begin(), job.vertices.end(), [&](const VertexFacts& vertex) {
    return std::any_of(vertex.subtasks.begin(), vertex.subtasks.end(),
                       [&](const SubtaskFacts& s) { return s.task_manager == task_manager; });
  });
}

struct Restarts {
  std::vector<TimestampMs> at;  // ascending, in the life of this process
  std::string most_of;          // the job that restarted most often
};

Restarts restarts_on(const Window& window, EntityId process) {
  Restarts restarts;
  const TaskManagerFacts* tm = window.task_manager_of(process);
  if (tm == nullptr) return restarts;
  std::map<std::size_t, std::string> by_count;
  for (const JobFactsPtr& job : window.jobs) {
    const RestartLog* log = window.features->restarts(job->id);
    if (log == nullptr || !runs_on(*job, tm->id)) continue;
    const std::size_t before = restarts.at.size();
    for (const ExceptionRecord& fault : log->faults()) {
      if (fault.at > window.features->epoch_start(process)) restarts.at.push_back(fault.at);
    }
    by_count[restarts.at.size() - before] = job->name;
  }
  std::sort(restarts.at.begin(), restarts.at.end());
  if (!restarts.at.empty()) restarts.most_of = by_count.rbegin()->second;
  return restarts;
}

/// One process whose memory is told in full.
struct Sight {
  EntityId process{kNoEntity};
  std::string where;
  Budget budget;
  Limit limit;
  Restarts restarts;
  std::optional<RestartSteps> steps;
};

Evidence beyond_evidence(const Window& window, const Budget& budget, double level) {
  Evidence beyond;
  beyond.metric = info(Metric::host_resident_anonymous).name;
  beyond.to = window.now;
  beyond.value = level - budget.all();
  beyond.unit = "bytes";
  beyond.sentence = format_bytes(level - budget.all()) + " more are resident than heap (" +
                    format_bytes(budget.heap) + "), metaspace, code and class space (" +
                    format_bytes(budget.nonheap) + "), direct buffers (" +
                    format_bytes(budget.direct) + ") and managed memory (" +
                    format_bytes(budget.managed) + ") could hold if all of them were full.";
  return beyond;
}

Evidence steps_evidence(const Sight& sight) {
  const RestartSteps& steps = *sight.steps;
  Evidence evidence = said(
      "restarts", format_bytes(steps.first) + " → " + format_bytes(steps.level) + " over " +
                      std::to_string(steps.restarts) + " restarts, " + format_bytes(steps.step) +
                      " with each; " + format_number(100 * steps.share, 2) +
                      " % of the rise came with them, most of them of " +
                      printable(sight.restarts.most_of, 80) +
                      ": an attempt leaves native memory behind (clients, caches or RocksDB "
                      "handles that close() does not free)");
  evidence.from = steps.from;
  evidence.to = steps.to;
  evidence.value = steps.step;
  evidence.unit = "bytes";
  return evidence;
}

void add_remedies(const Window& window, const Sight& sight, double level, Finding& finding) {
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
       memory_value(level - sight.budget.all() + 192.0 * 1024 * 1024)}};
  finding.next_test = "Start " + sight.where +
                      " with -XX:NativeMemoryTracking=summary and compare `jcmd "
                      "PID VM.native_memory` with its resident size: what the JVM does not know "
                      "belongs to a library.";
}

/// `level`: what is resident now; `how`: in which way it grows.
Finding finding_of(const Window& window, const Params& params, const Sight& sight, double level,
                   const std::optional<Exhaustion>& end, const std::string& how) {
  Finding finding;
  finding.detector = "native_leak";
  finding.subject = window.subject_of_process(sight.process);
  finding.confidence = Confidence::suspected;
  if (end) finding.severity = urgency_of(*end, params);
  finding.summary = printable("native memory of " + sight.where +
                                  " grows beyond all that Flink and the JVM account for: " + how,
                              400);
  add_remedies(window, sight, level, finding);
  if (end) finding.forecast = forecast_of(*end, window.now);
  return finding;
}

Finding report_growth(const Window& window, const Params& params, const Sight& sight,
                      const FloorGrowth& growth) {
  const GrowthText text{"Resident anonymous memory", "resident memory", "bytes",
                        sight.limit.source};
  Finding finding = finding_of(window, params, sight, growth.level, growth.end,
                               growth_summary(growth, text, sight.limit.bytes));
  finding.evidence = {
      growth_evidence(growth, text, sight.limit.bytes, info(Metric::host_resident_anonymous)),
      beyond_evidence(window, sight.budget, growth.level)};
  if (sight.steps) finding.evidence.push_back(steps_evidence(sight));
  return finding;
}

Finding report_steps(const Window& window, const Params& params, const Sight& sight) {
  const RestartSteps& steps = *sight.steps;
  const auto end = time_to_exhaustion(steps, *sight.limit.bytes, window.now);
  std::string how =
      format_bytes(steps.step) + " with each restart of " + printable(sight.restarts.most_of, 80);
  if (end) how += ", at its limit " + exhaustion_text(*end);
  Finding finding = finding_of(window, params, sight, steps.level, end, how);
  finding.evidence = {steps_evidence(sight), beyond_evidence(window, sight.budget, steps.level)};
  finding.evidence.front().limit = sight.limit.bytes;
  finding.evidence.front().limit_source = sight.limit.source;
  return finding;
}

/// What speaks of this process, if it stands above its budget at all.
std::optional<Finding> judge(const Window& window, const Params& params, const Floors& floors,
                             Sight sight) {
  sight.restarts = restarts_on(window, sight.process);
  sight.steps = restart_steps(floors, sight.restarts.at, {params["step_min_bytes"]});
  // What lies between budget and limit is a small part of what is resident: that is the measure.
  const double limit = *sight.limit.bytes;
  const double room_ratio = std::max(0.0, 1 - sight.budget.all() / limit);
  GrowthRules rules = growth_rules(params);
  rules.margin_level_ratio = 0;
  rules.margin_limit_ratio =
      std::min(rules.margin_limit_ratio, params["margin_room_ratio"] * room_ratio);
  rules.rise_ratio_min = std::min(rules.rise_ratio_min, rules.margin_limit_ratio);
  const auto growth = floor_growth(floors, {}, {}, limit, rules);
  if (growth && growth->level > sight.budget.all()) {
    return report_growth(window, params, sight, *growth);
  }
  if (sight.steps && sight.steps->level > sight.budget.all()) {
    return report_steps(window, params, sight);
  }
  return std::nullopt;
}

Verdict detect(const Window& window, const Params& params) {
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
    const Sight sight{id, where_is(window, id), *budget, limit, {}, {}};
    if (auto finding = judge(window, params, *floors, sight))
      findings.push_back(std::move(*finding));
  }
  if (judged == 0) {
    Verdict blind = Verdict::blind(
        without.empty() ? "no host probe tells resident memory (flink-doctor probe, --probe)"
                        : "no limit, or not all of the JVM's memory, is known of " + without,
        without.empty() ? probe_lines(window.sources) : reporter_lines());
    blind.unjudged = std::move(verdict.unjudged);
    return blind;
  }
  if (window.one_shot) {
    return Verdict::learning("growth shows over hours that the daemon watches");
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
    .params = kParams,
    .detect = detect};
}  // namespace detectors

}  // namespace doctor
