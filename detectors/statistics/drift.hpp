// A level that rises steadily and goes on rising: what lies between a trend by chance, a step, and
// something that fills and stops.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "detectors/statistics/robust_trend.hpp"
#include "model/time.hpp"

namespace doctor {

struct DriftLimits {
  std::size_t points_min{};
  double span_min_ms{};
  double z_min{};     // of the corrected Mann-Kendall test
  double rise_min{};  // over the whole span, as a share of where it began
};

struct Drift {
  RobustTrend trend;     // per ms; t = 0 at the first point
  double began{};        // the line at the first point
  double level{};        // where it stands: the median of the last three points
  double level_at_ms{};  // when it stood there, as t_ms
  double span_ms{};

  /// Its age, which what rises has risen on for since.
  double level_age_ms(TimestampMs now) const {
    return std::max(0.0, static_cast<double>(now) - level_at_ms);
  }
};

/// `t_ms` ascending, `x` of equal size. Nothing unless the trend is significant, its slope's whole
/// interval is above zero, it rose enough, and it still rises in the newer half of the points.
std::optional<Drift> drift_of(std::span<const double> t_ms, std::span<const double> x,
                              const DriftLimits& limits);

}  // namespace doctor
