// Whether the last day of a series still goes as the week before it did, hour by hour. A clipped
// two-sided CUSUM (Page 1954) over what differs from an expectation that is made of the days
// before: by the hour of the day, or flat where that fits better, and growing as they grew.
// Clipping keeps one wild hour from mattering; what adds up is a difference that lasts. Measured on
// the Numenta benchmark: Page-Hinkley and bands of the mean give 4 false alarms a series-week, this
// less than .1.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace doctor {

struct PatternRules {
  double hours_min{96};     // of the days before
  double drift{1.5};        // CUSUM's k, in scales of the usual differences
  double sum_min{7.5};      // CUSUM's h: three hours that are clipped
  double clip{4};           // of one hour
  double level_ratio{0.2};  // three scales are at least this share of the level
};

struct PatternShift {
  double score{};             // sum / sum_min: 1 and above is a change
  bool up{};                  // more than expected
  std::int64_t from{}, to{};  // hours since the Unix epoch: it began, and the newest that is known
  double expected{}, seen{};  // means over the hours between
  double scale{};             // how far an hour usually is from such an expectation
  bool by_hour_of_day{};      // else the expectation is flat
};

inline constexpr std::int64_t kPatternHours = 168;
inline constexpr std::int64_t kPatternTestedHours = 24;

/// Hours of that many before the newest that are known.
std::size_t hours_known(std::span<const std::optional<double>> hours);

/// `hours`: up to a week, oldest first, the last being hour `newest` since the Unix epoch; gaps are
/// empty. Nothing while fewer hours than the rules ask for are known, or the newest one is not.
/// Between Friday and Monday noon (UTC: elsewhere a weekend begins earlier or later) an hour also
/// goes as it did in the weekend before, and while none is known of it, it is not looked at.
std::optional<PatternShift> pattern_shift(std::span<const std::optional<double>> hours,
                                          std::int64_t newest, const PatternRules& rules);

}  // namespace doctor
