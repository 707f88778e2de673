// Facts: what is not a time series. Immutable once published; replaced when their content changes.
// A member that Flink did not tell is an empty optional, never a default that looks like an answer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace doctor {

struct FlinkVersion {
  int major{};
  int minor{};
  std::string text;  // as the cluster says it, "1.20.5"

  bool operator==(const FlinkVersion&) const = default;
};

/// A value and how we know it.
enum class Origin { effective, cluster_default, unknown };

struct MemoryConfiguration {  // bytes; TaskManagerInfo.memoryConfiguration
  std::optional<double> framework_heap, task_heap, framework_off_heap, task_off_heap;
  std::optional<double> network, managed, metaspace, overhead, total_flink, total_process;

  bool operator==(const MemoryConfiguration&) const = default;
};

struct TaskManagerFacts {
  std::string id;  // as REST gives it
  std::string host;
  int slots{};
  int free_slots{};
  MemoryConfiguration memory;

  bool operator==(const TaskManagerFacts&) const = default;
};

/// A row of /jobs/overview.
struct JobSummary {
  std::string id;
  std::string name;
  std::string state;  // Flink's JobStatus
  TimestampMs start{};
  std::optional<TimestampMs> end;  // absent while it lives
  TimestampMs last_modification{};
  int tasks_total{};
  int tasks_running{};  // or finished
  int tasks_finished{};

  bool operator==(const JobSummary&) const = default;
};

struct ClusterFacts {
  std::string name;
  std::string url;
  std::optional<FlinkVersion> version;
  std::map<std::string, std::string> configuration;  // /jobmanager/config: only keys that are set
  std::vector<std::string> job_manager_jvm_options;
  std::optional<double> job_manager_metaspace_limit;  // bytes, from -XX:MaxMetaspaceSize
  std::vector<TaskManagerFacts> task_managers;
  bool task_managers_known{false};
  std::vector<JobSummary> jobs;
  bool jobs_known{false};

  const TaskManagerFacts* task_manager(const std::string& id) const;
  std::optional<std::string> option(const std::string& key) const;
  bool operator==(const ClusterFacts&) const = default;
};

struct Edge {
  std::string from;           // vertex id
  std::string ship_strategy;  // HASH, REBALANCE, FORWARD, …

  bool operator==(const Edge&) const = default;
};

struct SubtaskFacts {
  int index{};
  std::string status;
  int attempt{};
  std::string task_manager;  // id as REST gives it
  std::string host;

  bool operator==(const SubtaskFacts&) const = default;
};

struct VertexFacts {
  std::string id;
  std::string name;
  int parallelism{};
  int max_parallelism{};
  std::string status;
  std::vector<Edge> inputs;
  std::vector<SubtaskFacts> subtasks;  // empty until details were fetched

  bool operator==(const VertexFacts&) const = default;
};

struct CheckpointConfig {              // /jobs/:id/checkpoints/config: effective values
  std::optional<DurationMs> interval;  // absent when checkpoints are only triggered by hand
  DurationMs timeout{};
  DurationMs min_pause{};
  int max_concurrent{1};
  int tolerable_failures{};
  bool unaligned{};
  std::string mode;
  std::string state_backend;
  std::string storage;

  bool operator==(const CheckpointConfig&) const = default;
};

struct CheckpointRecord {
  std::int64_t id{};
  enum class Status { in_progress, completed, failed } status{};
  bool savepoint{};
  std::string type;  // CHECKPOINT, UNALIGNED_CHECKPOINT, SAVEPOINT, SYNC_SAVEPOINT
  TimestampMs triggered{};
  std::optional<TimestampMs> ended;
  std::optional<double> checkpointed_size;  // bytes written by this one (delta if incremental)
  std::optional<double> state_size;         // bytes, full
  std::optional<DurationMs> duration;
  std::optional<double> persisted_data;  // bytes of in-flight data (unaligned)
  int acknowledged{};
  int subtasks{};
  std::string failure;

  bool operator==(const CheckpointRecord&) const = default;
};

