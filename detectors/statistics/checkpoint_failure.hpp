// Why a checkpoint failed, read from Flink's own words (CheckpointFailureReason, 1.13 … 2.3).
#pragma once

#include <string_view>

#include "model/facts.hpp"

namespace doctor {

enum class CheckpointFailure {
  expired,      // not acknowledged by all within the timeout
  declined,     // by a task whose snapshot failed
  async,        // the asynchronous part of a task's snapshot: most often the upload
  storage,      // the checkpoint's place could not be made ready
  finalise,     // acknowledged by all, but the JobManager could not complete it
  trigger,      // the JobManager or a source's coordinator could not begin it
  other,        // another text, or none
  consequence,  // of a restart, an end, a start or a newer checkpoint: tells nothing by itself
};

CheckpointFailure checkpoint_failure(std::string_view message);

/// "expired", "declined by a task", …: after "3 ".
std::string_view to_string(CheckpointFailure failure);

/// Whether it counts towards execution.checkpointing.tolerable-failed-checkpoints.
bool counts_as_failed(CheckpointFailure failure, const ClusterFacts* cluster);

}  // namespace doctor
