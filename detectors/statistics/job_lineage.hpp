// The runs of jobs that matter now, from all that is known: the cluster's list, the facts of single
// jobs, and the jobs that are not listed any more. A run that ended matters until a job of the same
// name is started after it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/window.hpp"

namespace doctor {

struct LastRun {
  std::string name;     // of the job
  std::string lineage;  // the same, with " #2" … when several of one name live at once
  std::string id;       // empty: never seen
  std::string state;
  std::string type;  // STREAMING, BATCH or empty
  std::string restart_strategy;
  TimestampMs start{};
  TimestampMs state_since{};  // of the present state
  TimestampMs seen_at{};      // when it was last in an answer
  bool end_known{true};       // else state_since is only the earliest that it can have ended
  bool listed{false};         // in the cluster's last answer
  const JobSummary* summary{nullptr};
  const JobFacts* facts{nullptr};
  bool lives() const { return listed && !is_terminal_state(state); }
};

/// All that live, and per name the one ended or vanished run that none of that name followed (a
/// failed or vanished one before a finished one). Ordered by name, then start.
std::vector<LastRun> relevant_runs(const Window& window);

struct TaskCount {
  int total{0};
  int running{0};
  int waiting{0};    // CREATED, SCHEDULED, DEPLOYING
  int restoring{0};  // INITIALIZING: state is being read back
};

TaskCount count_tasks(const LastRun& run);

/// The newest exception that is known of a job, listed or not.
std::optional<ExceptionRecord> last_fault(const Window& window, const std::string& job_id);

}  // namespace doctor
