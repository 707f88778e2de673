// A job does not run: it failed, it is stuck on its way, its tasks do not run though Flink says
// RUNNING, it is gone from a cluster that answers, or the whole cluster is gone. Not for us: jobs
// that finished or were cancelled, and restarts that succeed (restart_loop).
#include <algorithm>
#include <cstdlib>

#include "detectors/advice.hpp"
#include "detectors/statistics/job_lineage.hpp"
#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"vanish_grace_ms", 60.0 * kSecondMs,
     "a cluster with HA may take this long to list its jobs again"},
    {"vanish_grace_no_ha_ms", 10.0 * kSecondMs, "the same without HA, where nothing comes back"},
    {"gone_grace_ms", 3.0 * kMinuteMs, "no answer for this long: the cluster is gone"},
    {"election_grace_ms", 10.0 * kMinuteMs, "no leader for this long is an outage"},
    {"expected_grace_ms", 60.0 * kSecondMs, "how long an expected job may be missing"},
    {"stuck_ms", 5.0 * kMinuteMs, "longest sound stay in a state on the way to RUNNING"},
    {"idle_warn_ms", 2.0 * kMinuteMs, "RUNNING without a running task for this long: warning"},
    {"idle_page_ms", 4.0 * kMinuteMs, "the same: critical (below slot.request.timeout, 5 min)"},
    {"partly_warn_ms", 5.0 * kMinuteMs, "RUNNING with some tasks not deployed for this long"}};

struct Situation {
  const Window& window;
  const Params& params;
  Verdict& verdict;
  std::vector<LastRun> runs;
  bool answers{};
  bool waits{false};  // for a grace to pass, or a limit to be reached
};

std::string ago(const Window& window, TimestampMs at) {
  return format_duration_ms(static_cast<double>(std::max<DurationMs>(0, window.now - at))) + " ago";
}

Finding finding_of(const Situation& s, const LastRun& run, Severity severity, Confidence confidence,
                   std::string summary) {
  Finding finding;
  finding.detector = "job_down";
  finding.severity = severity;
  finding.confidence = confidence;
  finding.subject = s.window.subject();
  finding.subject.job_name = run.lineage;
  finding.subject.job_id = run.id;
  finding.summary = printable(summary, 400);
  Evidence evidence;
  evidence.metric = "job state";
  if (run.state_since > 0 && run.end_known) evidence.from = run.state_since;
  evidence.to = s.answers ? s.window.now : run.seen_at;
  evidence.sentence =
      run.id.empty() ? "\"" + run.name + "\" was not seen since the agent watches this cluster."
                     : "Job " + run.id + " of \"" + run.name + "\" was last seen " + run.state +
                           " at " + format_rfc3339(run.seen_at) + ".";
  evidence.sentence = printable(evidence.sentence, 400);
  finding.evidence.push_back(std::move(evidence));
  if (const std::optional<ExceptionRecord> fault = last_fault(s.window, run.id)) {
    Evidence of_fault;
    of_fault.metric = "exceptions";
    of_fault.from = of_fault.to = fault->at;
    of_fault.sentence = printable(
        "Last failure, at " + format_rfc3339(fault->at) + ": " +
            (fault->root_cause.empty() ? fault->name + ": " + fault->message : fault->root_cause) +
            (fault->task.empty() ? "" : " (task " + fault->task + ")"),
        400);
    finding.evidence.push_back(std::move(of_fault));
  }
  return finding;
}

Remedy start_again() {
  return {"Start it again from its latest checkpoint or savepoint (flink run -s PATH).",
          "execution.state-recovery.path", "not set", "path of the latest completed checkpoint"};
}

Remedy high_availability(const Situation& s) {
  const std::string option =
      is_at_least(s.window.cluster, 1, 17) ? "high-availability.type" : "high-availability";
  return {"With high availability the JobManager recovers its jobs itself.", option,
          first_option(s.window.cluster, {"high-availability.type", "high-availability"})
              .value_or("not set (NONE)"),
          "zookeeper or kubernetes, with high-availability.storageDir"};
}

bool has_high_availability(const Window& window) {
  const auto type = first_option(window.cluster, {"high-availability.type", "high-availability"});
  if (!type) return window.cluster == nullptr || window.cluster->configuration.empty();
  return *type != "NONE" && *type != "none";
}

