// A part of the checkpoints fails: each failure lengthens what a fault replays, and one more in a
// row than tolerated restarts the job. Judged over the newest that ended, with exact bounds. Not
// for us: none completes (checkpoint_absent), savepoints, and what a start, a restart, a rescale or
// an end leaves behind, whose texts tell of themselves.
#include <algorithm>
#include <map>
#include <vector>

#include "detectors/advice.hpp"
#include "detectors/checkpoint_attempts.hpp"
#include "detectors/checkpoint_clock.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/failure_share.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"recent_max", 16, "newest checkpoints that ended, which tell whether it is over"},
    {"remembered_max", 32, "so many the agent remembers without gaps; all of them are judged too"},
    {"failures_min", 4, "of them"},
    {"share_min", 0.05, "of them failed at least, with this confidence:"},
    {"confidence", 0.95, "of each bound of the share, and that failures have gone"},
    {"warning_confidence", 0.9995, "of share_min, for a warning: looks are thousands in a week"},
    {"restart_horizon_ms", kDayMs, "within this time a restart is expected"},
    {"restart_chance_min", 0.5, "from this chance on it is critical"},
};

/// One job's newest checkpoints, and what they come to.
struct Sight {
  const JobFacts& job;
  const CheckpointConfig& config;
  TimestampMs now{};
  Attempts attempts{};  // that ended by themselves, oldest first
  FailureCourse course{};
  std::size_t threshold_restarts{};  // by too many failures in a row, since the first of them
  double restart_chance{};           // of another within the horizon, at least
  const CheckpointRecord* newest{};  // of those that failed
  bool fails_for_sure{};             // share_min, with warning_confidence
  CheckpointFailure main{};          // the most frequent reason
  std::map<CheckpointFailure, Attempts> reasons{};
};

std::string duration_text(DurationMs ms) {
  return format_duration_ms(static_cast<double>(std::max<DurationMs>(0, ms)));
}

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }

bool has_hole(const Attempts& attempts) {
  return std::any_of(attempts.begin(), attempts.end(),
                     [](const Attempt& a) { return a.after_hole; });
}

std::vector<bool> failures_of(const Attempts& attempts) {
  std::vector<bool> failed;
  for (const Attempt& attempt : attempts) failed.push_back(attempt.failure.has_value());
  return failed;
}

std::size_t longest_run(const Attempts& attempts) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const Attempt& attempt : attempts) {
    if (attempt.after_hole || !attempt.failure) run = 0;
    if (attempt.failure) longest = std::max(longest, ++run);
  }
  return longest;
}

/// Of what counts towards the tolerance alone: the rest restarts nothing. Nobody knows what is in a
/// row across a hole.
FailureCourse counted_course(const Window& window, const Attempts& attempts, double confidence) {
  std::vector<bool> failed;
  for (const Attempt& attempt : attempts) {
    if (attempt.after_hole) failed.clear();
    if (!attempt.failure) failed.push_back(false);
    if (attempt.failure && counts_as_failed(*attempt.failure, window.cluster)) {
      failed.push_back(true);
    }
  }
  return failure_course(failed, confidence);
}

void look_at_restarts(const Window& window, const Params& params, Sight& sight) {
  const TimestampMs first = sight.attempts.front().record->triggered;
  for (const ExceptionRecord& fault : known_faults(window, sight.job)) {
    if (fault.at >= first && exceeded_tolerance(fault)) ++sight.threshold_restarts;
  }
  const DurationMs span = end_or_trigger(*sight.attempts.back().record) - first;
  const double pace_ms =
      std::max(1.0, static_cast<double>(span)) / static_cast<double>(sight.attempts.size());
  sight.restart_chance =
      row_chance(counted_course(window, sight.attempts, params["confidence"]),
                 sight.config.tolerable_failures, params["restart_horizon_ms"] / pace_ms);
}

