// Backpressure: names the vertex that causes it; the ones it holds up are evidence. Not for us:
// jobs that start or catch up (advice only), a source at its own pace, and busy vertices that hold
// up nobody.
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/recovery.hpp"
#include "detectors/statistics/bottleneck.hpp"
#include "detectors/statistics/key_groups.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"backpressured_min", 0.10, "share of a minute that a task is held up"},
    {"windows_min", 3, "minutes of the last five in which it must be"},
    {"lasts_ms", 4 * kMinuteMs, "and for so long, or again after a pause; a burst passes"},
    {"grace_ms", 2 * kMinuteMs, "after all tasks run"},
    {"warm_up_ms", 30 * kSecondMs, "after all tasks run; what was before is not looked at"},
    {"gap_min", 0.1, "lead over the runner-up below which both are named"},
    {"busy_min", 0.5, "a culprit less busy than this is only suspected"},
    {"catch_up_ms", 15 * kMinuteMs, "after a restart: reading a backlog looks the same"},
    {"drain_max_ms", 2 * kHourMs,
     "after a restart: a backlog that will have drained by then is no overload"},
    {"source_busy_min", 0.85, "a source this busy that nobody holds up sets the pace itself"},
    {"target_busy", 0.7, "busy share to plan for"},
    {"span_min_ms", 5 * kSecondMs, "a single check needs this much between its polls"},
};

constexpr std::size_t kWindows = 5;
constexpr std::size_t kFineWindows = 12;
constexpr std::size_t kSoon = 2;  // half minutes: REST alone tells of some tasks once a minute
constexpr std::string_view kBackpressured = "accumulateBackPressuredTimeMs";

/// What was seen of one job.
struct Sight {
  const JobFacts& job;
  SampleSpan span{};
  TimestampMs from{}, to{};
  WindowSpec spec{};
  std::vector<VertexLoad> loads{};
  std::vector<VertexLoad> fine{};
  std::vector<std::size_t> symptoms{};
  std::size_t windows{0};  // the most that any vertex has
  bool near{false};        // one minute or half a minute more may do
  bool life_agrees{true};  // a single check: the whole life shows it too
};

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }
std::string name_of(const VertexLoad& load) { return printable(load.vertex->name, 80); }

Sight look(const Window& window, const JobFacts& job, const SampleSpan& span,
           const Params& params) {
  Sight sight{job, span};
  sight.to = std::min(span.newest, window.now);
  WindowSpec spec{sight.to, kMinuteMs, kWindows};
  spec.not_before = running_since(job) + static_cast<DurationMs>(params["warm_up_ms"]);
  SymptomLimits limits{params["backpressured_min"],
                       static_cast<std::size_t>(params["windows_min"])};
  if (window.one_shot) {  // one window: all there is between the polls
    spec = {sight.to, std::max<DurationMs>(1, span.newest - span.oldest), 1};
    limits.windows_min = 1;
  }
  spec.each_task = false;  // that is for whoever turns out to be the culprit
  sight.from = sight.to - static_cast<DurationMs>(spec.count) * spec.width_ms;
  sight.spec = spec;
  std::vector<WindowSpec> specs{spec};
  if (!window.one_shot) {
    specs.push_back({sight.to, spec.width_ms / 2, kFineWindows, spec.not_before, false});
  }
  std::vector<std::vector<VertexLoad>> loads = loads_of_each(window, job, specs);
  sight.loads = std::move(loads.front());
  if (!window.one_shot) sight.fine = std::move(loads.back());
  const auto lasts =
      static_cast<std::size_t>(2 * params["lasts_ms"] / static_cast<double>(spec.width_ms));
  for (std::size_t i = 0; i < sight.loads.size(); ++i) {
    const VertexLoad& load = sight.loads[i];
    sight.windows = std::max(sight.windows, load.windows_seen());
    sight.near |= !window.one_shot &&
                  load.windows_with(limits.backpressured_min) + 1 >= limits.windows_min &&
                  soon_held_up_for_long(sight.fine[i], limits.backpressured_min, lasts, kSoon);
  }
  sight.symptoms = held_up(sight.loads, limits);
  if (sight.symptoms.empty()) return sight;
  if (!window.one_shot) {
    sight.symptoms = held_up_for_long(sight.symptoms, sight.fine, limits.backpressured_min, lasts);
  } else {
    sight.life_agrees =
        std::any_of(sight.symptoms.begin(), sight.symptoms.end(), [&](std::size_t symptom) {
          const auto& life = sight.loads[symptom].life;
          return life && life->backpressured >= limits.backpressured_min;
        });
  }
  return sight;
}

