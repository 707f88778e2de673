// The same fault again and again: the job restarts and gets nowhere. The first fault is kept, since
// what repeats is often only what it left behind. Not for us: restarts that people or the cluster
// make (new job ids, rescales, drained nodes, a lost TaskManager or two), jobs that ended
// (job_down).
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/fault.hpp"
#include "detectors/statistics/restart_stretch.hpp"
#include "detectors/statistics/robust.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"same_min", 3, "restarts by one fault without a completed checkpoint between"},
    {"lost_min", 5, "restarts by lost TaskManagers alone, without a completed checkpoint between"},
    {"gap_max_ms", kHourMs, "longest gap within a loop of a job with checkpoints"},
    {"gap_plain_max_ms", 15 * kMinuteMs, "the same without checkpoints, where progress is unseen"},
    {"quiet_factor", 3, "a loop is over after this many of its longest gaps"},
    {"quiet_min_ms", 2 * kMinuteMs, "but not before this"},
    {"short_min", 3, "restarts in 10 min, together with long_min, although checkpoints complete"},
    {"long_min", 5, "restarts in 1 h"},
    {"rare_min", 4, "restarts by one fault in 6 h, closer than p_max lets be by chance"},
    {"p_max", 1e-4, "chance that faults at the job's own rate come as close together"},
    {"jitter_max", 0.2, "spread of the gaps / mean gap of a fault that comes like a clock"},
};

constexpr DurationMs kLatelyMs = 6 * kHourMs;

using Restarts = std::vector<Restart>;

double as_double(DurationMs ms) { return static_cast<double>(ms); }

DurationMs gap_limit(const JobFacts& job, const Params& params) {
  if (job.checkpointing != Checkpointing::on) {
    return static_cast<DurationMs>(params["gap_plain_max_ms"]);
  }
  DurationMs limit = static_cast<DurationMs>(params["gap_max_ms"]);
  if (const auto& config = job.checkpoint_config; config && config->interval) {
    limit = std::max(limit, 3 * std::max(*config->interval, config->timeout));
  }
  return limit;
}

/// Relative to its own pace: backoff may have stretched the gaps to a minute or more.
bool is_over(TimestampMs last, DurationMs gap_max, TimestampMs now, const Params& params) {
  const double quiet =
      std::max(params["quiet_min_ms"], params["quiet_factor"] * as_double(gap_max));
  return as_double(now - last) > quiet;
}

/// What faults that come by themselves do not explain.
bool is_no_chance(const std::optional<RestartBurst>& burst, const Params& params) {
  return burst && burst->chance < params["p_max"];
}

std::string burst_text(const RestartBurst& burst) {
  return std::to_string(burst.count) + " by the same fault in " +
         format_duration_ms(as_double(burst.span)) + ", where its own past lets expect " +
         format_number(burst.expected, 2);
}

/// Many restarts although checkpoints complete; says by which rule.
std::optional<std::string> too_often(const Restarts& restarts, const RestartStretch& recent,
                                     TimestampMs known_since, TimestampMs now,
                                     const Params& params) {
  const RestartRates rates = rates_of(restarts, now);
  if (static_cast<double>(rates.in_10_min) >= params["short_min"] &&
      static_cast<double>(rates.in_1_h) >= params["long_min"]) {
    return std::to_string(rates.in_10_min) + " in 10 min and " + std::to_string(rates.in_1_h) +
           " in 1 h";
  }
  if (recent.same.empty()) return std::nullopt;
  const auto burst = burst_of(restarts, *recent.same.back().fault,
                              static_cast<std::size_t>(params["rare_min"]), known_since);
  if (!is_no_chance(burst, params)) return std::nullopt;
  const TimestampMs last = recent.same.back().at;
  return is_over(last, burst->gap_max, now, params) ? std::nullopt
                                                    : std::optional(burst_text(*burst));
}

