// The drawn cluster at any moment: what REST would answer, and which submissions and restarts were
// until then. Pure; the runner turns it into a stream.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/facts.hpp"
#include "tests/scenarios/scenario.hpp"

namespace doctor::scenario {

/// When every case begins: 2026-01-01T00:00:00Z.
inline constexpr TimestampMs kCaseStart = 1'767'225'600'000;

struct JobState {
  DurationMs at{};
  std::string name;
  std::optional<int> tasks_running;
};

/// One job with one id. Times are from the case's start, except those in records.
struct JobInstance {
  const JobLine* line{};
  std::string id;
  Interval listed;
  DurationMs start{};
  std::vector<JobState> states;      // oldest first
  std::vector<DurationMs> restarts;  // when each fault with a restart struck
  std::vector<ExceptionRecord> faults;
  std::vector<CheckpointRecord> checkpoints;  // as they will have ended, by time of trigger

  const JobState& state_at(DurationMs at) const;
};

class World {
 public:
  explicit World(const Case& scenario);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  ClusterFacts cluster(DurationMs at) const;
  JobFacts job(const JobInstance& instance, DurationMs at) const;
  std::vector<const JobInstance*> listed(DurationMs at) const;
  /// The newest listed job of that name; null when there is none.
  const JobInstance* named(const std::string& name, DurationMs at) const;

  std::uint64_t submits(DurationMs at) const;   // until and with `at`; not what runs from the start
  std::uint64_t restarts(DurationMs at) const;  // of all jobs

  bool alive(const std::string& process, DurationMs at) const;
  /// The TaskManager of a subtask; null when it runs nowhere.
  const TaskManagerLine* place(const JobInstance& instance, std::size_t vertex, int subtask,
                               DurationMs at) const;
  static int parallelism(const JobLine& line, std::size_t vertex);
  static std::string vertex_id(const JobLine& line, std::size_t vertex);

 private:
  void add_instances();
  void add_state_changes();
  void add_faults(const FaultLine& line);
  void add_fault(const FaultLine& line, DurationMs at);
  void add_checkpoints(const CheckpointLine& line);
  JobInstance* instance(const std::string& name, DurationMs at);
  JobSummary summary(const JobInstance& instance, DurationMs at) const;
  void add_tasks(const JobInstance& instance, DurationMs at, JobFacts& facts) const;
  void add_checkpointing(const JobInstance& instance, DurationMs at, JobFacts& facts) const;

  const Case& scenario_;
  std::vector<JobInstance> instances_;
};

}  // namespace doctor::scenario
