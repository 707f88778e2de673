// Moments in a job's life that several detectors count from. All are Flink's own timestamps.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "model/window.hpp"

namespace doctor {

inline TimestampMs end_of(const CheckpointRecord& record) {
  if (record.ended) return *record.ended;
  return record.triggered + record.duration.value_or(0);
}

/// The job's checkpoints: what the log remembers beyond the ten that Flink keeps, else those.
inline std::span<const CheckpointRecord> known_checkpoints(const Window& window,
                                                           const JobFacts& job) {
  const CheckpointLog* log = window.features->checkpoints(job.id);
  if (log == nullptr || log->records().empty()) return job.checkpoints;
  return log->records();
}

/// The job's faults: what the log remembers beyond the sixteen that Flink keeps, else those.
inline std::span<const ExceptionRecord> known_faults(const Window& window, const JobFacts& job) {
  const RestartLog* log = window.features->restarts(job.id);
  if (log == nullptr || log->faults().empty()) return job.exceptions;
  return log->faults();
}

/// When the last checkpoint or savepoint completed; the log remembers it over a JobManager
/// failover.
inline std::optional<TimestampMs> last_completed(const Window& window, const JobFacts& job) {
  std::optional<TimestampMs> last;
  const auto take = [&](const CheckpointRecord& record) {
    if (record.status != CheckpointRecord::Status::completed) return;
    last = std::max(last.value_or(0), end_of(record));
  };
  for (const CheckpointRecord& record : job.checkpoints) take(record);
  if (job.latest_completed) take(*job.latest_completed);
  if (const CheckpointLog* log = window.features->checkpoints(job.id); log != nullptr) {
    for (const CheckpointRecord& record : log->records()) take(record);
  }
  return last;
}

/// When the job last became RUNNING with all its tasks, as far as Flink tells.
inline TimestampMs running_since(const JobFacts& job) {
  const auto running = job.state_since.find("RUNNING");
  const TimestampMs since = running == job.state_since.end() ? job.start : running->second;
  return std::max({since, job.start, job.all_tasks_running_since.value_or(0)});
}

}  // namespace doctor
