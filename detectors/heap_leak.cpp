// The heap's floor rises and rises: something holds on to objects, such as windows that never close
// since no event moves the watermark, state without TTL in a heap backend, open file-sink buckets,
// a cache. What looks like it and is not: the day's and the week's tide, garbage that no collection
// has looked at yet, a cache that fills to its capacity, a warm-up, more load.
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/statistics/epoch_growth.hpp"
#include "detectors/statistics/growth_text.hpp"
#include "detectors/statistics/heap_witness.hpp"
#include "detectors/statistics/retained_state.hpp"
#include "detectors/statistics/shared_cause.hpp"
#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr Read kReads[] = {{Metric::jvm_heap_used, Feature::floors, true},
                           {Metric::jvm_heap_max, Feature::latest, false},
                           {Metric::gc_count, Feature::floors, false},
                           {Metric::jvm_cpu_time, Feature::floors, false},
                           {Metric::task_input_watermark, Feature::latest, false}};

constexpr auto kParams = joined(
    kGrowthParams,
    std::to_array<Param>(
        {{"full_ratio", 0.95, "share of -Xmx at which the JVM may be lost to collecting already"},
         {"trough_p_max", 0.01, "exact probability that what collections leave rises so by chance"},
         {"trough_level_ratio", 0.75, "share of the limit at which any collector has looked"},
         {"unprecedented_ratio", 2, "rise as a multiple of the range in a quiet past"},
         {"fill_level_ratio", 0.9, "what rises since the start is advice until it is this full"},
         {"state_ratio_min", 0.1, "rise of a heap backend's state to that of the floor"},
         {"masked_level_ratio", 0.75,
          "peak before restarts, of the limit, that makes it a warning"}}));

struct HeapJudgement {
  HeapProcess process;
  FloorGrowth growth;
  HeapTestimony testimony;
  std::optional<RetainedState> state;
  Severity severity{Severity::info};
  Confidence confidence{Confidence::suspected};
};

std::string place_of(const Window& window, EntityId process) {
  if (window.entities->name(process) == "jobmanager") return "the JobManager";
  const TaskManagerFacts* tm = window.task_manager_of(process);
  return "TaskManager " +
         (tm == nullptr ? window.entities->name(process) : tm->id + " on " + tm->host);
}

void judge_severity(HeapJudgement& judged, const Params& params) {
  const bool has_witness = judged.testimony.witness != HeapWitness::none || judged.state;
  if (!has_witness || !judged.growth.end) return;
  // What rises since the start has no past to leave behind: a cache fills to its capacity so.
  const double limit = judged.process.limit().bytes.value_or(0);
  const bool urgent = judged.growth.level >= params["fill_level_ratio"] * limit &&
                      judged.growth.end->expected_ms <= params["early_left_ms"];
  const bool may_be_cache = judged.testimony.since_start && !judged.state && !urgent;
  if (may_be_cache) return;
  judged.severity = urgency_of(*judged.growth.end, params);
  if (judged.testimony.witness == HeapWitness::collections || judged.state) {
    judged.confidence = Confidence::confirmed;
  }
}

std::optional<HeapJudgement> judge_heap(const Window& window, const Params& params,
                                        const HeapProcess& process) {
  const auto counts = [&](FloorScale scale, std::int64_t bin) {
    return process.is_informative(scale, bin);
  };
  const auto load = [&](FloorScale scale, std::int64_t bin) { return process.load(scale, bin); };
  GrowthRules rules = growth_rules(params);
  rules.full_ratio = params["full_ratio"];
  const auto growth = floor_growth(*process.floors(), counts, load, process.limit().bytes, rules,
                                   [&](std::int64_t hour) { return process.load_of_hour(hour); });
  if (!growth) return std::nullopt;
  HeapJudgement judged{process, *growth, {}, {}};
  judged.testimony = testify(
      process, *growth,
      {params["trough_p_max"], params["trough_level_ratio"], params["unprecedented_ratio"]});
  judged.state = retained_state(window, process.id(), growth->from);
  if (judged.state) {
    const double share = static_cast<double>(std::max<std::size_t>(
        1, window.cluster == nullptr ? 1 : window.cluster->task_managers.size()));
    const double rise = (judged.state->last - judged.state->first) / share;
    if (rise < params["state_ratio_min"] * growth->rise()) judged.state.reset();
  }
  judge_severity(judged, params);
  return judged;
}

