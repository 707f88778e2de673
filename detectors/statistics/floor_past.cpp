#include "detectors/statistics/floor_past.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

// A random walk's rise over a span is twice its range over the three spans before it in 3 of
// 10,000 (measured), which is what the significance of a trend is asked for; any noise that comes
// back is rarer.
constexpr DurationMs kQuietSpans = 3;
constexpr double kQuietKnown = 0.75;
constexpr std::size_t kEndFloors = 3;

struct Hours {
  std::vector<double> floors;  // oldest first, those that are known
  std::int64_t first{}, last{};
};

Hours hours_of(const Floors& floors, std::int64_t from, std::int64_t to) {
  Hours hours;
  for (std::int64_t hour = from; hour < to; ++hour) {
    const std::optional<double> floor = floors.hour(hour);
    if (!floor) continue;
    if (hours.floors.empty()) hours.first = hour;
    hours.last = hour;
    hours.floors.push_back(*floor);
  }
  return hours;
}

double range_of(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

std::optional<double> pace_of(const Hours& hours, DurationMs at_least_ms) {
  const std::span<const double> floors(hours.floors);
  if (floors.size() <= 2 * kEndFloors) return std::nullopt;
  const auto steps = hours.last - hours.first - static_cast<std::int64_t>(kEndFloors) + 1;
  if (steps * kHourMs < at_least_ms) return std::nullopt;
  const double rise = *median(floors.last(kEndFloors)) - *median(floors.first(kEndFloors));
  return rise / static_cast<double>(steps * kHourMs);
}

}  // namespace

FloorPast floor_past(const Floors& floors, TimestampMs from, TimestampMs to) {
  FloorPast past;
  const std::int64_t newest = floors.newest_hour();
  past.history_ms = history_of(floors);
  const std::int64_t first = newest + 1 - past.history_ms / kHourMs;
  const std::int64_t before = from / kHourMs;  // hours that end before the window
  const bool is_long = from - first * kHourMs >= kDayMs;
  const TimestampMs half = is_long ? from : to - (to - from) / 2;
  const Hours all = hours_of(floors, first, before);
  const Hours until_half = hours_of(floors, first, (half + kHourMs - 1) / kHourMs);
  if (!until_half.floors.empty()) {
    past.peak = *std::max_element(until_half.floors.begin(), until_half.floors.end());
  }
  if (all.floors.empty()) return past;
  past.before_range = range_of(all.floors);
  past.before_ms = static_cast<DurationMs>(all.floors.size()) * kHourMs;
  const DurationMs span = to - from;
  const std::int64_t spans = std::max(kDayMs, kQuietSpans * span) / kHourMs;
  const Hours quiet = hours_of(floors, before - spans, before);
  if (static_cast<double>(quiet.floors.size()) >= kQuietKnown * static_cast<double>(spans)) {
    past.quiet_range = range_of(quiet.floors);
  }
  if (past.history_ms < kHourlyFloors * kHourMs) {
    past.pace_since_start =
        pace_of(hours_of(floors, before - kQuietSpans * span / kHourMs, before), span);
  }
  return past;
}

DurationMs history_of(const Floors& floors) {
  if (floors.empty()) return 0;
  const std::int64_t newest = floors.newest_hour();
  for (std::int64_t hour = newest - kHourlyFloors + 1; hour <= newest; ++hour) {
    if (floors.hour(hour)) return (newest + 1 - hour) * kHourMs;
  }
  return 0;
}

}  // namespace doctor