Evidence share_evidence(const Sight& sight, std::string_view metric, double value, double limit,
                        std::string limit_source, std::string sentence) {
  Evidence evidence;
  evidence.metric = metric;
  evidence.from = sight.from;
  evidence.to = sight.to;
  evidence.value = value;
  evidence.unit = "ratio";
  evidence.limit = limit;
  evidence.limit_source = std::move(limit_source);
  evidence.sentence = std::move(sentence);
  return evidence;
}

Evidence victim_evidence(const Window& window, const Sight& sight, const Candidate& culprit,
                         const Params& params) {
  const double held = culprit.victim_backpressured;
  std::string sentence = name_of(sight.loads[culprit.victim]) + " before it is held up " +
                         percent(held) + " of the time, itself it is held up " +
                         percent(culprit.backpressured);
  if (held < 0.5) sentence += "; intermittent";
  return share_evidence(sight, kBackpressured, held, params["backpressured_min"],
                        window.one_shot ? "share of the time between two polls"
                                        : "share of a minute, in 3 of the last 5",
                        std::move(sentence));
}

Evidence victims_evidence(const Sight& sight, const Candidate& culprit) {
  std::string list;
  for (const std::size_t victim : sight.symptoms) {
    if (victim == culprit.vertex) continue;
    if (!list.empty()) list += ", ";
    list += name_of(sight.loads[victim]) + " " +
            percent(sight.loads[victim].backpressured().value_or(0));
  }
  return said("held up by it", "held up: " + list);
}

void add_remedies(const Diagnosis& diagnosis, const VertexFacts& vertex, double busy,
                  const Params& params, Finding& finding) {
  const std::string parallelism = std::to_string(vertex.parallelism);
  switch (diagnosis.load_class) {
    case LoadClass::skew:
      finding.remedy.push_back({is_keyed(vertex)
                                    ? "more parallelism does not help one hot key: add salt to "
                                      "the key, or aggregate before the keyBy"
                                    : "spread its input evenly: rebalance() before it, or a "
                                      "parallelism that divides the source's partitions",
                                "", "", ""});
      return;
    case LoadClass::slow_instance:
    case LoadClass::uneven:
      finding.remedy.push_back({"compare the TaskManager of subtask " +
                                    std::to_string(diagnosis.hot_subtask) +
                                    " with the others: processor, disk, neighbours",
                                "", "", ""});
      return;
    case LoadClass::collecting:
      finding.remedy.push_back({"give the tasks' heap more room, or allocate less per record",
                                "taskmanager.memory.task.heap.size", "", "half as much again"});
      return;
    case LoadClass::waiting:
      finding.remedy.push_back(
          {"call the service asynchronously (AsyncDataStream, capacity ≥ "
           "rate × latency), or in batches; or make it faster",
           "", "", ""});
      break;
    default:
      break;
  }
  if (vertex.parallelism <= 0) return;
  const int wanted =
      std::max(vertex.parallelism + 1,
               static_cast<int>(std::ceil(vertex.parallelism * busy / params["target_busy"])));
  finding.remedy.push_back(
      {"give this vertex more subtasks; at least so many, more if the source "
       "has a backlog",
       "parallelism.default", parallelism, std::to_string(wanted)});
  if (vertex.max_parallelism > 0 && wanted > vertex.max_parallelism) {
    finding.remedy.back().sentence += " (above its max parallelism, which is fixed with its state)";
  }
}

