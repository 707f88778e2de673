#include "detectors/statistics/drift.hpp"

#include <algorithm>
#include <vector>

#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr std::size_t kPointsMin = 8;      // the newer half must bear a slope of its own
constexpr double kStillRisingShare = 0.5;  // of the least slope of the whole

}  // namespace

std::optional<Drift> drift_of(std::span<const double> t_ms, std::span<const double> x,
                              const DriftLimits& limits) {
  if (x.size() < std::max(kPointsMin, limits.points_min)) return std::nullopt;
  const double span_ms = t_ms.back() - t_ms.front();
  if (span_ms < limits.span_min_ms) return std::nullopt;
  std::vector<double> since;
  for (const double t : t_ms) since.push_back(t - t_ms.front());
  const std::optional<RobustTrend> trend = robust_trend(since, x, limits.z_min);
  if (!trend || trend->slope.low <= 0) return std::nullopt;
  const double began = std::max(0.0, trend->at(0));
  if (trend->slope.value * span_ms < limits.rise_min * began) return std::nullopt;
  const std::size_t half = x.size() / 2;
  const std::optional<RobustTrend> newer =
      robust_trend(std::span<const double>(since).last(half), x.last(half));
  if (!newer || newer->slope.value < kStillRisingShare * trend->slope.low) return std::nullopt;
  return Drift{*trend, began, median(x.last(3)).value(), t_ms[t_ms.size() - 2], span_ms};
}

}  // namespace doctor
