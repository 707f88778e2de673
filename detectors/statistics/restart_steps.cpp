#include "detectors/statistics/restart_steps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

/// Between two restarts.
struct Stretch {
  TimestampMs began{}, at{};  // at: the middle
  double first{}, last{};     // floors of its first and last hour
  double low{};
  int restarts{0};  // that came before it, since the level before
};

std::vector<Stretch> levels_of(const Floors& floors, std::span<const TimestampMs> restarts) {
  std::vector<Stretch> levels;
  std::size_t next = 0;
  int since = 0;
  const std::int64_t newest = floors.newest_hour();
  for (std::int64_t hour = newest - kHourlyFloors + 1; hour <= newest; ++hour) {
    const TimestampMs begin = hour * kHourMs;
    const TimestampMs end = begin + kHourMs;
    bool cut = false;
    for (; next < restarts.size() && restarts[next] < end; ++next) {
      cut = cut || restarts[next] >= begin;
      ++since;
    }
    const std::optional<double> floor = floors.hour(hour);
    if (cut || !floor) continue;  // an hour with a restart has two levels
    if (levels.empty() || since > 0) {
      levels.push_back({begin, begin, *floor, *floor, *floor, since});
      since = 0;
    }
    Stretch& level = levels.back();
    level.last = *floor;
    level.low = std::min(level.low, *floor);
    level.at = (level.began + end) / 2;
  }
  return levels;
}

/// Of the restarts since then.
double wait_cv(std::span<const TimestampMs> restarts, TimestampMs since) {
  std::vector<double> waits;
  for (std::size_t i = 1; i < restarts.size(); ++i) {
    if (restarts[i - 1] < since) continue;
    waits.push_back(static_cast<double>(restarts[i] - restarts[i - 1]));
  }
  const double usual = waits.empty() ? 0 : mean(waits);
  return usual > 0 ? standard_deviation(waits) / usual : 0;
}

}  // namespace

std::optional<Exhaustion> time_to_exhaustion(const RestartSteps& steps, double limit,
                                             TimestampMs now) {
  const auto age_ms = static_cast<double>(now - steps.level_at);
  std::optional<Exhaustion> end = time_to_exhaustion(
      steps.trend, steps.level, limit, static_cast<double>(steps.to - steps.from), {1, age_ms, 0});
  if (!end) return end;
  const double restarts = std::max(1.0, std::ceil((limit - steps.level) / steps.step));
  const double spread = 1.96 * steps.wait_cv / std::sqrt(restarts);
  end->low_ms *= std::max(0.0, 1 - spread);
  if (end->high_ms) *end->high_ms *= 1 + spread;
  return end;
}

std::optional<RestartSteps> restart_steps(const Floors& floors,
                                          std::span<const TimestampMs> restarts,
                                          const RestartStepsRules& rules) {
  if (floors.empty()) return std::nullopt;
  const std::vector<Stretch> levels = levels_of(floors, restarts);
  if (levels.size() < rules.levels_min) return std::nullopt;
  RestartSteps found;
  std::vector<double> t, low, steps;
  double at_restarts = 0, between = 0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    t.push_back(static_cast<double>(levels[i].at - levels.back().at));
    low.push_back(levels[i].low);
    between += std::max(0.0, levels[i].last - levels[i].first);
    if (i == 0) continue;
    const double step = levels[i].first - levels[i - 1].last;
    at_restarts += step;
    steps.push_back(step / levels[i].restarts);
    found.restarts += levels[i].restarts;
  }
  found.step = median(steps).value();
  found.p = rising_test(low).p;
  found.share = at_restarts > 0 ? at_restarts / (at_restarts + between) : 0;
  const auto trend = robust_trend(t, low);
  if (!trend || found.step < rules.step_min || found.p > rules.p_max ||
      found.share < rules.share_min) {
    return std::nullopt;
  }
  found.trend = *trend;
  found.first = low.front();
  found.level = low.back();
  found.level_at = levels.back().began;
  found.wait_cv = wait_cv(restarts, levels.front().began);
  found.from = levels.front().at;
  found.to = levels.back().at;
  return found;
}

}  // namespace doctor
