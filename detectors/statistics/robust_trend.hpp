// A trend in a series whose neighbours resemble each other, as levels of memory do. Mann-Kendall
// with its variance inflated for AR(1) noise (Hamed & Rao 1998, with one lag and phi corrected for
// its bias; Marriott & Pope 1954) and Theil-Sen's slope on the real times, with an interval from
// the order statistics of the pairwise slopes (Sen 1968). The plain test finds a "trend" in 37 % of
// trendless series at phi = .95 where 1 % was asked for.
#pragma once

#include <limits>
#include <optional>
#include <span>

#include "detectors/statistics/trend.hpp"

namespace doctor {

struct RobustTrend {
  Slope slope;         // value units per unit of t; about 95 %, ±infinity where unbounded
  double z{};          // of the inflated Mann-Kendall test, signed
  double tau{};        // Kendall's, -1 … 1; ties count as neither
  double phi{};        // lag-1 autocorrelation of the residuals, corrected, 0 … .97
  double sd{};         // of the residuals, 1.4826 × MAD
  double intercept{};  // median residual: the line is intercept + slope × t
  double at(double t) const { return intercept + slope.value * t; }
};

/// Nothing for fewer than four points, when all t are equal, or when z is below `z_min` (above
/// zero, or none), which of most series is told at little cost. t ascending; x of equal size.
std::optional<RobustTrend> robust_trend(std::span<const double> t, std::span<const double> x,
                                        double z_min = -std::numeric_limits<double>::infinity());

}  // namespace doctor
