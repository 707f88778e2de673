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
  clock_step
};

struct Event {
  EventKind kind{};
  TimestampMs at{};
  SourceId source{};
  ErrorCode reason{ErrorCode::io};  // of source_down
  std::string subject;              // job id or TaskManager id
  std::string text;
};

}  // namespace doctor
