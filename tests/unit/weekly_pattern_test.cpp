#include "detectors/statistics/weekly_pattern.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace doctor {
namespace {

using Hours = std::vector<std::optional<double>>;

constexpr std::int64_t kMonday = 72 + 24 * 1 + 24 * 7 * 2900;  // 00:00 UTC, of some week

/// A week that ends before `newest`, of what `level` says of each hour since the Unix epoch.
template <class Level>
Hours week(std::int64_t newest, Level level) {
  Hours hours;
  for (std::int64_t h = newest - kPatternHours + 1; h <= newest; ++h) hours.emplace_back(level(h));
  return hours;
}

double tide(std::int64_t hour) {
  return 1000 + 500 * std::sin(static_cast<double>(hour % 24) / 24 * 2 * std::numbers::pi);
}

double noise(std::int64_t hour) { return 1 + 0.03 * std::sin(static_cast<double>(hour) * 12.9898); }

// Thursday noon: no weekend in the day that is tested.
constexpr std::int64_t kThursdayNoon = kMonday + 3 * 24 + 12;

TEST(WeeklyPattern, TheFirstDayOfTheEpochWasAThursday) {
  EXPECT_EQ((kMonday + 3 * 24) % (7 * 24), 0);
}

TEST(WeeklyPattern, TidesThatGoOnAreNoChange) {
  const auto hours = week(kThursdayNoon, [](std::int64_t h) { return tide(h) * noise(h); });
  const auto shift = pattern_shift(hours, kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_LT(shift->score, 0.5);
  EXPECT_TRUE(shift->by_hour_of_day);
}

TEST(WeeklyPattern, FourHoursFarBelowAreOne) {
  const auto level = [](std::int64_t h) {
    return tide(h) * noise(h) * (h > kThursdayNoon - 4 ? 0.3 : 1);
  };
  const auto shift = pattern_shift(week(kThursdayNoon, level), kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_NEAR(shift->score, 4 * (4 - 1.5) / 9, 1e-9);  // clipped: 10 of 9
  EXPECT_FALSE(shift->up);
  EXPECT_EQ(shift->from, kThursdayNoon - 3);
  EXPECT_EQ(shift->to, kThursdayNoon);
  EXPECT_NEAR(shift->seen / shift->expected, 0.3, 0.05);
}

TEST(WeeklyPattern, AWildHourIsNot) {
  const auto level = [](std::int64_t h) {
    return tide(h) * noise(h) * (h == kThursdayNoon ? 1000 : 1);
  };
  const auto shift = pattern_shift(week(kThursdayNoon, level), kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_NEAR(shift->score, 2.5 / 9, 1e-9);
  EXPECT_TRUE(shift->up);
}

TEST(WeeklyPattern, AWeekendLikeTheOneBeforeIsNoChange) {
  const std::int64_t sunday_noon = kMonday + 6 * 24 + 12;
  const auto level = [](std::int64_t h) {
    const bool weekend = ((h + 72) % 168) >= 5 * 24;
    return tide(h) * noise(h) * (weekend ? 0.4 : 1);
  };
  const auto shift = pattern_shift(week(sunday_noon, level), sunday_noon, {});
  ASSERT_TRUE(shift);
  EXPECT_LT(shift->score, 1);
}

TEST(WeeklyPattern, AWeekendNobodyKnowsIsNotLookedAt) {
  const std::int64_t sunday_noon = kMonday + 6 * 24 + 12;
  auto level = [](std::int64_t h) { return ((h + 72) % 168) >= 5 * 24 ? 10.0 : 1000 * noise(h); };
  Hours hours = week(sunday_noon, level);
  for (std::int64_t i = 0; i < kPatternHours; ++i) {
    if (sunday_noon - kPatternHours + 1 + i < kMonday + 12) hours[static_cast<std::size_t>(i)] = {};
  }
  const auto shift = pattern_shift(hours, sunday_noon, {});
  ASSERT_TRUE(shift);
  EXPECT_LT(shift->score, 1);
}

TEST(WeeklyPattern, SaysNothingOfLittle) {
  Hours hours = week(kThursdayNoon, [](std::int64_t h) { return tide(h); });
  EXPECT_FALSE(pattern_shift(std::span(hours).last(110), kThursdayNoon, {}));
  EXPECT_TRUE(pattern_shift(std::span(hours).last(120), kThursdayNoon, {}));
  EXPECT_FALSE(pattern_shift({}, kThursdayNoon, {}));
  hours.back().reset();
  EXPECT_FALSE(pattern_shift(hours, kThursdayNoon, {}));
  const Hours gaps(static_cast<std::size_t>(kPatternHours));
  EXPECT_FALSE(pattern_shift(gaps, kThursdayNoon, {}));
}

TEST(WeeklyPattern, NothingAtAllIsNoChangeAndNoDivision) {
  const auto zero = week(kThursdayNoon, [](std::int64_t) { return 0.0; });
  const auto shift = pattern_shift(zero, kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_EQ(shift->score, 0);
  const auto huge = week(kThursdayNoon, [](std::int64_t h) {
    return h % 2 == 0 ? std::numeric_limits<double>::max() / 1e3 : 0.0;
  });
  const auto wild = pattern_shift(huge, kThursdayNoon, {});
  ASSERT_TRUE(wild);
  EXPECT_FALSE(std::isnan(wild->score));
}

}  // namespace
}  // namespace doctor
