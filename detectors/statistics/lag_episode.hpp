// One stretch of time in which a job never caught up with its input: how long it lasts, how long
// the backlog is beside those before it, and which way it goes.
#pragma once

#include <optional>
#include <vector>

#include "detectors/statistics/lag_course.hpp"
#include "detectors/statistics/trend.hpp"
#include "model/window.hpp"

namespace doctor {

struct LagEpisode {
  LagCourse course;
  std::optional<ReadPace> pace{};
  double level{};       // now: the newest floor; records, or ms where the course is_time()
  TimestampMs to{};     // when that was
  TimestampMs since{};  // when it was last as good as gone, or was first seen
  bool was_gone{};      // the first of these
  double past_peak{};   // highest floor of an hour in the week before that

  double lasts_ms() const { return static_cast<double>(to - since); }
  /// How much time of input that backlog is, by the job's highest pace of a day; nothing when no
  /// pace is known.
  std::optional<double> behind_ms(double backlog) const;
  /// Through all of `last_ms`, hour by hour, there was that share of the present backlog, and it is
  /// not less than it was then. A quarter of the hours may be gaps.
  bool stays(DurationMs last_ms, double share_min) const;
};

/// `gone_ms`: so much of input, or less, is as good as caught up. Nothing while the course has no
/// present.
std::optional<LagEpisode> lag_episode(const Window& window, const JobFacts& job,
                                      const LagCourse& course, double gone_ms);

struct LagPoints {
  std::vector<double> t, x;  // ms before the newest bin's end (≤ 0), backlog
  TimestampMs from{}, to{};
};
LagPoints points_of(const LagEpisode& episode, FloorScale scale);

/// Per ms. It falls since it was highest, beyond doubt, and still does.
std::optional<Slope> drain_of(const LagPoints& points);
/// Per ms. It grows beyond doubt, by the exact Mann-Kendall test, and does not slow down.
std::optional<Slope> growth_of(const LagPoints& points, double p_max);

}  // namespace doctor