void judge_failed(Situation& s, const LastRun& run) {
  Finding finding = finding_of(
      s, run, Severity::critical, Confidence::confirmed,
      "\"" + run.name + "\" FAILED " +
          (run.end_known ? ago(s.window, run.state_since)
                         : "before " + format_rfc3339(run.seen_at)) +
          " and no job of that name runs since" +
          (run.listed ? "" : " (Flink's list has dropped it meanwhile, that is no recovery)"));
  Remedy restart = start_again();
  if (!is_at_least(s.window.cluster, 1, 20)) restart.option = "execution.savepoint.path";
  finding.remedy.push_back(std::move(restart));
  if (!run.restart_strategy.empty()) {
    finding.remedy.push_back(
        {"If the cause was passing, let Flink try longer.",
         is_at_least(s.window.cluster, 1, 17) ? "restart-strategy.type" : "restart-strategy",
         printable(run.restart_strategy), "exponential-delay"});
  }
  finding.next_test =
      "Read the last failure above: a fault of the data or the code comes back "
      "after a restart, one of the surroundings does not.";
  s.verdict.add(std::move(finding));
}

// Slow ways to RUNNING that configuration asks for are sound.
DurationMs stuck_after_ms(const Situation& s) {
  DurationMs longest = 0;
  for (const std::string_view option :
       {"restart-strategy.fixed-delay.delay", "restart-strategy.failure-rate.delay",
        "restart-strategy.exponential-delay.max-backoff", "heartbeat.timeout",
        "jobmanager.adaptive-scheduler.resource-wait-timeout"}) {
    if (const auto set = first_option(s.window.cluster, {option})) {
      longest = std::max(longest, parse_duration_ms(*set).value_or(0));
    }
  }
  return std::max(static_cast<DurationMs>(s.params["stuck_ms"]), 2 * longest);
}

void judge_stuck(Situation& s, const LastRun& run) {
  const DurationMs limit = stuck_after_ms(s);
  const DurationMs lasts = s.window.now - run.state_since;
  if (run.state_since <= 0 || lasts < limit) return;
  Finding finding = finding_of(s, run, Severity::warning, Confidence::confirmed,
                               "\"" + run.name + "\" is " + run.state + " for " +
                                   format_duration_ms(static_cast<double>(lasts)) +
                                   " and does not get to RUNNING");
  Evidence& state = finding.evidence.front();
  state.value = static_cast<double>(lasts);
  state.unit = "milliseconds";
  state.limit = static_cast<double>(limit);
  state.limit_source = "5 min, or twice the longest delay or timeout that is configured";
  finding.next_test =
      "Look for free slots (flink list, the web page's overview) and at the end of "
      "the JobManager's log: INITIALIZING and CREATED wait for resources or for "
      "state, RESTARTING for slots or its delay, CANCELLING and FAILING for tasks "
      "that do not end.";
  s.verdict.add(std::move(finding));
}

void judge_idle(Situation& s, const LastRun& run) {
  const TaskCount tasks = count_tasks(run);
  if (tasks.waiting <= 0) return;
  s.waits = true;
  const DurationMs lasts = s.window.now - run.state_since;
  const bool none =
      tasks.total > 0 && tasks.running == 0 && tasks.waiting > 0 && tasks.restoring == 0;
  const bool partly = run.type == "STREAMING" && tasks.waiting > 0;
  const auto at_least = [&](const char* param) {
    return run.state_since > 0 && lasts >= static_cast<DurationMs>(s.params[param]);
  };
  if (!(none && at_least("idle_warn_ms")) && !(partly && at_least("partly_warn_ms"))) return;
  const bool page = none && run.type != "BATCH" && at_least("idle_page_ms");
  Finding finding =
      finding_of(s, run, page ? Severity::critical : Severity::warning, Confidence::confirmed,
                 "Flink says \"" + run.name + "\" is RUNNING, but " +
                     (none ? "none of its " + std::to_string(tasks.total) + " tasks runs"
                           : std::to_string(tasks.waiting) + " of its " +
                                 std::to_string(tasks.total) + " tasks wait to be deployed") +
                     ", for " + format_duration_ms(static_cast<double>(lasts)));
  Evidence& state = finding.evidence.front();
  state.metric = "tasks running";
  state.value = static_cast<double>(tasks.running);
  state.unit = "count";
  state.limit = static_cast<double>(tasks.total);
  state.limit_source = "tasks of the job";
  int free_slots = 0, task_managers = 0;
  if (s.window.cluster != nullptr && s.window.cluster->task_managers_known) {
    for (const TaskManagerFacts& tm : s.window.cluster->task_managers) {
      ++task_managers;
      free_slots += tm.free_slots;
    }
    Evidence slots;
    slots.metric = "free slots";
    slots.value = free_slots;
    slots.unit = "count";
    slots.sentence = std::to_string(task_managers) + " TaskManagers are registered, with " +
                     std::to_string(free_slots) + " free slots.";
    finding.evidence.push_back(std::move(slots));
  }
  finding.remedy.push_back(
      {"Bring back the TaskManagers that are missing, or offer more slots.",
       "taskmanager.numberOfTaskSlots",
       first_option(s.window.cluster, {"taskmanager.numberOfTaskSlots"}).value_or("1 (default)"),
       "as many as parallelism needs"});
  finding.next_test =
      "Compare the slots the job needs with the free ones; with enough of them, "
      "look at the TaskManagers' logs for a deployment that hangs.";
  s.verdict.add(std::move(finding));
}

