// No checkpoint completes: everything since the last one would be replayed after a failure, or is
// lost with the job. Judged by the job's own clock, from Flink's own timestamps. Not for us: jobs
// that do not run (restart_loop, job_down), checkpoints that are off, batch jobs.
#include <algorithm>
#include <map>
#include <utility>

#include "detectors/advice.hpp"
#include "detectors/checkpoint_clock.hpp"
#include "detectors/job_times.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"tolerated_max", kToleratedMax, "tolerated failures count into the clock up to this many"},
    {"grace_ms", 2 * kMinuteMs, "after all tasks run, unless checkpoints were tried and failed"},
    {"critical_clocks", 2, "how many clocks without a checkpoint make it critical"},
};

/// What one job's checkpoints look like now.
struct Absence {
  const JobFacts& job;
  CheckpointClock clock;
  std::vector<const CheckpointRecord*> failed{};  // since the last completed one
  const CheckpointRecord* in_progress{nullptr};
};

Absence look(const Window& window, const JobFacts& job, const Params& params) {
  Absence absence{job, checkpoint_clock(window, job, params["tolerated_max"])};
  const TimestampMs from = absence.clock.completed.value_or(job.start);
  for (const CheckpointRecord& record : job.checkpoints) {
    if (record.triggered < from) continue;
    if (record.status == CheckpointRecord::Status::failed) absence.failed.push_back(&record);
    if (record.status == CheckpointRecord::Status::in_progress && absence.in_progress == nullptr) {
      absence.in_progress = &record;
    }
  }
  return absence;
}

std::string duration_text(DurationMs ms) { return format_duration_ms(static_cast<double>(ms)); }

Evidence clock_evidence(const CheckpointClock& clock, std::string arithmetic) {
  Evidence evidence;
  evidence.metric = "time since the last completed checkpoint";
  evidence.from = clock.since;
  evidence.to = clock.now;
  evidence.value = static_cast<double>(clock.waited_ms()) / 1000;
  evidence.unit = "s";
  evidence.limit = static_cast<double>(clock.allowed_ms) / 1000;
  evidence.limit_source = std::move(arithmetic);
  const std::string waited = duration_text(clock.waited_ms());
  evidence.sentence =
      clock.completed && clock.since == *clock.completed
          ? "the last checkpoint completed " + waited + " ago"
          : "none has completed in the " + waited +
                (clock.threshold_restarts > 0 ? " since the job's last good state, over " +
                                                    std::to_string(clock.threshold_restarts) +
                                                    " restarts for too many failures"
                                              : " since all tasks run");
  evidence.sentence += "; expected within " + duration_text(clock.allowed_ms);
  return evidence;
}

Evidence in_progress_evidence(const Absence& absence) {
  const CheckpointRecord& record = *absence.in_progress;
  Evidence evidence;
  evidence.metric = "age of checkpoint " + std::to_string(record.id) + " in progress";
  evidence.from = record.triggered;
  evidence.to = absence.clock.now;
  evidence.value = static_cast<double>(absence.clock.now - record.triggered) / 1000;
  evidence.unit = "s";
  evidence.limit = static_cast<double>(absence.job.checkpoint_config->timeout) / 1000;
  evidence.limit_source = "execution.checkpointing.timeout (the job's effective value)";
  evidence.sentence = "checkpoint " + std::to_string(record.id) + " is in progress since " +
                      duration_text(absence.clock.now - record.triggered) + ", acknowledged by " +
                      std::to_string(record.acknowledged) + " of " +
                      std::to_string(record.subtasks) + " subtasks";
  return evidence;
}