Diagnosis diagnosis_of(const Window& window, const Sight& sight, const VertexFacts& culprit) {
  WindowSpec spec = sight.spec;
  spec.each_task = spec.each_rate = true;
  return diagnose(window, load_of(window, sight.job, culprit, spec));
}

Finding report(const Window& window, const Sight& sight, const Candidate& culprit,
               const Params& params) {
  const VertexLoad& load = sight.loads[culprit.vertex];
  const Diagnosis diagnosis = diagnosis_of(window, sight, *load.vertex);
  Finding finding;
  finding.detector = "backpressure";
  finding.subject = window.subject(sight.job, *load.vertex);
  if (diagnosis.hot_subtask >= 0) finding.subject.subtask = diagnosis.hot_subtask;
  finding.severity = Severity::warning;
  const bool sure = culprit.busy >= params["busy_min"] && sight.life_agrees;
  finding.confidence = sure ? Confidence::confirmed : Confidence::suspected;
  finding.summary = printable(sight.job.name, 80) + ": " + name_of(load) +
                    " is the bottleneck, what is before it waits " +
                    percent(culprit.victim_backpressured) + " of the time";
  finding.evidence.push_back(victim_evidence(window, sight, culprit, params));
  finding.evidence.push_back(share_evidence(
      sight, "accumulateBusyTimeMs", culprit.busy, params["busy_min"],
      "below it a culprit is only suspected",
      name_of(load) + "'s busiest subtask is busy " + percent(culprit.busy) + " of the time"));
  finding.evidence.push_back(said("why", diagnosis.text));
  if (sight.symptoms.size() > 1) finding.evidence.push_back(victims_evidence(sight, culprit));
  if (culprit.co_movement != 0) {
    finding.evidence.push_back(
        said("co-movement", "its busy time and the waiting before it move together (" +
                                format_number(culprit.co_movement, 2) + " of 1)"));
  }
  if (!sight.life_agrees) {
    finding.evidence.push_back(
        said("whole life", "since the tasks started there was hardly any: it is new or passing"));
  }
  add_remedies(diagnosis, *load.vertex, culprit.busy, params, finding);
  finding.next_test =
      "open the vertex's flame graph (rest.flamegraph.enabled: true), or take a "
      "thread dump of its TaskManager: what its threads do now is why it is slow";
  return finding;
}

void name_rival(const Sight& sight, const Candidate& rival, Finding& finding) {
  finding.confidence = Confidence::suspected;
  finding.evidence.push_back(said("rival", name_of(sight.loads[rival.vertex]) +
                                               " is as likely (busy " + percent(rival.busy) +
                                               "): both are named"));
}

void report_culprits(const Window& window, const Sight& sight,
                     const std::vector<Candidate>& candidates, const Params& params, Tally& tally) {
  const bool tie = candidates.size() > 1 && is_tie(candidates[0], candidates[1], params["gap_min"]);
  const Recovery recovery = recovery_of(window, sight.job, params);
  for (std::size_t i = 0; i < (tie ? 2U : 1U); ++i) {
    Finding finding = report(window, sight, candidates[i], params);
    if (tie) name_rival(sight, candidates[1 - i], finding);
    if (recovery.backlog) finding.evidence.push_back(backlog_evidence(*recovery.backlog));
    if (recovery.forgives) soften(recovery, finding);
    tally.judged(std::move(finding));
  }
}

/// No backpressure, but a source that is busy all the time: the job goes at its pace.
void report_source(const Window& window, const Sight& sight, const Params& params, Tally& tally) {
  for (const VertexLoad& load : sight.loads) {
    if (!load.vertex->inputs.empty() || load.vertex->parallelism == 0) continue;
    const std::size_t needed = window.one_shot ? 1 : kWindows;
    const auto busy = static_cast<std::size_t>(std::count_if(
        load.busy_max.begin(), load.busy_max.end(),
        [&](const auto& share) { return share && *share > params["source_busy_min"]; }));
    if (busy < needed || load.windows_with(params["backpressured_min"]) > 0) continue;
    if (sight.loads.size() < 2) continue;  // one vertex is the whole job, not its source
    Finding finding;
    finding.detector = "backpressure";
    finding.subject = window.subject(sight.job, *load.vertex);
    finding.summary = printable(sight.job.name, 80) + ": its source " + name_of(load) +
                      " sets the pace, nothing holds it up";
    finding.evidence.push_back(share_evidence(
        sight, "accumulateBusyTimeMs", load.busy().value_or(0), params["source_busy_min"],
        "a source this busy goes as fast as it can",
        "busy " + percent(load.busy().value_or(0)) +
            " of the time and not held up; whether it keeps up with its input cannot be told "
            "without a lag metric"));
    return tally.judged(std::move(finding));
  }
  tally.calm(fresh_until(sight.span, window.now));
}

