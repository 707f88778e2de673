#include "detectors/statistics/lag_episode.hpp"

#include <algorithm>
#include <span>

namespace doctor {
namespace {

constexpr FloorScale kFine = FloorScale::five_minutes;
constexpr std::size_t kDrainPointsMin = 6;
constexpr std::size_t kGrowthPointsMin = 12;
constexpr double kFallenRatio = 0.9;   // to what it was at the same hour: it is worked off, slowly
constexpr double kLateRatioMin = 0.3;  // slope of the newest third to the whole
constexpr double kGoneShare = 0.05;    // of the backlog, where no pace is known

/// When no more than `gone` waited last, and the longest backlog before that.
void look_back(LagEpisode& episode, double gone) {
  const LagCourse& course = episode.course;
  const std::int64_t newest = course.newest(kFine);
  for (std::int64_t bin = newest; bin > newest - kFloorsPerScale && !episode.was_gone; --bin) {
    const std::optional<double> floor = course.at(kFine, bin);
    episode.was_gone = floor && *floor <= gone;
    if (floor) episode.since = (bin + (episode.was_gone ? 1 : 0)) * width_ms(kFine);
  }
  const std::int64_t newest_hour = course.newest_hour();
  for (std::int64_t hour = newest_hour; hour > newest_hour - kHourlyFloors; --hour) {
    const std::optional<double> floor = course.hour(hour);
    const TimestampMs begin = hour * kHourMs;
    const TimestampMs end = begin + kHourMs;
    if (!floor || (!episode.was_gone && end > episode.since + kHourMs)) continue;
    if (episode.was_gone) {
      if (end <= episode.since) episode.past_peak = std::max(episode.past_peak, *floor);
      continue;
    }
    episode.was_gone = *floor <= gone;
    episode.since = std::min(episode.since, episode.was_gone ? end : begin);
  }
}

}  // namespace

std::optional<double> LagEpisode::behind_ms(double backlog) const {
  if (course.is_time()) return backlog;
  if (!pace) return std::nullopt;
  return kSecondMs * backlog / pace->highest_s;
}

bool LagEpisode::stays(DurationMs last_ms, double share_min) const {
  if (to - since < last_ms) return false;
  const std::int64_t newest = course.newest_hour();
  const std::int64_t hours = last_ms / kHourMs;
  const std::optional<double> before = course.hour(newest - hours + 1);
  if (before && level < kFallenRatio * *before) return false;
  std::int64_t seen = 0;
  for (std::int64_t hour = newest - hours + 1; hour <= newest; ++hour) {
    const std::optional<double> floor = course.hour(hour);
    if (!floor) continue;
    if (*floor < share_min * level) return false;
    ++seen;
  }
  return 4 * seen >= 3 * hours;
}

std::optional<LagEpisode> lag_episode(const Window& window, const JobFacts& job,
                                      const LagCourse& course, double gone_ms) {
  LagEpisode episode{course, read_pace(window, job)};
  const std::int64_t newest = course.newest(kFine);
  const std::optional<double> level = course.at(kFine, newest);
  episode.to = episode.since = (newest + 1) * width_ms(kFine);
  if (!level || window.now - episode.to > 2 * width_ms(kFine)) return std::nullopt;
  episode.level = *level;
  double gone = kGoneShare * episode.level;
  if (course.is_time()) {
    gone = gone_ms;
  } else if (episode.pace) {
    gone = episode.pace->highest_s * gone_ms / kSecondMs;
  }
  look_back(episode, gone);
  return episode;
}

LagPoints points_of(const LagEpisode& episode, FloorScale scale) {
  LagPoints points;
  const std::int64_t newest = episode.course.newest(scale);
  points.to = (newest + 1) * width_ms(scale);
  for (std::int64_t bin = newest - kFloorsPerScale + 1; bin <= newest; ++bin) {
    const std::optional<double> floor = episode.course.at(scale, bin);
    if (!floor || bin * width_ms(scale) < episode.since) continue;
    if (points.t.empty()) points.from = bin * width_ms(scale);
    points.t.push_back(static_cast<double>((bin + 1) * width_ms(scale) - points.to));
    points.x.push_back(*floor);
  }
  return points;
}

std::optional<Slope> drain_of(const LagPoints& points) {
  const auto top = std::max_element(points.x.begin(), points.x.end());
  const auto left = static_cast<std::size_t>(points.x.end() - top);
  if (left < kDrainPointsMin) return std::nullopt;
  const std::span<const double> t(points.t), x(points.x);
  const auto whole = theil_sen(t.last(left), x.last(left));
  const auto late = theil_sen(t.last(left / 2), x.last(left / 2));
  if (!whole || !late || whole->high >= 0 || late->value >= 0) return std::nullopt;
  return whole;
}

std::optional<Slope> growth_of(const LagPoints& points, double p_max) {
  const std::size_t count = points.x.size();
  if (count < kGrowthPointsMin || rising_test(points.x).p > p_max) return std::nullopt;
  // No correction for autocorrelation: a backlog adds up what is left over, so its bends are no
  // noise.
  const std::span<const double> t(points.t), x(points.x);
  const std::optional<Slope> whole = theil_sen(t, x);
  const std::optional<Slope> late = theil_sen(t.last(count / 3), x.last(count / 3));
  if (!whole || !late || whole->low <= 0) return std::nullopt;
  if (late->value < kLateRatioMin * whole->value) return std::nullopt;
  return whole;
}

}  // namespace doctor
