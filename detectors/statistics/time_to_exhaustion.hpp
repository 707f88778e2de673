// When a rising level meets its limit, and how sure that is.
#pragma once

#include <optional>
#include <string>

#include "detectors/statistics/robust_trend.hpp"
#include "model/finding.hpp"

namespace doctor {

struct Exhaustion {
  double expected_ms{};           // from now
  double low_ms{};                // the soonest, 95 %
  std::optional<double> high_ms;  // absent: unbounded, growth may as well end
  double horizon_ms{};            // nobody sees further: min(6 × what was watched, 30 d)
  bool beyond_horizon() const { return expected_ms > horizon_ms; }
};

struct ExhaustionRules {
  /// Share of the limit at which the end may come already: the soonest end is there, the latest at
  /// the limit, the expected one halfway.
  double full_ratio{1};
  double age_ms{
      0};          // since the level stood where it is given: what it rose since is no longer left
  double leap{0};  // what rises in leaps may meet its limit one leap sooner
};

/// `trend` per millisecond, over `span_ms`; `level` is where the series stood last (the median of
/// its last three points, whose standard error widens the interval). Nothing when it does not rise.
std::optional<Exhaustion> time_to_exhaustion(const RobustTrend& trend, double level, double limit,
                                             double span_ms, const ExhaustionRules& rules = {});

/// "in 2 d 20 h (2 d 4 h to 3 d 19 h)", "in 5 h (3 h or later, unbounded)", "in more than 30 d".
std::string exhaustion_text(const Exhaustion& exhaustion);

/// Times from `now`; nothing beyond the horizon.
std::optional<Forecast> forecast_of(const Exhaustion& exhaustion, TimestampMs now);

}  // namespace doctor
