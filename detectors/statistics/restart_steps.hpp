// A level that rises with every restart of a job and stands still between them: what an attempt
// leaves behind in a process that survives it.
#pragma once

#include <optional>
#include <span>

#include "detectors/statistics/robust_trend.hpp"
#include "detectors/statistics/time_to_exhaustion.hpp"
#include "model/floors.hpp"

namespace doctor {

struct RestartStepsRules {
  double step_min{};      // per restart, in the unit of the series
  double p_max{0.0014};   // of the exact Mann-Kendall test on the levels between restarts
  double share_min{0.6};  // of all that it rose, at restarts rather than between them
  std::size_t levels_min{7};
};

struct RestartSteps {
  int restarts{};            // between the first and the last level
  double first{}, level{};   // oldest and newest level
  double step{};             // per restart, the median
  double share{};            // of the rise, at restarts
  double p{};                // that a level without trend rises like this
  TimestampMs from{}, to{};  // of the levels
  TimestampMs level_at{};    // when the newest level began
  double wait_cv{};          // spread of the waits from restart to restart, to their mean
  RobustTrend trend;         // of the levels, per ms; t = 0 at `to`
};

/// By the levels' trend, and by how the waits for so many restarts may differ.
std::optional<Exhaustion> time_to_exhaustion(const RestartSteps& steps, double limit,
                                             TimestampMs now);

/// `restarts` ascending; those between which no full hour was seen share a step. Nothing unless
/// enough levels rise beyond doubt, and at restarts.
std::optional<RestartSteps> restart_steps(const Floors& floors,
                                          std::span<const TimestampMs> restarts,
                                          const RestartStepsRules& rules);

}  // namespace doctor
