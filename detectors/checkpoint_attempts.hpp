// The newest checkpoints of a job that ended by themselves: what may be counted, and what may not.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "detectors/statistics/checkpoint_failure.hpp"
#include "model/window.hpp"

namespace doctor {

struct Attempt {
  const CheckpointRecord* record;            // borrowed
  std::optional<CheckpointFailure> failure;  // none: it completed
  bool after_hole{false};                    // what ended just before it was not seen
};
using Attempts = std::vector<Attempt>;

/// When Flink says that it ended, but never before it was triggered.
TimestampMs end_or_trigger(const CheckpointRecord& record);

/// Oldest first, at most so many. Left out are savepoints, which people make, what is in progress,
/// and what a start, a restart or an end left behind; nothing before the job last began to run by
/// anything but failed checkpoints, nor before one completed since. They go back as far as
/// whole pages of Flink's history were seen, over holes between them of no more than is known
/// since: a page is a fair sample, while what Flink calls the latest failed one may be long ago,
/// and would make any job look sick.
Attempts newest_attempts(const Window& window, const JobFacts& job, std::size_t attempts_max);

}  // namespace doctor
