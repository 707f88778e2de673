#include "detectors/statistics/time_to_exhaustion.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/text.hpp"

namespace doctor {
namespace {

constexpr double kSpansMax = 6;
constexpr double kHorizonMaxMs = 30.0 * kDayMs;

/// Of a median of three neighbours that resemble each other, which is no worse than one of them:
/// sd² · π/2 · (3 + 4 phi + 2 phi²) / 9.
double standard_error(const RobustTrend& trend) {
  const double alike = (3 + 4 * trend.phi + 2 * trend.phi * trend.phi) / 9;
  return trend.sd * std::min(1.0, std::sqrt(std::numbers::pi / 2 * alike));
}

}  // namespace

std::optional<Exhaustion> time_to_exhaustion(const RobustTrend& trend, double level, double limit,
                                             double span_ms, const ExhaustionRules& rules) {
  if (!(trend.slope.value > 0) || !(span_ms > 0)) return std::nullopt;
  const double left = std::max(0.0, limit - level);
  const double soonest = std::max(0.0, rules.full_ratio * limit - level);
  const double doubt = 1.96 * standard_error(trend);
  const auto from_now = [&](double room, double slope) {
    return std::max(0.0, room / slope - rules.age_ms);
  };
  Exhaustion exhaustion;
  exhaustion.horizon_ms = std::min(kSpansMax * span_ms, kHorizonMaxMs);
  exhaustion.expected_ms = from_now((left + soonest) / 2, trend.slope.value);
  const bool bounded = std::isfinite(trend.slope.high);
  exhaustion.low_ms =
      bounded ? from_now(soonest - std::max(doubt, rules.leap), trend.slope.high) : 0;
  if (trend.slope.low > 0 && std::isfinite(trend.slope.low)) {
    exhaustion.high_ms = from_now(left + doubt, trend.slope.low);
  }
  return exhaustion;
}

std::string exhaustion_text(const Exhaustion& exhaustion) {
  if (exhaustion.beyond_horizon()) {
    return "in more than " + format_duration_ms(exhaustion.horizon_ms);
  }
  const std::string low = format_duration_ms(exhaustion.low_ms);
  const std::string expected = "in " + format_duration_ms(exhaustion.expected_ms);
  if (!exhaustion.high_ms) return expected + " (" + low + " or later, unbounded)";
  const std::string high = *exhaustion.high_ms > exhaustion.horizon_ms
                               ? "more than " + format_duration_ms(exhaustion.horizon_ms)
                               : format_duration_ms(*exhaustion.high_ms);
  return expected + " (" + low + " to " + high + ")";
}

std::optional<Forecast> forecast_of(const Exhaustion& exhaustion, TimestampMs now) {
  if (exhaustion.beyond_horizon()) return std::nullopt;
  const auto after = [&](double ms) { return now + static_cast<DurationMs>(ms); };
  Forecast forecast;
  forecast.exhausted_at = after(exhaustion.expected_ms);
  forecast.low = after(exhaustion.low_ms);
  if (exhaustion.high_ms && *exhaustion.high_ms <= exhaustion.horizon_ms) {
    forecast.high = after(*exhaustion.high_ms);
  }
  return forecast;
}

}  // namespace doctor