/// The subtask of a vertex that acknowledged a checkpoint last, and where its time went.
struct SlowestSubtask {
  int index{};
  DurationMs duration{};  // from the trigger to its acknowledgement
  std::optional<DurationMs> start_delay{}, alignment{}, sync{}, async{};

  bool operator==(const SlowestSubtask&) const = default;
};

/// What a vertex had to do with one checkpoint.
struct VertexCheckpoint {
  std::string vertex;                  // id
  std::optional<double> state_size{};  // bytes, full
  std::optional<DurationMs> duration{};
  int acknowledged{};
  int subtasks{};
  std::optional<SlowestSubtask> slowest{};  // only of the vertex that held the others up
  std::optional<int> waits_for{};           // of that: the first that has not acknowledged

  bool operator==(const VertexCheckpoint&) const = default;
};

struct CheckpointDetails {  // /jobs/:id/checkpoints/details/:checkpoint
  std::int64_t id{};
  std::vector<VertexCheckpoint> vertices;  // by vertex id

  bool operator==(const CheckpointDetails&) const = default;
};

struct CheckpointCounts {
  std::int64_t restored{}, total{}, in_progress{}, completed{}, failed{};

  bool operator==(const CheckpointCounts&) const = default;
};

/// How something was distributed over all completed checkpoints and savepoints since the JobMaster
/// started; percentiles since Flink 1.14, over the newest 10,000 of them.
struct CheckpointSpread {
  double min{}, max{}, avg{};
  std::optional<double> p50{}, p99{};

  bool operator==(const CheckpointSpread&) const = default;
};

struct CheckpointSummary {
  std::optional<CheckpointSpread> duration{};           // ms
  std::optional<CheckpointSpread> checkpointed_size{};  // bytes, since 1.15
  std::optional<CheckpointSpread> state_size{};         // bytes

  bool operator==(const CheckpointSummary&) const = default;
};

struct ExceptionRecord {
  TimestampMs at{};
  std::string name;                 // exception class
  std::string message;              // first line, printable
  std::string root_cause;           // class and message of the innermost "Caused by", printable
  std::vector<std::string> frames;  // the first few stack frames of the root cause
  std::string task;
  std::string task_manager;

  bool operator==(const ExceptionRecord&) const = default;
};

enum class Checkpointing { unknown, off, on };

struct JobFacts {
  std::string id;
  std::string name;
  std::string state;
  std::string type;  // STREAMING, BATCH or empty
  TimestampMs start{};
  std::optional<TimestampMs> end;
  std::map<std::string, TimestampMs> state_since;  // JobStatus → time of its last entry; 0 = never
  std::optional<TimestampMs> all_tasks_running_since;
  std::vector<VertexFacts> vertices;
  Checkpointing checkpointing{Checkpointing::unknown};
  std::optional<CheckpointConfig> checkpoint_config;
  /// When Flink was last asked: what happened to checkpoints since then is not known.
  std::optional<TimestampMs> checkpoints_read_at;
  std::optional<CheckpointCounts> checkpoint_counts;
  /// Absent while none has completed.
  std::optional<CheckpointSummary> checkpoint_summary;
  std::vector<CheckpointRecord> checkpoints;  // oldest first, what Flink remembers (≤ 10)
  std::optional<CheckpointRecord> latest_completed;
  /// Only of checkpoints that stand out, and of the one before; by id, the last few.
  std::vector<CheckpointDetails> checkpoint_details;
  std::optional<TimestampMs> restored_at;
  std::string restart_strategy;
  std::vector<ExceptionRecord> exceptions;  // oldest first, what Flink remembers (≤ 16)
  bool exceptions_known{false};

  bool is_terminal() const;
  const VertexFacts* vertex(const std::string& id) const;
  const CheckpointDetails* details(std::int64_t checkpoint) const;
  bool operator==(const JobFacts&) const = default;
};

bool is_terminal_state(const std::string& job_status);

using ClusterFactsPtr = std::shared_ptr<const ClusterFacts>;
using JobFactsPtr = std::shared_ptr<const JobFacts>;

}  // namespace doctor