/// Where no checkpoint was due between them, none says nothing about progress; then only restarts
/// that chance does not bring so close together are a loop.
bool gets_nowhere(const JobFacts& job, const Restarts& restarts, const RestartStretch& loop,
                  TimestampMs known_since, const Params& params) {
  const auto least = static_cast<std::size_t>(params["same_min"]);
  if (loop.same.size() < std::max<std::size_t>(2, least)) return false;
  const auto& config = job.checkpoint_config;
  const DurationMs span = loop.same.back().at - loop.same.front().at;
  const bool due = job.checkpointing == Checkpointing::on && config && config->interval &&
                   span >= *config->interval;
  return due ||
         is_no_chance(burst_of(restarts, *loop.same.back().fault, least, known_since), params);
}

Evidence restarts_evidence(const RestartStretch& loop, std::size_t count, double limit,
                           std::string limit_source, std::string sentence) {
  Evidence evidence;
  evidence.metric = "restarts";
  evidence.from = loop.begin;
  evidence.to = loop.end;
  evidence.value = static_cast<double>(count);
  evidence.unit = "count";
  evidence.limit = limit;
  evidence.limit_source = std::move(limit_source);
  evidence.sentence = std::move(sentence);
  return evidence;
}

Evidence said(std::string metric, std::optional<TimestampMs> from, std::string sentence) {
  Evidence evidence;
  evidence.metric = std::move(metric);
  evidence.from = from;
  evidence.sentence = std::move(sentence);
  return evidence;
}

/// The gaps between the restarts of one fault: like a clock means poison record or a limit reached.
std::optional<Evidence> period_evidence(const Restarts& same, const Params& params) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < same.size(); ++i)
    gaps.push_back(as_double(same[i].at - same[i - 1].at));
  if (gaps.size() < 4) return std::nullopt;
  const double period = mean(gaps);
  const double jitter = period > 0 ? standard_deviation(gaps) / period : 1;
  Evidence evidence = said("period of the restarts", same.front().at, "");
  evidence.to = same.back().at;
  evidence.value = period / 1000;
  evidence.unit = "s";
  evidence.sentence =
      "every " + format_duration_ms(period) + " ± " + format_number(100 * jitter, 2) + " %";
  evidence.sentence += jitter < params["jitter_max"]
                           ? ": like a clock, so the same record or the same limit each time"
                           : "";
  return evidence;
}

void add_faults(const Window& window, const JobFacts& job, const RestartStretch& loop,
                Finding& finding) {
  if (!loop.same.empty()) {
    finding.evidence.push_back(
        said("root cause", loop.same.back().at,
             cause_text(*loop.same.back().fault) +
                 (loop.same.back().fault->task.empty()
                      ? ""
                      : ", in " + printable(loop.same.back().fault->task, 80))));
  }
  const RestartLog* log = window.features->restarts(job.id);
  const ExceptionRecord* first = nullptr;
  if (log != nullptr && log->first_fault()) {
    first = &*log->first_fault();
  } else if (!job.exceptions.empty()) {
    first = &job.exceptions.front();
  }
  if (first != nullptr) {
    const bool other = !loop.same.empty() && !same_cause(*first, *loop.same.back().fault);
    finding.evidence.push_back(said(
        "first fault", first->at,
        "first fault seen, at " + format_rfc3339(first->at) + ": " + cause_text(*first) +
            (other ? "; what repeats is another one and may only be what this left behind" : "")));
  }
  if (loop.consequences > 0) {
    finding.evidence.push_back(
        said("consequences", std::nullopt,
             std::to_string(loop.consequences) +
                 " more by lost TaskManagers, missing partitions or missing slots: these follow "
                 "from a fault and are not counted as causes"));
  }
  const EntityId entity = window.entities->find(Level::job, kClusterEntity, job.id);
  if (entity == kNoEntity) return;
  if (const auto counted = window.latest(Metric::job_restarts, entity)) {
    Evidence evidence =
        said("numRestarts", std::nullopt,
             "Flink counts " + format_number(*counted) + " restarts since its JobMaster started");
    evidence.value = *counted;
    evidence.unit = "count";
    finding.evidence.push_back(std::move(evidence));
  }
}