std::string witness_text(const HeapJudgement& judged) {
  const HeapTestimony& told = judged.testimony;
  const std::string troughs = std::to_string(told.troughs.size());
  switch (told.witness) {
    case HeapWitness::collections:
      return "What collections leave rises too: " + troughs + " low points from " +
             format_bytes(told.troughs.front()) + " to " + format_bytes(told.troughs.back()) +
             " (by chance p = " + format_number(told.rising.p, 2) + "); the JVM counted " +
             format_number(std::floor(told.full_collections), 0) + " full collections.";
    case HeapWitness::level:
      return "It stands so high that the old generation must have been collected, and it still "
             "rises.";
    case HeapWitness::unprecedented:
      return "The floor moved by no more than " + format_bytes(judged.growth.before_range) +
             " in the " + format_duration_ms(static_cast<double>(judged.growth.before_ms)) +
             " before: garbage that nobody collects would have piled up then too.";
    case HeapWitness::none:
      break;
  }
  return "No collection of the old generation was seen since it began, so a leak and garbage that "
         "waits for one look the same.";
}

Evidence witness_evidence(const HeapJudgement& judged) {
  Evidence evidence;
  evidence.metric = info(Metric::gc_count).name;
  evidence.from = judged.growth.from;
  evidence.to = judged.growth.to;
  evidence.value = static_cast<double>(judged.testimony.troughs.size());
  evidence.unit = "count";
  evidence.sentence = judged.process.knows_collections()
                          ? witness_text(judged)
                          : witness_text(judged) + " (The JVM's collections are not known.)";
  return evidence;
}

Evidence state_evidence(const RetainedState& state) {
  Evidence evidence;
  evidence.metric = info(Metric::checkpoint_full_size).name;
  evidence.from = state.from;
  evidence.to = state.to;
  evidence.value = state.last;
  evidence.unit = "bytes";
  evidence.sentence = "\"" + state.job + "\" keeps its state on the heap, and that grew from " +
                      format_bytes(state.first) + " to " + format_bytes(state.last) + " over " +
                      std::to_string(state.checkpoints) + " checkpoints, " +
                      rate_text(state.trend.slope, "bytes");
  if (state.watermark_behind_ms) {
    evidence.sentence += "; its lowest watermark is " +
                         format_duration_ms(static_cast<double>(*state.watermark_behind_ms)) +
                         " behind, so windows do not close";
  }
  evidence.sentence = printable(evidence.sentence + ".", 400);
  return evidence;
}

std::vector<Remedy> remedies(const Window& window, const HeapProcess& process,
                             const std::optional<RetainedState>& state) {
  std::vector<Remedy> remedy;
  if (state && state->watermark_behind_ms) {
    remedy.push_back(
        {"Let the watermark move without every partition "
         "(WatermarkStrategy.withIdleness), so that windows close.",
         "", "", ""});
  } else if (state) {
    remedy.push_back({"Give that state a time to live (StateTtlConfig), or keep it off the heap.",
                      std::string(state_backend_option(window.cluster)),
                      first_option(window.cluster, {state_backend_option(window.cluster)})
                          .value_or("hashmap (default)"),
                      "rocksdb"});
  }
  const auto bytes = process.limit().bytes;
  if (!bytes) return remedy;
  remedy.push_back({"More heap only buys time: the process size has to grow with it.",
                    process.limit().option,
                    first_option(window.cluster, {process.limit().option})
                        .value_or("derived; the whole heap is " + memory_value(*bytes)),
                    memory_value(1.5 * *bytes)});
  return remedy;
}

std::string next_test(const std::string& where) {
  return "Run `jcmd PID GC.class_histogram` twice, an hour apart, on " + where +
         " (it collects everything first): the class that grew is what is held; a heap dump tells "
         "by whom. If used heap falls back to where it began, it was garbage.";
}

Finding finding_of(const Window& window, const HeapJudgement& judged) {
  const EntityId id = judged.process.id();
  const std::string where = place_of(window, id);
  const GrowthText text{"The floor of used heap", "heap", "bytes", judged.process.limit().source};
  Finding finding;
  finding.detector = "heap_leak";
  finding.severity = judged.severity;
  finding.confidence = judged.confidence;
  finding.subject = window.subject_of_process(id);
  const bool sure = judged.confidence != Confidence::suspected;
  finding.summary =
      printable("heap of " + where + (sure ? " leaks" : " may leak") + ": " +
                    growth_summary(judged.growth, text, judged.process.limit().bytes) +
                    (judged.testimony.witness == HeapWitness::none && !judged.state
                         ? "; or garbage that no collection has looked at yet"
                         : "") +
                    (judged.testimony.since_start && !judged.state
                         ? "; it has risen since the JVM started, as a cache does that fills"
                         : ""),
                400);
  finding.evidence = {growth_evidence(judged.growth, text, judged.process.limit().bytes,
                                      info(Metric::jvm_heap_used)),
                      witness_evidence(judged)};
  if (judged.state) finding.evidence.push_back(state_evidence(*judged.state));
  finding.remedy = remedies(window, judged.process, judged.state);
  finding.next_test = next_test(where);
  if (judged.growth.end) finding.forecast = forecast_of(*judged.growth.end, window.now);
  return finding;
}

