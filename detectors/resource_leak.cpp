// Threads, file descriptors, direct or mapped buffers that are taken and not given back: a little
// with every submission, or steadily. What looks like it and is not: jobs that still run, a pool
// that fills to its size, the tide of load.
#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/kernel_sight.hpp"
#include "detectors/statistics/growth_text.hpp"
#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/shared_cause.hpp"
#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr Read kReads[] = {{Metric::jvm_threads, Feature::floors, true},
                           {Metric::jvm_threads, Feature::plateaus, true},
                           {Metric::jvm_direct_used, Feature::floors, false},
                           {Metric::jvm_direct_used, Feature::plateaus, false},
                           {Metric::jvm_mapped_used, Feature::floors, false},
                           {Metric::jvm_mapped_used, Feature::plateaus, false},
                           {Metric::jvm_descriptors_open, Feature::floors, false},
                           {Metric::jvm_descriptors_open, Feature::plateaus, false},
                           {Metric::jvm_descriptors_max, Feature::latest, false},
                           {Metric::host_descriptors, Feature::floors, false},
                           {Metric::host_descriptors, Feature::plateaus, false},
                           {Metric::host_descriptors_max, Feature::latest, false}};

constexpr auto kParams = joined(
    kGrowthParams,
    std::to_array<Param>(
        {{"unlimited_rise_ratio_min", 0.5,
          "rise_ratio_min where there is no limit, of the first level"},
         {"unlimited_level_ratio", 2,
          "without a limit: level to that at the beginning, for a warning"},
         {"events_min", 7, "submissions before growth per submission is worth a word"},
         {"event_p_max", 0.0014, "exact Mann-Kendall probability of such a rise without a trend"},
         {"step_min_count", 0.9, "smallest rise per submission, of things that are counted"},
         {"step_min_bytes", 1e6, "and of bytes"},
         {"event_scatter_ratio_max", 0.35,
          "scatter about a line over submissions to that over time, for a warning without a limit"},
         {"late_rise_ratio_min", 0.8, "what later submissions add to what the earlier ones did"},
         {"submissions_left", 10, "submissions left before a step is a warning"},
         {"alive_ratio_max", 0.5,
          "running jobs per submission beyond which the jobs hold it themselves"}}));

struct Limit {
  std::optional<double> value;
  std::string source;
};

struct Resource {
  Metric metric;
  std::string_view noun;
  std::string_view remedy;
};

constexpr std::array kResources{
    Resource{Metric::jvm_threads, "threads",
             "Stop the threads and executors that user code starts, in close() of the operator."},
    Resource{Metric::jvm_descriptors_open, "file descriptors",
             "Close files, sockets and clients in close() of the operator."},
    Resource{Metric::host_descriptors, "file descriptors",
             "Close files, sockets and clients in close() of the operator."},
    Resource{Metric::jvm_direct_used, "direct memory",
             "Release direct buffers of connectors and clients in close() of the operator."},
    Resource{Metric::jvm_mapped_used, "mapped memory",
             "Close what maps files (indexes, local stores) in close() of the operator."}};

/// One resource of one process that grows.
struct Leak {
  const Resource* resource{};
  Severity severity{Severity::info};
  std::string sentence;
  Evidence evidence;
  std::optional<Forecast> forecast;
};

Limit limit_of(const Window& window, EntityId process, Metric metric) {
  const auto told = [&](Metric limit, std::string source) {
    Limit found{window.features->latest(limit, process).has_value()
                    ? std::optional(window.features->latest(limit, process)->value)
                    : std::nullopt,
                std::move(source)};
    if (found.value && !(*found.value > 0)) found.value.reset();
    return found;
  };
  if (metric == Metric::jvm_descriptors_open) {
    return told(Metric::jvm_descriptors_max, "the process's limit of open files (ulimit -n)");
  }
  if (metric == Metric::host_descriptors) {
    return told(Metric::host_descriptors_max, "the process's limit of open files (ulimit -n)");
  }
  const TaskManagerFacts* tm = window.task_manager_of(process);
  if (metric != Metric::jvm_direct_used || tm == nullptr) return {};
  const MemoryConfiguration& memory = tm->memory;
  if (!memory.framework_off_heap || !memory.task_off_heap || !memory.network) return {};
  return {*memory.framework_off_heap + *memory.task_off_heap + *memory.network,
          "-XX:MaxDirectMemorySize = framework + task off-heap + network memory "
          "(taskmanager.memory.task.off-heap.size)"};
}