void judge_vanished(Situation& s, const LastRun& run) {
  const bool ha = has_high_availability(s.window);
  const auto grace =
      static_cast<DurationMs>(s.params[ha ? "vanish_grace_ms" : "vanish_grace_no_ha_ms"]);
  const TimestampMs missing_since = std::max(run.seen_at, s.window.status_since);
  if (s.window.now - missing_since < grace) return;
  // Flink forgets what ended an hour ago: if nobody watched then, it may have ended well.
  DurationMs kept_ms = kHourMs;
  if (const auto set = first_option(s.window.cluster, {"jobstore.expiration-time"})) {
    // A bare number is seconds here.
    const bool bare = set->find_first_not_of("0123456789") == std::string::npos;
    kept_ms = parse_duration_ms(bare ? *set + " s" : *set).value_or(kept_ms);
  }
  const bool unwatched = s.window.watched_since - run.seen_at >= kept_ms;
  Finding finding = finding_of(
      s, run, unwatched ? Severity::warning : Severity::critical,
      unwatched ? Confidence::suspected : Confidence::confirmed,
      "\"" + run.name + "\" is gone: the cluster answers and does not list it, it was last seen " +
          run.state + " " + ago(s.window, run.seen_at) +
          (unwatched ? "; nobody watched since, it may have ended" : "") +
          (ha ? "" : "; without high availability a JobManager that restarts loses its jobs"));
  Remedy restart = start_again();
  if (!is_at_least(s.window.cluster, 1, 20)) restart.option = "execution.savepoint.path";
  finding.remedy.push_back(std::move(restart));
  if (!ha) finding.remedy.push_back(high_availability(s));
  finding.next_test =
      "Look at when the JobManager process started: after the job was last seen "
      "means that its restart lost the job.";
  s.verdict.add(std::move(finding));
}

void judge_listed(Situation& s, const LastRun& run) {
  if (run.state == "FINISHED" || run.state == "CANCELED") return;
  if (run.state == "FAILED") return judge_failed(s, run);
  if (!s.answers) return;  // what is on its way is not known now
  if (run.listed && run.state == "RUNNING") return judge_idle(s, run);
  s.waits = true;
  if (!run.listed) return judge_vanished(s, run);
  judge_stuck(s, run);
}

void judge_expected(Situation& s) {
  for (const std::string& name : s.window.expected_jobs) {
    const LastRun* last = nullptr;
    bool judged = false;  // by what it is
    for (const LastRun& run : s.runs) {
      if (run.name != name) continue;
      judged = judged || (run.state != "FINISHED" && run.state != "CANCELED");
      last = &run;
    }
    if (judged) continue;
    s.waits = true;
    LastRun run;
    run.name = run.lineage = name;
    if (last != nullptr) run = *last;
    const TimestampMs since =
        std::max({s.window.status_since, s.window.watched_since, run.state_since});
    const auto grace = static_cast<DurationMs>(s.params["expected_grace_ms"]);
    if (!s.window.one_shot && s.window.now - since < grace) continue;
    Finding finding = finding_of(
        s, run, Severity::critical, Confidence::confirmed,
        "\"" + name + "\" is expected to run and does not: " +
            (last != nullptr ? "it is " + run.state + ", since " + ago(s.window, run.state_since)
                             : std::string("the cluster lists no job of that name")));
    finding.evidence.front().limit_source = "expected_jobs of the agent's configuration";
    finding.next_test = "Submit it, or take it out of expected_jobs.";
    s.verdict.add(std::move(finding));
  }
}

