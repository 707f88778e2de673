// Events: what happened, when. "REST down", "leader moving", "reporter gone", "job gone" and
// "cluster gone" are different things.
#pragma once

#include <string>

#include "model/batch.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

enum class EventKind {
  source_up,
  source_down,
  job_submitted,
  job_ended,
  job_vanished,
  task_manager_joined,
  task_manager_lost,
  clock_step,
  pod_oom_killed,       // a container of it
  container_died,       // otherwise than by the end of its work or of its pod
  container_restarted,  // and nobody said how it ended
  pod_evicted,
  pod_deleted  // while it ran
};

/// What a watch of pods tells.
constexpr bool is_about_pod(EventKind kind) { return kind >= EventKind::pod_oom_killed; }

struct Event {
  EventKind kind{};
  TimestampMs at{};
  SourceId source{};
  ErrorCode reason{ErrorCode::io};  // of source_down
  std::string subject;              // job id, TaskManager id or pod name
  std::string text;
};

}  // namespace doctor