GrowthText text_of(const Resource& resource, const Limit& limit) {
  return {std::string(resource.noun), std::string(resource.noun),
          info(resource.metric).unit == Unit::bytes ? "bytes" : "count", limit.source};
}

std::optional<Leak> steady_growth(const Window& window, const Params& params, EntityId process,
                                  const Resource& resource) {
  const Floors* floors = window.features->floors(resource.metric, process);
  if (floors == nullptr) return std::nullopt;
  const Limit limit = limit_of(window, process, resource.metric);
  GrowthRules rules = growth_rules(params);
  if (!limit.value) rules.rise_ratio_min = params["unlimited_rise_ratio_min"];
  const auto growth = floor_growth(*floors, {}, {}, limit.value, rules);
  if (!growth) return std::nullopt;
  Leak leak{&resource, Severity::info, {}, {}, {}};
  const GrowthText text = text_of(resource, limit);
  leak.sentence = growth_summary(*growth, text, limit.value);
  leak.evidence = growth_evidence(*growth, text, limit.value, info(resource.metric));
  if (!limit.value) {
    const bool much = growth->level >= params["unlimited_level_ratio"] * growth->first;
    if (much) leak.severity = Severity::warning;
    return leak;
  }
  leak.forecast = forecast_of(*growth->end, window.now);
  leak.severity = urgency_of(*growth->end, params);
  return leak;
}

/// Levels between submissions; the first one holds what was before any.
struct Steps {
  std::vector<double> events, levels, times;
  TimestampMs from{};
};

Steps steps_of(const Plateaus& plateaus) {
  Steps steps;
  double events = 0;
  for (std::size_t i = 0; i < plateaus.size(); ++i) {
    const Plateau& plateau = plateaus.at(i);
    events += plateau.events;
    if (plateau.samples == 0) continue;
    if (steps.levels.empty()) steps.from = plateau.from;
    steps.events.push_back(events);
    steps.levels.push_back(plateau.min);
    steps.times.push_back(static_cast<double>(plateau.from));
  }
  return steps;
}

/// How far the levels lie from a straight line over `x`; a bend counts, however few made it.
double scatter(const std::vector<double>& x, const std::vector<double>& levels) {
  const RobustLine line = robust_line(x, levels);
  std::vector<double> squares;
  for (std::size_t i = 0; i < x.size(); ++i) {
    squares.push_back(std::pow(levels[i] - line.at(x[i]), 2));
  }
  return std::sqrt(mean(squares));
}

/// What the second half of `x` added, to what the first half did.
double late_to_early(const std::vector<double>& x, const std::vector<double>& levels) {
  const double middle = x.front() + (x.back() - x.front()) / 2;
  std::size_t i = 1;
  while (i + 1 < x.size() && x[i] < middle) ++i;
  const double share = (middle - x[i - 1]) / (x[i] - x[i - 1]);
  const double level = std::lerp(levels[i - 1], levels[i], std::clamp(share, 0.0, 1.0));
  const double early = level - levels.front();
  return early > 0 ? (levels.back() - level) / early : 1;
}