bool job_manager_reports(const Window& window) { return window.has_reporter("jobmanager"); }

/// An application whose tasks had begun to finish has most likely ended well: unbounded ones never
/// finish a task. Nobody can tell for sure, since Flink shows the end for an instant only.
bool was_ending(const LastRun& run) {
  const bool some_finished = run.summary != nullptr && run.summary->tasks_finished > 0;
  return run.type == "BATCH" || (run.state == "RUNNING" && some_finished);
}

Severity outage_severity(bool ending, bool alive) {
  if (ending) return Severity::info;
  return alive ? Severity::warning : Severity::critical;
}

// In application mode the JobManager goes away with its application; in session mode an outage
// takes every job with it. Both look the same from here: nobody answers.
void judge_outage(Situation& s) {
  const bool election = s.window.status == ClusterStatus::leader_election;
  const auto grace =
      static_cast<DurationMs>(s.params[election ? "election_grace_ms" : "gone_grace_ms"]);
  const DurationMs lasts = s.window.now - s.window.status_since;
  for (const LastRun& run : s.runs) {
    if (run.state == "FINISHED" || run.state == "CANCELED" || run.state == "FAILED") continue;
    if (lasts < grace) {
      s.verdict.unjudged.push_back(run.lineage);
      continue;
    }
    const bool alive = job_manager_reports(s.window);
    const bool ending = was_ending(run);
    Finding finding =
        finding_of(s, run, outage_severity(ending, alive),
                   alive || ending ? Confidence::suspected : Confidence::confirmed,
                   (election ? "the cluster has no leader for "
                    : alive  ? "REST does not answer while the JobManager's reporter does, for "
                             : "cluster gone: no answer for ") +
                       format_duration_ms(static_cast<double>(lasts)) + "; \"" + run.name +
                       "\" was last seen " + run.state + " at " + format_rfc3339(run.seen_at) +
                       (ending ? "; an application that ended well looks the same" : ""));
    Evidence& state = finding.evidence.front();
    state.metric = "cluster status";
    state.from = s.window.status_since;
    state.to = s.window.now;
    state.value = static_cast<double>(lasts);
    state.unit = "milliseconds";
    state.limit = static_cast<double>(grace);
    state.limit_source = election ? "election_grace_ms"
                                  : "gone_grace_ms (a restart or failover "
                                    "takes about a minute)";
    state.sentence += printable(" The cluster is " + std::string(to_string(s.window.status)) +
                                " since " + format_rfc3339(s.window.status_since) + ".");
    if (!has_high_availability(s.window)) finding.remedy.push_back(high_availability(s));
    finding.next_test =
        "Is the JobManager process (pod, unit) there? Its exit code and the last "
        "lines of its log tell an end of the application from a crash.";
    s.verdict.add(std::move(finding));
  }
}

Verdict detect(const Window& window, const Params& params) {
  if (window.cluster == nullptr || !window.cluster->jobs_known) {
    return Verdict::blind("the cluster has not told its jobs yet (" +
                          std::string(to_string(window.status)) + ")");
  }
  Verdict verdict;
  Situation s{window, params, verdict, relevant_runs(window),
              window.status == ClusterStatus::ok || window.status == ClusterStatus::partial};
  for (const LastRun& run : s.runs) judge_listed(s, run);
  if (s.answers) {
    judge_expected(s);
  } else {
    judge_outage(s);
    for (const std::string& name : window.expected_jobs) verdict.unjudged.push_back(name);
  }
  if (verdict.state != DetectorState::ok) return verdict;
  if (s.answers && !s.waits) verdict.same_until = kForEver;
  if (!s.answers) {
    verdict.why = "the cluster is " + std::string(to_string(window.status)) + " for " +
                  format_duration_ms(static_cast<double>(window.now - window.status_since)) +
                  (verdict.unjudged.empty() ? "; no job was running" : "; its jobs are waited for");
  } else if (s.runs.empty()) {
    verdict.why = "the cluster has no jobs";
  }
  return verdict;
}

}  // namespace

namespace detectors {
extern const Detector job_down{.name = "job_down",
                               .summary = "a job failed, is stuck, or is gone with its cluster",
                               .lane = Lane::page,
                               .cadence_ms = 5 * kSecondMs,
                               .hold_ms = 0,
                               .clear_ms = 15 * kSecondMs,
                               .reads = {},  // facts only
                               .params = kParams,
                               .detect = detect,
                               .judges_outage = true};
}  // namespace detectors

}  // namespace doctor