void add_remedies(const Window& window, const JobFacts& job, const RestartStretch& loop,
                  Finding& finding) {
  std::optional<Sustainer> sustainer;
  if (!loop.same.empty()) sustainer = sustainer_of(*loop.same.back().fault, window.cluster);
  if (sustainer) {
    finding.evidence.push_back(said("what sustains it", std::nullopt, sustainer->what));
    finding.remedy.push_back(sustainer->remedy);
  } else {
    finding.remedy.push_back(
        {"a restart reads the same input again: let the code named above "
         "survive it (catch, side output, skip), then redeploy",
         "", "", ""});
  }
  finding.remedy.push_back(
      {"until then let it wait longer between attempts",
       is_at_least(window.cluster, 1, 17) ? "restart-strategy.type" : "restart-strategy",
       printable(job.restart_strategy, 120), "exponential-delay"});
  finding.next_test =
      "compare the first fault with the repeating one in the job's Exceptions page, then read the "
      "TaskManager's log in the seconds before the first";
}

Finding base(const Window& window, const JobFacts& job, Severity severity, Confidence confidence,
             const std::string& what) {
  Finding finding;
  finding.detector = "restart_loop";
  finding.subject = window.subject(job);
  finding.severity = severity;
  finding.confidence = confidence;
  finding.summary = printable(job.name, 80) + ": " + what;
  return finding;
}

std::string progress_text(const JobFacts& job, const RestartStretch& loop) {
  if (job.checkpointing == Checkpointing::off) return "it takes no checkpoints";
  if (!loop.completed) return "no checkpoint has completed that anybody remembers";
  return "the last checkpoint completed at " + format_rfc3339(*loop.completed) +
         ", before all of them";
}

Finding no_progress(const Window& window, const JobFacts& job, const RestartStretch& loop,
                    const Params& params) {
  const std::string count = std::to_string(loop.same.size());
  Finding finding = base(window, job, Severity::critical, Confidence::confirmed,
                         count + " restarts by the same fault without progress");
  finding.evidence.push_back(restarts_evidence(
      loop, loop.same.size(), params["same_min"],
      "restarts by one fault without a completed checkpoint between",
      count + " restarts by the same fault since " + format_rfc3339(loop.same.front().at) + "; " +
          progress_text(job, loop)));
  if (const auto period = period_evidence(loop.same, params)) finding.evidence.push_back(*period);
  add_faults(window, job, loop, finding);
  add_remedies(window, job, loop, finding);
  return finding;
}

Finding lost_again(const Window& window, const JobFacts& job, const RestartStretch& loop,
                   const Params& params) {
  const std::string count = std::to_string(loop.lost);
  Finding finding = base(window, job, Severity::warning, Confidence::suspected,
                         "restarted " + count + " times because TaskManagers went away");
  finding.evidence.push_back(restarts_evidence(
      loop, loop.lost, params["lost_min"], "restarts by lost TaskManagers alone",
      count + " TaskManagers were lost without a word since " + format_rfc3339(loop.begin) + "; " +
          progress_text(job, loop) +
          "; either they are killed for memory (exit 137) or nodes are being replaced"));
  add_faults(window, job, loop, finding);
  finding.remedy.push_back(
      {"if containers are killed: more room outside the heap",
       "taskmanager.memory.jvm-overhead.max",
       first_option(window.cluster, {"taskmanager.memory.jvm-overhead.max"}).value_or(""),
       "twice the present size"});
  finding.next_test = "kubectl describe pod, or dmesg on the host: OOMKilled and exit code 137";
  return finding;
}

