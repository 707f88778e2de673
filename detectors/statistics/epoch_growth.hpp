// A leak that restarts hide: every life of the process rises in the same way, none lives long
// enough to meet the limit while it is watched.
#pragma once

#include <optional>
#include <span>

#include "detectors/statistics/trend.hpp"
#include "model/floors.hpp"

namespace doctor {

struct EpochGrowth {
  int lives{};  // newest ones in a row, that rose alike
  TimestampMs from{}, to{};
  Slope slope;             // per ms; what all their intervals share, and its middle
  double start{}, peak{};  // medians over the lives of first and highest levels
};

inline constexpr int kLivesMin = 3;

/// Three or more of the newest lives in a row: each rises significantly (exact Mann-Kendall, p ≤
/// .01), does not slow down (as warm-up does), and their slopes' intervals overlap mutually.
std::optional<EpochGrowth> epoch_growth(std::span<const EpochSummary> lives,
                                        double late_slope_ratio_min);

}  // namespace doctor