/// What every life of this process did, when none of them lasts.
std::optional<Finding> masked_by_restarts(const Window& window, const Params& params,
                                          const HeapProcess& process) {
  const auto growth =
      epoch_growth(window.features->past_epochs(Metric::jvm_heap_used, process.id()),
                   params["late_slope_ratio_min"]);
  const std::optional<double> limit = process.limit().bytes;
  if (!growth || !limit || growth->peak - growth->start < params["rise_ratio_min"] * *limit) {
    return std::nullopt;
  }
  const std::string where = place_of(window, process.id());
  const bool full = growth->peak >= params["masked_level_ratio"] * *limit;
  Finding finding;
  finding.detector = "heap_leak";
  finding.severity = full ? Severity::warning : Severity::info;
  finding.confidence = full ? Confidence::confirmed : Confidence::suspected;
  finding.subject = window.subject_of_process(process.id());
  finding.summary = printable(
      "heap of " + where + " rises in every life of the process and restarts hide it: from " +
          format_bytes(growth->start) + " to " + format_bytes(growth->peak) + " of " +
          format_bytes(*limit) + " in each of the last " + std::to_string(growth->lives),
      400);
  Evidence evidence;
  evidence.metric = info(Metric::jvm_heap_used).name;
  evidence.from = growth->from;
  evidence.to = growth->to;
  evidence.value = growth->peak;
  evidence.unit = "bytes";
  evidence.limit = limit;
  evidence.limit_source = process.limit().source;
  evidence.sentence = "The floors of " + std::to_string(growth->lives) + " lives rose alike, " +
                      rate_text(growth->slope, "bytes") +
                      " in what their intervals share; the limit is " + format_bytes(*limit) +
                      " (" + process.limit().source + ").";
  finding.evidence = {std::move(evidence)};
  finding.remedy = remedies(window, process, std::nullopt);
  finding.next_test = next_test(where);
  return finding;
}

struct Coverage {
  std::vector<HeapProcess> judged;
  std::vector<std::string> not_seen;  // processes that should answer and do not
  DurationMs shortest_ms{INT64_MAX};  // history among those judged
};

Coverage examine(const Window& window) {
  Coverage coverage;
  const auto seen = [&](const std::string& name) {
    const EntityId id = window.entities->find(Level::process, kClusterEntity, name);
    return id != kNoEntity && window.latest(Metric::jvm_heap_used, id).has_value();
  };
  for (const EntityId id : window.entities->children(kClusterEntity, Level::process)) {
    if (!seen(window.entities->name(id))) continue;
    HeapProcess process(window, id);
    if (process.floors() == nullptr) continue;
    coverage.shortest_ms = std::min(coverage.shortest_ms, history_of(*process.floors()));
    coverage.judged.push_back(std::move(process));
  }
  if (!seen("jobmanager")) coverage.not_seen.emplace_back("jobmanager");
  if (window.cluster == nullptr) return coverage;
  for (const TaskManagerFacts& tm : window.cluster->task_managers) {
    if (!seen(reporter_filtered(tm.id))) coverage.not_seen.push_back(tm.id);
  }
  return coverage;
}

void explain(Verdict& verdict, const Coverage& coverage, const Window& window) {
  if (coverage.judged.empty()) {
    verdict = Verdict::blind("no process tells its heap", reporter_lines());
    return;
  }
  if (window.one_shot) {
    learn(verdict,
          "a leak shows over hours and is told from the day's tide after a day that the "
          "daemon watches");
  } else if (coverage.shortest_ms < kFirstDayMs) {
    learn(verdict, learning_text(kFirstDayMs - coverage.shortest_ms));
  }
  if (coverage.not_seen.empty()) return;
  verdict.why += (verdict.why.empty() ? "" : "; ") + std::to_string(coverage.not_seen.size()) +
                 " processes tell no heap (" + coverage.not_seen.front() +
                 (coverage.not_seen.size() > 1 ? ", …)" : ")");
  verdict.enable = reporter_lines();
}

Verdict detect(const Window& window, const Params& params) {
  Verdict verdict;
  const Coverage coverage = examine(window);
  verdict.unjudged = coverage.not_seen;
  std::vector<Finding> findings;
  for (const HeapProcess& process : coverage.judged) {
    if (const auto judged = judge_heap(window, params, process)) {
      findings.push_back(finding_of(window, *judged));
    } else if (auto masked = masked_by_restarts(window, params, process)) {
      findings.push_back(std::move(*masked));
    }
  }
  add_worst_first(verdict, shared_or_single(window, std::move(findings), coverage.judged.size()));
  explain(verdict, coverage, window);
  return verdict;
}

}  // namespace

namespace detectors {
extern const Detector heap_leak{
    .name = "heap_leak",
    .summary = "the heap's floor after collections rises towards its limit",
    .lane = Lane::page,
    .cadence_ms = kMinuteMs,
    .hold_ms = 0,
    .clear_ms = 2 * kHourMs,
    .reads = kReads,
    .params = kParams,
    .detect = detect};
}  // namespace detectors

}  // namespace doctor