void blind(const Window& window, const JobFacts& job, Tally& tally) {
  if (!is_at_least(window.cluster, 1, 16)) {
    return tally.blind(job, "Flink before 1.16 keeps no accumulated busy and backpressured times");
  }
  tally.blind(job, "no accumulated times of its tasks yet, neither by reporter nor by REST",
              window.has_reporter("taskmanager") ? std::vector<std::string>{} : reporter_lines());
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.state != "RUNNING") return tally.keep(job);
  const auto duration = [](DurationMs ms) { return format_duration_ms(static_cast<double>(ms)); };
  const DurationMs age = window.now - running_since(job);
  if (static_cast<double>(age) < params["grace_ms"]) {
    return tally.learning(job, "its tasks run for " + duration(std::max<DurationMs>(0, age)) +
                                   "; judged from " +
                                   duration(static_cast<DurationMs>(params["grace_ms"])) + " on");
  }
  const std::optional<SampleSpan> span = sample_span_or_screened(window, job);
  if (!span) return blind(window, job, tally);
  if (window.now - span->newest > fresh_ms(*span)) {
    return tally.blind(job,
                       "no new figures of its tasks for " + duration(window.now - span->newest));
  }
  if (window.one_shot && static_cast<double>(span->newest - span->oldest) < params["span_min_ms"]) {
    return tally.learning(job, "needs two polls some seconds apart");
  }
  const Sight sight = look(window, job, *span, params);
  if (!sight.symptoms.empty()) {
    const auto candidates = bottlenecks(sight.loads, sight.fine, sight.symptoms, params["gap_min"]);
    if (!candidates.empty()) return report_culprits(window, sight, candidates, params, tally);
    return tally.blind(job, name_of(sight.loads[sight.symptoms.back()]) +
                                " is held up, but what comes after it is not seen");
  }
  if (sight.near) tally.near();
  const std::size_t needed = window.one_shot ? 1 : static_cast<std::size_t>(params["windows_min"]);
  if (sight.windows < needed) {
    return tally.learning(job, window.one_shot ? "Flink's figures have not moved between the polls"
                                               : std::to_string(sight.windows) + " of " +
                                                     std::to_string(needed) + " minutes seen");
  }
  report_source(window, sight, params, tally);
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {
constexpr Read kBackpressureReads[] = {
    {Metric::task_accumulated_backpressured, Feature::raw, true},
    {Metric::task_accumulated_idle, Feature::raw, true},
    {Metric::task_accumulated_busy, Feature::raw, true},
    {Metric::vertex_accumulated_backpressured, Feature::raw, false},
    {Metric::vertex_accumulated_idle, Feature::raw, false},
    {Metric::vertex_accumulated_busy, Feature::raw, false},
    {Metric::task_records_in, Feature::raw, false},
    {Metric::jvm_cpu_time, Feature::raw, false},
    {Metric::gc_time, Feature::raw, false},
    {Metric::source_pending_records, Feature::raw, false},
    {Metric::kafka_records_lag_max, Feature::raw, false},
    {Metric::kafka_legacy_records_lag_max, Feature::raw, false},
};

extern const Detector backpressure{"backpressure",
                                   "the vertex that holds up the others",
                                   Lane::ticket,
                                   15 * kSecondMs,
                                   0,
                                   3 * kMinuteMs,
                                   kBackpressureReads,
                                   kParams,
                                   detect};

}  // namespace detectors
}  // namespace doctor
