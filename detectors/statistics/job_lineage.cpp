#include "detectors/statistics/job_lineage.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace doctor {

namespace {

// Starts are told by the JobManager's clock, last answers by ours.
constexpr DurationMs kClockSlackMs = kMinuteMs;

bool answers(const Window& window) {
  return window.status == ClusterStatus::ok || window.status == ClusterStatus::partial;
}

LastRun run_of(const Window& window, const JobSummary& job) {
  LastRun run;
  run.name = run.lineage = job.name;
  run.id = job.id;
  run.state = job.state;
  run.start = job.start;
  run.listed = true;
  run.summary = &job;
  run.seen_at = answers(window) ? window.now : window.status_since;
  run.state_since = job.last_modification;
  if (is_terminal_state(job.state) && job.end) run.state_since = *job.end;
  for (const JobFactsPtr& facts : window.jobs) {
    if (facts->id != job.id) continue;
    run.facts = facts.get();
    run.type = facts->type;
    run.restart_strategy = facts->restart_strategy;
    if (!is_terminal_state(job.state)) run.lineage = window.lineage(*facts);
    if (facts->state != job.state) continue;  // older than the list
    const auto since = facts->state_since.find(job.state);
    if (since != facts->state_since.end() && since->second > 0) run.state_since = since->second;
  }
  return run;
}

LastRun run_of(const Window& window, const LastSeenJob& job) {
  LastRun run;
  run.name = run.lineage = job.name;
  run.id = job.id;
  run.state = job.state;
  run.start = job.start;
  run.seen_at = run.state_since = job.at;
  if (!is_terminal_state(job.state)) return run;
  // It had ended before the list dropped it: its last fault tells when, else only that it was after
  // its start.
  const std::optional<ExceptionRecord> fault = last_fault(window, job.id);
  run.end_known = fault.has_value();
  run.state_since = fault ? std::min(fault->at, job.at) : job.start;
  return run;
}

bool ended_badly(const LastRun& run) {
  return !run.listed ? run.state != "FINISHED" && run.state != "CANCELED" : run.state == "FAILED";
}

bool is_followed(const LastRun& ended, const std::vector<const LastRun*>& same_name) {
  const DurationMs slack = ended.listed ? 0 : kClockSlackMs;
  return std::any_of(same_name.begin(), same_name.end(), [&](const LastRun* other) {
    return other->id != ended.id && other->start > ended.start &&
           other->start >= ended.state_since - slack;
  });
}

}  // namespace

std::vector<LastRun> relevant_runs(const Window& window) {
  std::vector<LastRun> all;
  if (window.cluster != nullptr) {
    for (const JobSummary& job : window.cluster->jobs) all.push_back(run_of(window, job));
  }
  for (const LastSeenJob& job : window.vanished) {
    const bool listed =
        std::any_of(all.begin(), all.end(), [&](const LastRun& run) { return run.id == job.id; });
    if (!listed) all.push_back(run_of(window, job));
  }
  std::map<std::string, std::vector<const LastRun*>> by_name;
  for (const LastRun& run : all) by_name[run.name].push_back(&run);
  std::vector<LastRun> relevant;
  for (const auto& [name, runs] : by_name) {
    const LastRun* ended = nullptr;
    const auto rank = [](const LastRun& run) {
      return std::tuple(ended_badly(run), run.state_since, run.id);
    };
    for (const LastRun* run : runs) {
      if (run->lives()) {
        relevant.push_back(*run);
      } else if (!is_followed(*run, runs) && (ended == nullptr || rank(*run) > rank(*ended))) {
        ended = run;
      }
    }
    if (ended != nullptr) relevant.push_back(*ended);
  }
  std::sort(relevant.begin(), relevant.end(), [](const LastRun& a, const LastRun& b) {
    return std::tie(a.name, a.start, a.id) < std::tie(b.name, b.start, b.id);
  });
  return relevant;
}

TaskCount count_tasks(const LastRun& run) {
  TaskCount tasks;
  if (run.summary == nullptr) return tasks;
  tasks.total = run.summary->tasks_total;
  tasks.running = run.summary->tasks_running;
  if (tasks.running >= tasks.total) return tasks;
  if (run.facts == nullptr || run.facts->vertices.empty()) {
    // Only the list is known: with nothing running, nothing else can be said of the rest.
    if (tasks.running == 0) tasks.waiting = tasks.total;
    return tasks;
  }
  const auto count = [&](const std::string& status, int n) {
    if (status == "CREATED" || status == "SCHEDULED" || status == "DEPLOYING") tasks.waiting += n;
    if (status == "INITIALIZING") tasks.restoring += n;
  };
  for (const VertexFacts& vertex : run.facts->vertices) {
    if (vertex.subtasks.empty()) count(vertex.status, vertex.parallelism);
    for (const SubtaskFacts& subtask : vertex.subtasks) count(subtask.status, 1);
  }
  // The list is newer than the details.
  tasks.waiting = std::min(tasks.waiting, tasks.total - tasks.running);
  return tasks;
}

std::optional<ExceptionRecord> last_fault(const Window& window, const std::string& job_id) {
  std::optional<ExceptionRecord> last;
  const auto take = [&](const ExceptionRecord& fault) {
    if (!last || fault.at >= last->at) last = fault;
  };
  for (const JobFactsPtr& job : window.jobs) {
    if (job->id != job_id) continue;
    for (const ExceptionRecord& fault : job->exceptions) take(fault);
  }
  if (const RestartLog* log = window.features->restarts(job_id)) {
    for (const ExceptionRecord& fault : log->faults()) take(fault);
  }
  return last;
}

}  // namespace doctor
