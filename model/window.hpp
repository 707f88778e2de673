// Window: what a detector may look at during one judgement. Borrowed, read-only, never touches
// disk.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/checkpoint_log.hpp"
#include "model/entity.hpp"
#include "model/facts.hpp"
#include "model/feature.hpp"
#include "model/finding.hpp"
#include "model/floors.hpp"
#include "model/log.hpp"
#include "model/pod.hpp"
#include "model/raw_ring.hpp"
#include "model/restart_log.hpp"
#include "model/source.hpp"
#include "model/task_manager_past.hpp"

namespace doctor {

enum class ClusterStatus { ok, unreachable, leader_election, partial, gone };
std::string_view to_string(ClusterStatus status);

/// A job that was seen and is not in the cluster's answer (or the cluster does not answer).
struct LastSeenJob {
  std::string id, name, state;
  TimestampMs at{};     // when it was last in an answer
  TimestampMs start{};  // of the job
};

/// Read access to the features; implemented by the history.
class Features {
 public:
  virtual ~Features() = default;
  virtual std::optional<Sample> latest(Metric metric, EntityId entity) const = 0;
  virtual const RawRing* raw(Metric metric, EntityId entity) const = 0;
  virtual const Plateaus* plateaus(Metric metric, EntityId entity) const = 0;
  /// Of the present JVM.
  virtual const Floors* floors(Metric metric, EntityId entity) const = 0;
  /// The lives of this series in earlier JVMs of the same process, oldest first.
  virtual std::span<const EpochSummary> past_epochs(Metric metric, EntityId entity) const = 0;
  virtual const MinuteRises* minutes(Metric metric, EntityId entity) const = 0;
  virtual const Moves* moves(Metric metric, EntityId entity) const = 0;
  /// When the present JVM of a process was first seen; CPU time, classes loaded or a GC count
  /// falling, or a new id, begins a new one.
  virtual TimestampMs epoch_start(EntityId process) const = 0;
  /// The process a subtask's series were last scraped from; kNoEntity when unknown.
  virtual EntityId process_of(EntityId subtask) const = 0;
  virtual const CheckpointLog* checkpoints(const std::string& job_id) const = 0;
  virtual const RestartLog* restarts(const std::string& job_id) const = 0;
};

struct Window {
  TimestampMs now{};
  /// One shot: the agent has no past and judges from what Flink remembers.
  bool one_shot{false};
  ClusterStatus status{ClusterStatus::ok};
  TimestampMs status_since{};
  TimestampMs watched_since{};  // when the agent first saw this cluster
  const ClusterFacts* cluster{nullptr};
  const TaskManagerPast* task_manager_past{nullptr};
  std::string namespace_;
  std::vector<std::string> expected_jobs;
  const EntityTable* entities{nullptr};
  const Features* features{nullptr};
  std::span<const JobFactsPtr> jobs;      // all that the cluster lists and whose facts are known
  std::span<const LastSeenJob> vanished;  // not listed any more
  std::span<const LastSeenJob> ended;     // nor are these, but they ended as they should
  std::span<const SourceHealth> sources;
  DurationMs pace_ms{0};          // the slowest of the sources' (SourceHealth::pace_ms)
  DurationMs process_pace_ms{0};  // and of what they tell of processes
  /// Known texts seen in log files; empty also when no log is followed (see `sources`).
  std::span<const LogTally> logs;
  std::span<const KubernetesFactsPtr> kubernetes;  // of each watch of pods; none: not watched
  /// Where fresh() says until when its answers stand: no later than told so far. Null: nobody asks.
  TimestampMs* fresh_until{nullptr};

  bool has_reporter(std::string_view process_kind) const;  // "jobmanager", "taskmanager", "" = any
  /// Samples older than this are history, not the present; where a budget lets those of such a
  /// metric come more slowly (`pace_ms`, `process_pace_ms`), older than two of their turns.
  bool fresh(Metric metric, const Sample& sample, DurationMs age_max_ms = 90 * kSecondMs) const;
  std::optional<double> latest(Metric metric, EntityId entity) const;  // fresh ones only

  /// The name that outlives job ids: the job's, with " #2" … when several of one name run at once.
  std::string lineage(const JobFacts& job) const;
  Subject subject() const;  // cluster and namespace filled in
  Subject subject(const JobFacts& job) const;
  Subject subject(const JobFacts& job, const VertexFacts& vertex) const;
  /// A TaskManager keeps its name when it is not listed any more.
  Subject subject_of_process(EntityId process) const;
  /// REST's row of a TaskManager process; null for the JobManager and for unknown ones.
  const TaskManagerFacts* task_manager_of(EntityId process) const;
  /// The pod a process runs in; null where pods are not watched or it cannot be told.
  const PodFacts* pod_of(EntityId process) const;
};

}  // namespace doctor
