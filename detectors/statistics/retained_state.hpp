// State that a heap backend keeps, as its checkpoints tell: state is live by definition, so a state
// that grows in a straight line says what fills a heap whose floor only wobbles upwards.
#pragma once

#include <optional>
#include <string>

#include "detectors/statistics/robust_trend.hpp"
#include "model/window.hpp"

namespace doctor {

struct RetainedState {
  std::string job;         // lineage
  double first{}, last{};  // state size, bytes, of all TaskManagers together
  TimestampMs from{}, to{};
  RobustTrend trend;  // per ms
  int checkpoints{};
  /// How far the lowest watermark of its tasks is behind, where that is more than the time it grew.
  std::optional<DurationMs> watermark_behind_ms;
};

/// Of the jobs with a heap backend that run on this process, the one whose state grew most since
/// `since`, significantly; nothing when none did.
std::optional<RetainedState> retained_state(const Window& window, EntityId process,
                                            TimestampMs since);

}  // namespace doctor