Sight look(const JobFacts& job, TimestampMs now, Attempts attempts) {
  Sight sight{job, *job.checkpoint_config, now, std::move(attempts)};
  for (const Attempt& attempt : sight.attempts) {
    if (!attempt.failure) continue;
    sight.reasons[*attempt.failure].push_back(attempt);
    sight.newest = attempt.record;
  }
  sight.course = counted_failures(failures_of(sight.attempts));
  sight.course.longest_run = longest_run(sight.attempts);
  if (sight.newest == nullptr) return sight;
  sight.main = std::max_element(
                   sight.reasons.begin(), sight.reasons.end(),
                   [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
                   ->first;
  return sight;
}

/// How many of the newest tell best of a share that fails, and whether they are sure enough of it
/// for a warning.
struct Telling {
  std::size_t newest{0};  // none: too few to begin with
  bool for_sure{false};
};

Telling telling_of(const std::vector<bool>& failed, const Params& params) {
  const FailureGates gates{static_cast<std::size_t>(params["recent_max"]),
                           static_cast<std::size_t>(params["failures_min"]), params["share_min"]};
  const std::size_t sure = failing_attempts(failed, gates, params["warning_confidence"]);
  if (sure > 0) return {sure, true};
  return {failing_attempts(failed, gates, params["confidence"]), false};
}

/// "4 expired, 1 declined by a task"
std::string reasons_text(const Sight& sight) {
  std::string text;
  for (const auto& [reason, attempts] : sight.reasons) {
    text += (text.empty() ? "" : ", ") + std::to_string(attempts.size()) + " " +
            std::string(to_string(reason));
  }
  return text;
}

std::string count_text(const Sight& sight) {
  const std::string failed = std::to_string(sight.course.failed);
  const std::string attempts = std::to_string(sight.course.attempts);
  if (has_hole(sight.attempts)) return failed + " of " + attempts + " seen";
  return failed + " of the last " + attempts;
}

Evidence share_evidence(const Sight& sight, const Params& params) {
  const CheckpointRecord& first =
      *std::find_if(sight.attempts.begin(), sight.attempts.end(), [](const Attempt& a) {
         return a.failure;
       })->record;
  Evidence evidence =
      said("share of checkpoints that fail, at least",
           count_text(sight) + " that ended failed: at least " + percent(sight.course.share.low) +
               ", at most " + percent(sight.course.share.high) + " do (confidence " +
               percent(params["confidence"]) + " each); the first " +
               duration_text(sight.now - first.triggered) + " ago, the newest " +
               duration_text(sight.now - end_or_trigger(*sight.newest)) + " ago");
  evidence.from = first.triggered;
  evidence.to = end_or_trigger(*sight.newest);
  evidence.value = sight.course.share.low;
  evidence.unit = "share";
  evidence.limit = params["share_min"];
  evidence.limit_source = "share_min: fewer are left alone";
  return evidence;
}

void add_reasons(const Sight& sight, Finding& finding) {
  for (const auto& [reason, attempts] : sight.reasons) {
    const CheckpointRecord& first = *attempts.front().record;
    const std::string text =
        first.failure.empty() ? "no reason given" : "\"" + printable(first.failure, 200) + "\"";
    finding.evidence.push_back(said("failure message", std::to_string(attempts.size()) + " " +
                                                           std::string(to_string(reason)) +
                                                           ", the first of them checkpoint " +
                                                           std::to_string(first.id) + ": " + text));
  }
}

/// How soon it comes to more in a row than tolerated, if they go on like this.
std::string chance_text(const Sight& sight, const Params& params) {
  const std::string horizon = format_duration_ms(params["restart_horizon_ms"]);
  if (sight.restart_chance < 0.01) return "; nothing says that more will come within " + horizon;
  return "; if they go on like this, more come within " + horizon + " with a chance of at least " +
         percent(std::min(sight.restart_chance, 0.99));
}

Evidence tolerance_evidence(const Sight& sight, const Params& params) {
  const int tolerated = sight.config.tolerable_failures;
  const std::size_t restarts = sight.threshold_restarts;
  Evidence evidence = said(
      "failures in a row",
      "up to " + std::to_string(sight.course.longest_run) + " in a row, " +
          std::to_string(tolerated) + " are tolerated" +
          (restarts > 0 ? "; more have restarted the job " + std::to_string(restarts) + " ×" : "") +
          chance_text(sight, params));
  evidence.value = static_cast<double>(sight.course.longest_run);
  evidence.unit = "count";
  evidence.limit = tolerated;
  evidence.limit_source =
      "the job's effective execution.checkpointing.tolerable-failed-checkpoints";
  return evidence;
}

/// Of the newest that failed whose details are known.
std::optional<Evidence> newest_waiting_evidence(const Sight& sight) {
  for (auto attempt = sight.attempts.rbegin(); attempt != sight.attempts.rend(); ++attempt) {
    if (!attempt->failure) continue;
    if (auto waiting = waiting_evidence(sight.job, *attempt->record)) return waiting;
  }
  return std::nullopt;
}

/// The longest time that a fault would have replayed, from one completed checkpoint's trigger to
/// the end of the next.
std::optional<Evidence> replay_evidence(const Sight& sight) {
  const CheckpointRecord* before = nullptr;
  DurationMs longest = 0;
  for (const Attempt& attempt : sight.attempts) {
    if (attempt.failure) continue;
    if (before != nullptr) {
      longest = std::max(longest, end_or_trigger(*attempt.record) - before->triggered);
    }
    before = attempt.record;
  }
  if (before != nullptr) longest = std::max(longest, sight.now - before->triggered);
  if (longest <= *sight.config.interval) return std::nullopt;
  Evidence evidence =
      said("replayed after a fault", "up to " + duration_text(longest) +
                                         " of input, as long as it took to "
                                         "the next checkpoint that completed, at an interval of " +
                                         duration_text(*sight.config.interval));
  evidence.value = static_cast<double>(longest) / 1000;
  evidence.unit = "s";
  evidence.limit = static_cast<double>(*sight.config.interval) / 1000;
  evidence.limit_source = "the job's effective execution.checkpointing.interval";
  return evidence;
}

/// What Flink counted before these. Never-triggered ones are among its failures, and a new
/// JobManager begins anew.
std::optional<Evidence> past_evidence(const Sight& sight) {
  if (!sight.job.checkpoint_counts) return std::nullopt;
  const CheckpointCounts& counts = *sight.job.checkpoint_counts;
  const auto failed = static_cast<std::int64_t>(sight.course.failed);
  const auto completed = static_cast<std::int64_t>(sight.course.attempts) - failed;
  if (counts.failed < failed || counts.completed <= completed) return std::nullopt;
  return said("its own past", "before these " + std::to_string(counts.completed - completed) +
                                  " completed and " + std::to_string(counts.failed - failed) +
                                  " failed or were never begun, since the JobManager took the "
                                  "job over");
}

void add_remedies_of_expiry(const Window& window, const Sight& sight, Finding& finding) {
  const CheckpointConfig& config = sight.config;
  if (!config.unaligned && config.mode != "at_least_once") {
    finding.remedy.push_back({"let barriers overtake the records they queue behind",
                              std::string(unaligned_option(window.cluster)), "false", "true"});
  }
  if (config.state_backend.find("RocksDB") != std::string::npos &&
      !is_incremental(window.cluster)) {
    finding.remedy.push_back({"upload only what changed",
                              std::string(incremental_option(window.cluster)), "false", "true"});
  }
  const bool longer = std::any_of(sight.attempts.begin(), sight.attempts.end(), [&](const auto& a) {
    return !a.failure && a.record->duration.value_or(0) > *config.interval;
  });
  if (longer && config.min_pause < *config.interval) {
    finding.remedy.push_back({"they take longer than their interval: leave tasks time in between",
                              "execution.checkpointing.min-pause", duration_value(config.min_pause),
                              duration_value(*config.interval)});
  }
  finding.remedy.push_back({"only to win time", "execution.checkpointing.timeout",
                            duration_value(config.timeout), duration_value(2 * config.timeout)});
}

/// For failures that no setting cures.
std::string advice_for(CheckpointFailure failure) {
  switch (failure) {
    case CheckpointFailure::declined:
      return "mend what the snapshot of that operator runs into";
    case CheckpointFailure::async:
      return "look at the checkpoint storage as TaskManagers see it: reachable, writable, not "
             "full, not throttled";
    case CheckpointFailure::storage:
    case CheckpointFailure::finalise:
      return "look at the checkpoint storage as the JobManager sees it: reachable, writable, not "
             "full, not throttled";
    default:
      return "look at what the JobManager's log says of it, and at the sources' coordinators";
  }
}

void add_remedies(const Window& window, const Sight& sight, Finding& finding) {
  const bool is_expiry = sight.main == CheckpointFailure::expired;
  if (is_expiry) {
    add_remedies_of_expiry(window, sight, finding);
  } else if (sight.config.storage.find("JobManager") != std::string::npos) {
    finding.remedy.push_back(
        {"the JobManager's heap takes 5 MB of state per task: store it in files",
         is_at_least(window.cluster, 1, 20) ? "execution.checkpointing.storage"
                                            : "state.checkpoint-storage",
         "jobmanager", "filesystem"});
  } else {
    finding.remedy.push_back({advice_for(sight.main), "", "", ""});
  }
  const auto tolerated = static_cast<std::size_t>(std::max(sight.config.tolerable_failures, 0));
  if (finding.severity == Severity::critical) {
    finding.remedy.push_back({"only to keep the job running meanwhile: a fault then replays more",
                              "execution.checkpointing.tolerable-failed-checkpoints",
                              std::to_string(tolerated),
                              std::to_string(std::max(tolerated, sight.course.longest_run) + 1)});
  }
  finding.next_test =
      is_expiry
          ? "open the newest failed checkpoint's details: which subtasks have not acknowledged "
            "it, and whether the others waited for its barrier or wrote for long"
          : "search the JobManager's log for the number of a failed checkpoint: the innermost "
            "\"Caused by\" below it says what failed";
}

Finding report(const Window& window, const Sight& sight, const Params& params) {
  const bool likely = sight.restart_chance >= params["restart_chance_min"];
  Finding finding;
  finding.detector = "checkpoint_failing";
  finding.subject = window.subject(sight.job);
  finding.severity = sight.fails_for_sure ? Severity::warning : Severity::info;
  if (likely || sight.threshold_restarts > 0) finding.severity = Severity::critical;
  // One run of failures may be one disturbance; what comes again persists.
  finding.confidence = sight.course.longest_run < sight.course.failed ? Confidence::confirmed
                                                                      : Confidence::suspected;
  finding.summary = printable(sight.job.name, 80) + ": " + count_text(sight) +
                    " checkpoints failed (" + reasons_text(sight) + ")";
  if (sight.threshold_restarts > 0) {
    finding.summary += ", which restarts the job";
  } else if (likely) {
    finding.summary += ", and too many in a row are likely to restart the job";
  }
  finding.evidence.push_back(share_evidence(sight, params));
  add_reasons(sight, finding);
  finding.evidence.push_back(tolerance_evidence(sight, params));
  if (const auto waiting = newest_waiting_evidence(sight)) finding.evidence.push_back(*waiting);
  if (const auto replay = replay_evidence(sight)) finding.evidence.push_back(*replay);
  if (const auto past = past_evidence(sight)) finding.evidence.push_back(*past);
  add_remedies(window, sight, finding);
  return finding;
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.checkpointing == Checkpointing::off) return tally.calm(kForEver);
  if (job.checkpointing == Checkpointing::unknown || !job.checkpoint_config) {
    return tally.blind(job, "Flink has not told its checkpoint configuration");
  }
  if (!job.checkpoint_config->interval) return tally.calm(kForEver);  // only triggered by hand
  if (job.state != "RUNNING") return tally.keep(job);  // it may be down for failed ones
  const CheckpointClock clock = checkpoint_clock(window, job, kToleratedMax);
  if (clock.has_run_out()) return tally.judged();  // checkpoint_absent's
  const Attempts all =
      newest_attempts(window, job, static_cast<std::size_t>(params["remembered_max"]));
  if (all.empty()) return tally.learning(job, "no checkpoint has completed since it runs");
  const std::vector<bool> failed = failures_of(all);
  if (has_ended(failed, static_cast<std::size_t>(params["recent_max"]), params["confidence"])) {
    return tally.calm(clock.stands_until);
  }
  const Telling telling = telling_of(failed, params);
  // Too little to begin, too much to end.
  if (telling.newest == 0) return tally.keep(job, clock.stands_until);
  const auto first = all.end() - static_cast<std::ptrdiff_t>(telling.newest);
  Sight sight = look(job, clock.now, {first, all.end()});
  sight.fails_for_sure = telling.for_sure;
  add_bounds(sight.course, params["confidence"]);
  look_at_restarts(window, params, sight);
  tally.judged(report(window, sight, params));
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

extern const Detector checkpoint_failing;
const Detector checkpoint_failing{"checkpoint_failing",
                                  "a part of the checkpoints fails, for a reason that persists",
                                  Lane::page,
                                  5 * kSecondMs,
                                  0,
                                  15 * kMinuteMs,
                                  {},
                                  kParams,
                                  detect};

}  // namespace detectors
}  // namespace doctor