/// Submissions add alike, whenever they come; a pool that fills does so in the course of time, ever
/// more slowly.
bool belongs_to_submissions(const Steps& steps, const Params& params) {
  const double late_ratio_min = params["late_rise_ratio_min"];
  if (late_to_early(steps.events, steps.levels) < late_ratio_min) return false;
  const double by_events = scatter(steps.events, steps.levels);
  const double by_time = scatter(steps.times, steps.levels);
  return by_events < params["event_scatter_ratio_max"] * by_time ||
         late_to_early(steps.times, steps.levels) >= late_ratio_min;
}

double running_jobs(const Window& window) {
  if (window.cluster == nullptr) return 0;
  return static_cast<double>(
      std::count_if(window.cluster->jobs.begin(), window.cluster->jobs.end(),
                    [](const JobSummary& job) { return !is_terminal_state(job.state); }));
}

std::optional<Leak> growth_per_submission(const Window& window, const Params& params,
                                          EntityId process, const Resource& resource) {
  const Plateaus* plateaus = window.features->plateaus(resource.metric, process);
  if (plateaus == nullptr) return std::nullopt;
  const Steps steps = steps_of(*plateaus);
  if (steps.levels.size() <= static_cast<std::size_t>(params["events_min"])) return std::nullopt;
  const double events = steps.events.back() - steps.events.front();
  if (running_jobs(window) > params["alive_ratio_max"] * events) return std::nullopt;
  const RisingTest rising = rising_test(steps.levels);
  const std::optional<Slope> step = theil_sen(steps.events, steps.levels);
  const bool bytes = info(resource.metric).unit == Unit::bytes;
  const double step_min = params[bytes ? "step_min_bytes" : "step_min_count"];
  if (rising.p > params["event_p_max"] || !step || step->value < step_min) return std::nullopt;
  const Limit limit = limit_of(window, process, resource.metric);
  const double level = steps.levels.back();
  const auto amount = [&](double value) {
    return bytes ? format_bytes(value) : format_number(value, 3);
  };
  Leak leak{&resource, Severity::info, {}, {}, {}};
  leak.sentence = std::string(resource.noun) + " " + amount(steps.levels.front()) + " → " +
                  amount(level) + " over " + format_number(events, 0) + " submissions, " +
                  amount(step->value) + " each";
  if (limit.value) {
    const double left = std::max(0.0, *limit.value - level) / step->value;
    leak.sentence += ", about " + format_number(std::floor(left), 0) + " before the limit of " +
                     amount(*limit.value);
    if (left <= params["submissions_left"]) leak.severity = Severity::warning;
  } else if (step->value * events >= (params["unlimited_level_ratio"] - 1) * steps.levels.front() &&
             belongs_to_submissions(steps, params)) {
    // By its steps alone: a pool that starts is one leap, and no submission's.
    leak.severity = Severity::warning;
  }
  leak.evidence.metric = info(resource.metric).name;
  leak.evidence.from = steps.from;
  leak.evidence.to = window.now;
  leak.evidence.value = level;
  leak.evidence.unit = bytes ? "bytes" : "count";
  leak.evidence.limit = limit.value;
  leak.evidence.limit_source = limit.source;
  leak.evidence.sentence = leak.sentence +
                           " (rising with every one; by chance p = " + format_number(rising.p, 2) +
                           ")" + (limit.value ? ", by " + limit.source : "; no limit is known") +
                           "; " + format_number(running_jobs(window), 0) + " jobs run now.";
  return leak;
}

std::vector<Leak> leaks_of(const Window& window, const Params& params, EntityId process) {
  std::vector<Leak> leaks;
  for (const Resource& resource : kResources) {
    const bool twice = resource.metric == Metric::host_descriptors &&
                       window.latest(Metric::jvm_descriptors_open, process).has_value();
    if (twice || !window.latest(resource.metric, process)) continue;
    if (auto steps = growth_per_submission(window, params, process, resource)) {
      leaks.push_back(std::move(*steps));
    } else if (auto growth = steady_growth(window, params, process, resource)) {
      leaks.push_back(std::move(*growth));
    }
  }
  std::stable_sort(leaks.begin(), leaks.end(),
                   [](const Leak& a, const Leak& b) { return a.severity > b.severity; });
  return leaks;
}

