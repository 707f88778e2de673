// A simulated job: its states, restarts and checkpoints in virtual time, told as JobFacts the way
// the REST collector would.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/facts.hpp"
#include "model/metric.hpp"

namespace doctor::detection {

struct VertexPlan {
  std::string name;
  int parallelism{1};
  std::vector<std::size_t> inputs;  // earlier vertices
};

/// What each subtask of a vertex reports while it runs.
struct SubtaskSeries {
  std::size_t vertex{};
  std::string operator_{};      // empty: of the subtask itself
  std::string column_family{};  // empty: of the operator
  std::vector<Metric> metrics{};
  std::function<void(int subtask, TimestampMs at, double* values)> fill{};
};

struct CheckpointPlan {
  CheckpointConfig config;
  std::function<double(TimestampMs)> full_bytes;
  std::function<double(TimestampMs)> written_bytes{};    // none: as full
  std::function<double(TimestampMs)> in_flight_bytes{};  // none: 0
  std::function<DurationMs(TimestampMs)> duration_ms{};  // none: 1 s
  /// Why the one triggered then will fail; empty: it completes. "expired" waits for the timeout.
  std::function<std::string(TimestampMs)> failure{};
};

struct JobPlan {
  std::string name;
  std::vector<VertexPlan> vertices;
  std::optional<CheckpointPlan> checkpoints{};
  std::vector<SubtaskSeries> series{};
  std::string type{"STREAMING"};
  bool from_savepoint{false};
};

/// The host and TaskManager of one subtask.
struct Place {
  std::string task_manager, host;
};

class Job {
 public:
  Job(JobPlan plan, std::string id, TimestampMs start, DurationMs clock_skew_ms);

  const JobPlan& plan() const { return plan_; }
  const std::string& id() const { return facts_.id; }
  const std::string& name() const { return facts_.name; }
  bool is_running() const { return facts_.state == "RUNNING"; }
  bool has_ended() const { return facts_.is_terminal(); }
  TimestampMs ended_at() const { return changed_at_; }
  int attempt() const { return attempt_; }
  /// When the present attempt began to run; meaningful while it runs.
  TimestampMs running_since() const { return running_since_; }
  int subtasks() const;
  std::optional<TimestampMs> last_completed() const { return last_completed_; }

  /// Everything that time alone brings until then: tasks that run again, checkpoints.
  void advance(TimestampMs to);
  /// Fails, and runs again after `down_ms`, unless it fails again before.
  void restart(TimestampMs at, ExceptionRecord fault, DurationMs down_ms);
  /// Restarts without any fault: a rescale.
  void rescale(TimestampMs at, DurationMs down_ms);
  void savepoint(TimestampMs at);
  void end(TimestampMs at, const std::string& state);
  void place(const std::vector<Place>& places);  // in order of vertices and subtasks
  /// The JobManager's clock against ours, from now on.
  void set_clock_skew(DurationMs skew_ms) { skew_ms_ = skew_ms; }

  const JobFacts& facts() const { return facts_; }
  bool uses(const std::string& task_manager) const;
  JobSummary summary() const;
  /// What it is now, when that differs from what was taken before; else null.
  JobFactsPtr take_changed();

 private:
  TimestampMs stamp(TimestampMs at) const { return at + skew_ms_; }
  void enter(const std::string& state, TimestampMs at);
  void go_down(TimestampMs at, DurationMs down_ms);
  void run(TimestampMs at);
  void trigger(TimestampMs at);
  void complete(TimestampMs at);
  void drop_pending();
  void remember(CheckpointRecord record);

  struct Pending {
    CheckpointRecord record;
    TimestampMs ends{};
    std::string failure;
  };

  JobPlan plan_;
  JobFacts facts_;
  DurationMs skew_ms_;
  bool changed_{true};
  int attempt_{0};
  TimestampMs changed_at_{};
  TimestampMs running_since_{};
  std::optional<TimestampMs> runs_again_at_;
  std::optional<TimestampMs> next_trigger_;
  std::optional<Pending> pending_;
  std::optional<TimestampMs> last_completed_;
  std::int64_t next_checkpoint_{1};
  int failures_in_row_{0};
};

}  // namespace doctor::detection
