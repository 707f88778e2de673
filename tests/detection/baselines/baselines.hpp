// The baselines there are, one line each; their values end the files in this folder.
#pragma once

#include "tests/detection/watch.hpp"

#define DETECTION_BASELINES(X) \
  X(metaspace_full)            \
  X(metaspace_forecast)        \
  X(five_rising_steps)         \
  X(managed_full)              \
  X(cache_full)                \
  X(size_z_score)              \
  X(size_doubled)              \
  X(no_checkpoint_half_hour)   \
  X(five_failed)               \
  X(any_restart)               \
  X(three_restarts)            \
  X(busiest_on_average)        \
  X(busiest_subtask)           \
  X(after_last_held_up)

namespace doctor::detection::baselines {
#define DECLARE(name) extern const Baseline name;
DETECTION_BASELINES(DECLARE)
#undef DECLARE
}  // namespace doctor::detection::baselines