Finding finding_of(const Window& window, EntityId process, const std::vector<Leak>& leaks) {
  const Leak& worst = leaks.front();
  const TaskManagerFacts* tm = window.task_manager_of(process);
  const std::string where =
      tm == nullptr ? window.entities->name(process) : "TaskManager " + tm->id + " on " + tm->host;
  Finding finding;
  finding.detector = "resource_leak";
  finding.severity = worst.severity;
  finding.confidence = Confidence::confirmed;
  finding.subject = window.subject_of_process(process);
  finding.summary = printable(where + " does not give back what it takes: " + worst.sentence, 400);
  for (const Leak& leak : leaks) finding.evidence.push_back(leak.evidence);
  finding.remedy.push_back({std::string(worst.resource->remedy), "", "", ""});
  if (worst.resource->metric == Metric::jvm_direct_used) {
    const std::string_view option = "taskmanager.memory.task.off-heap.size";
    finding.remedy.push_back(
        {"More room buys time, and the process size has to grow with it.", std::string(option),
         first_option(window.cluster, {option}).value_or("0 bytes (default)"), "twice that"});
  }
  finding.next_test = worst.resource->metric == Metric::jvm_threads
                          ? "Take `jcmd PID Thread.print` twice on " + where +
                                ": names that repeat and grow in "
                                "number tell who starts them."
                          : "Cancel the jobs on " + where +
                                " and see whether it falls back: what stays belongs to "
                                "nobody.";
  finding.forecast = worst.forecast;
  return finding;
}

/// Before Flink 2.1 descriptors are told by the kernel alone.
void explain_descriptors(const Window& window, Verdict& verdict) {
  if (is_at_least(window.cluster, 2, 1)) return;
  for (const EntityId id : window.entities->children(kClusterEntity, Level::process)) {
    if (window.latest(Metric::host_descriptors, id)) return;
  }
  verdict.why += (verdict.why.empty() ? "" : "; ") +
                 std::string("descriptors are not seen: Flink tells them from 2.1 on");
  verdict.enable = probe_lines(window.sources);
}

Verdict detect(const Window& window, const Params& params) {
  Verdict verdict;
  if (window.one_shot) {
    verdict = Verdict::learning("growth shows over hours, or over " +
                                format_number(params["events_min"] + 1, 0) +
                                " submissions, that the daemon watches");
    explain_descriptors(window, verdict);
    return verdict;
  }
  std::vector<Finding> findings;
  std::size_t judged = 0;
  DurationMs shortest = INT64_MAX;
  for (const EntityId id : window.entities->children(kClusterEntity, Level::process)) {
    if (!window.latest(Metric::jvm_threads, id)) continue;
    ++judged;
    const Floors* floors = window.features->floors(Metric::jvm_threads, id);
    shortest = std::min(shortest, floors == nullptr ? 0 : history_of(*floors));
    const std::vector<Leak> leaks = leaks_of(window, params, id);
    if (!leaks.empty()) findings.push_back(finding_of(window, id, leaks));
  }
  if (judged == 0) return Verdict::blind("no process tells its threads", reporter_lines());
  add_worst_first(verdict, shared_or_single(window, std::move(findings), judged));
  if (shortest < kFirstDayMs) learn(verdict, learning_text(kFirstDayMs - shortest));
  explain_descriptors(window, verdict);
  return verdict;
}

}  // namespace

namespace detectors {
extern const Detector resource_leak{
    .name = "resource_leak",
    .summary = "threads, descriptors, direct or mapped buffers are taken and not given back",
    .lane = Lane::page,
    .cadence_ms = kMinuteMs,
    .hold_ms = 0,
    .clear_ms = 2 * kHourMs,
    .reads = kReads,
    .params = kParams,
    .detect = detect};
}  // namespace detectors

}  // namespace doctor