/// The most frequent reason and how often; what Flink does not say is named so.
std::pair<std::string, std::size_t> main_reason(const Absence& absence) {
  std::map<std::string, std::size_t> reasons;
  for (const CheckpointRecord* record : absence.failed) {
    ++reasons[record->failure.empty() ? "no reason given" : printable(record->failure, 160)];
  }
  const auto most =
      std::max_element(reasons.begin(), reasons.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return {most->first, most->second};
}

Evidence failure_evidence(const Absence& absence) {
  const auto [reason, count] = main_reason(absence);
  Evidence evidence;
  evidence.metric = "failed checkpoints";
  evidence.from = absence.failed.front()->triggered;
  evidence.to = absence.failed.back()->ended.value_or(absence.failed.back()->triggered);
  evidence.value = static_cast<double>(absence.failed.size());
  evidence.unit = "count";
  evidence.limit = static_cast<double>(absence.job.checkpoint_config->tolerable_failures);
  evidence.limit_source = "execution.checkpointing.tolerable-failed-checkpoints";
  evidence.sentence = std::to_string(absence.failed.size()) + " failed since, " +
                      std::to_string(count) + " of them with \"" + reason + "\"";
  return evidence;
}

std::optional<Evidence> newest_waiting_evidence(const Absence& absence) {
  const CheckpointRecord* attempt = absence.in_progress;
  if (attempt == nullptr && !absence.failed.empty()) attempt = absence.failed.back();
  return attempt == nullptr ? std::nullopt : waiting_evidence(absence.job, *attempt);
}

bool expired(const Absence& absence) {
  return std::any_of(absence.failed.begin(), absence.failed.end(), [](const auto* record) {
    return record->failure.find("expired") != std::string::npos;
  });
}

bool some_tasks_finished(const JobFacts& job) {
  return std::any_of(job.vertices.begin(), job.vertices.end(),
                     [](const VertexFacts& vertex) { return vertex.status == "FINISHED"; });
}

void add_remedies(const Window& window, const Absence& absence, Finding& finding) {
  const CheckpointConfig& config = *absence.job.checkpoint_config;
  const bool slow = expired(absence) || (absence.failed.empty() && absence.in_progress != nullptr);
  if (slow && !config.unaligned && config.mode != "at_least_once") {
    finding.remedy.push_back({"barriers may be stuck behind backpressure: let them overtake",
                              std::string(unaligned_option(window.cluster)), "false", "true"});
  }
  if (slow) {
    finding.remedy.push_back({"give a slow checkpoint the time it needs, while its cause is sought",
                              "execution.checkpointing.timeout", duration_value(config.timeout),
                              duration_value(config.timeout * 3)});
  }
  if (some_tasks_finished(absence.job)) {
    finding.remedy.push_back(
        {"some tasks have finished: without this no checkpoint is taken any more",
         is_at_least(window.cluster, 1, 20)
             ? "execution.checkpointing.checkpoints-after-tasks-finish"
             : "execution.checkpointing.checkpoints-after-tasks-finish.enabled",
         "", "true"});
  }
  if (finding.remedy.empty()) {
    finding.remedy.push_back(
        {"do not stop or redeploy the job before a savepoint has worked: what "
         "came after the last checkpoint is read again or lost",
         "", "", ""});
  }
  finding.next_test =
      "open the job's Checkpoints page: the subtasks that have not acknowledged the newest "
      "checkpoint name the vertex to look at";
}

Finding report(const Window& window, const Absence& absence, const Params& params) {
  const CheckpointClock& clock = absence.clock;
  Finding finding;
  finding.detector = "checkpoint_absent";
  finding.subject = window.subject(absence.job);
  const bool long_gone = static_cast<double>(clock.waited_ms()) >
                         params["critical_clocks"] * static_cast<double>(clock.allowed_ms);
  finding.severity =
      long_gone || clock.threshold_restarts > 0 ? Severity::critical : Severity::warning;
  finding.confidence = Confidence::confirmed;
  finding.summary = printable(absence.job.name, 80) + ": no checkpoint completed for " +
                    duration_text(clock.waited_ms()) + ", expected within " +
                    duration_text(clock.allowed_ms);
  finding.evidence.push_back(
      clock_evidence(clock, clock_arithmetic(window, absence.job, params["tolerated_max"])));
  if (absence.in_progress != nullptr) finding.evidence.push_back(in_progress_evidence(absence));
  if (!absence.failed.empty()) finding.evidence.push_back(failure_evidence(absence));
  if (const auto waiting = newest_waiting_evidence(absence)) finding.evidence.push_back(*waiting);
  if (!absence.job.all_tasks_running_since) {
    Evidence tasks;
    tasks.metric = "tasks running";
    tasks.sentence = "not all tasks are known to run: without all of them none is triggered";
    finding.evidence.push_back(tasks);
  }
  add_remedies(window, absence, finding);
  return finding;
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.checkpointing == Checkpointing::unknown) {
    return tally.blind(job, "Flink has not said whether checkpointing is on");
  }
  if (job.checkpointing == Checkpointing::off) return tally.calm(kForEver);
  if (!job.checkpoint_config) return tally.blind(job, "its checkpoint configuration is unknown");
  if (!job.checkpoint_config->interval) return tally.calm(kForEver);  // only triggered by hand
  if (job.state != "RUNNING") return tally.keep(job);  // restart_loop's and job_down's
  const Absence absence = look(window, job, params);
  const CheckpointClock& clock = absence.clock;
  const std::optional<DurationMs> backlog = interval_during_backlog(window);
  const bool tried = clock.threshold_restarts > 0 ||
                     std::any_of(absence.failed.begin(), absence.failed.end(),
                                 [&](const auto* r) { return r->triggered >= running_since(job); });
  const bool in_grace = static_cast<double>(clock.now - running_since(job)) < params["grace_ms"];
  if (!clock.has_run_out()) return tally.calm(clock.stands_until);
  if (in_grace && !tried) return tally.judged();
  // With checkpoints off during backlog, only attempts prove that they are wanted now.
  if (backlog && *backlog <= 0 && absence.failed.empty() && absence.in_progress == nullptr) {
    return tally.blind(job, "no checkpoint for " + duration_text(clock.waited_ms()) +
                                ", but execution.checkpointing.interval-during-backlog is 0 and "
                                "Flink does not say whether a source reports backlog");
  }
  tally.judged(report(window, absence, params));
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

extern const Detector checkpoint_absent;
const Detector checkpoint_absent{"checkpoint_absent",
                                 "no checkpoint completes within the job's own clock",
                                 Lane::page,
                                 5 * kSecondMs,
                                 0,
                                 30 * kSecondMs,
                                 {},
                                 kParams,
                                 detect};

}  // namespace detectors
}  // namespace doctor