Finding unstable(const Window& window, const JobFacts& job, const RestartStretch& recent,
                 const std::string& rule, const Params& params) {
  const std::optional<TimestampMs> completed = last_completed(window, job);
  const std::string although =
      completed && *completed >= recent.begin ? ", although checkpoints complete" : "";
  Finding finding = base(window, job, Severity::warning, Confidence::confirmed,
                         "restarts again and again" + although + ": " + rule);
  finding.evidence.push_back(restarts_evidence(
      recent, recent.same.size(), params["long_min"], "restarts in 1 h, or the job's own rate",
      "restarts by faults: " + rule + "; each one replays what came after the last checkpoint"));
  if (const auto period = period_evidence(recent.same, params)) finding.evidence.push_back(*period);
  add_faults(window, job, recent, finding);
  add_remedies(window, job, recent, finding);
  return finding;
}

/// Those that had come when the job's checkpoints were last asked for: between later ones some may
/// have completed. Flink's clock may be ahead of ours, by which what we asked is dated.
std::span<const Restart> seen_with_checkpoints(const Window& window, const JobFacts& job,
                                               const Restarts& restarts) {
  if (job.checkpointing != Checkpointing::on || !job.checkpoints_read_at) return restarts;
  const DurationMs ahead = std::max<DurationMs>(0, restarts.back().at - window.now);
  const TimestampMs until = *job.checkpoints_read_at + ahead;
  const auto end = std::find_if(restarts.begin(), restarts.end(),
                                [&](const Restart& restart) { return restart.at > until; });
  return {restarts.begin(), end};
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  const std::span<const ExceptionRecord> faults = known_faults(window, job);
  if (!job.exceptions_known && faults.empty()) {
    return tally.blind(job, "its exceptions could not be read");
  }
  const Restarts restarts = restarts_of(faults);
  if (restarts.empty()) return tally.calm(kForEver);
  const TimestampMs now = std::max(window.now, restarts.back().at);
  const RestartStretch loop = stretch_of(seen_with_checkpoints(window, job, restarts),
                                         last_completed(window, job), gap_limit(job, params));
  const TimestampMs since = known_since(restarts, job.start, faults.size(), now);
  if (loop.restarts > 0 && !is_over(restarts.back().at, loop.gap_max, now, params)) {
    if (gets_nowhere(job, restarts, loop, since, params)) {
      return tally.judged(no_progress(window, job, loop, params));
    }
    if (static_cast<double>(loop.lost) >= params["lost_min"] && loop.same.empty()) {
      return tally.judged(lost_again(window, job, loop, params));
    }
  }
  const auto lately = std::find_if(restarts.begin(), restarts.end(), [&](const Restart& restart) {
    return now - restart.at <= kLatelyMs;
  });
  const RestartStretch recent = stretch_of({lately, restarts.end()}, std::nullopt, kLatelyMs);
  if (const auto rule = too_often(restarts, recent, since, now, params)) {
    return tally.judged(unstable(window, job, recent, *rule, params));
  }
  const bool goes_on = loop.restarts > 0 && !is_over(loop.end, loop.gap_max, now, params);
  if (recent.same.empty() && !goes_on) return tally.calm(kForEver);
  // The past that chance is reckoned from moves on when it is a week long.
  const TimestampMs known_until = std::min(since, kForEver - kKnownMaxMs) + kKnownMaxMs;
  const TimestampMs drops_out = lately == restarts.end()
                                    ? known_until
                                    : std::min(lately->at, kForEver - kLatelyMs) + kLatelyMs;
  tally.calm(std::min(known_until, drops_out));
}

Verdict detect(const Window& window, const Params& params) {
  Tally tally;
  for (const JobFactsPtr& job : window.jobs) {
    if (!job->is_terminal()) judge(window, *job, params, tally);
  }
  return std::move(tally).finish();
}

}  // namespace

namespace detectors {

constexpr Read kRestartLoopReads[] = {{Metric::job_restarts, Feature::latest, false}};

extern const Detector restart_loop;
const Detector restart_loop{"restart_loop",
                            "the same fault again and again, without progress",
                            Lane::page,
                            5 * kSecondMs,
                            0,
                            5 * kMinuteMs,
                            kRestartLoopReads,
                            kParams,
                            detect};

}  // namespace detectors
}  // namespace doctor
