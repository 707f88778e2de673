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

TEST(WeeklyPattern, ThreeHoursFarBelowAreOne) {
  const auto level = [](std::int64_t h) {
    return tide(h) * noise(h) * (h > kThursdayNoon - 3 ? 0.3 : 1);
  };
  const auto shift = pattern_shift(week(kThursdayNoon, level), kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_EQ(shift->score, 3 * (4 - 1.5) / 7.5);  // clipped: exactly 1
  EXPECT_FALSE(shift->up);
  EXPECT_EQ(shift->from, kThursdayNoon - 2);
  EXPECT_EQ(shift->to, kThursdayNoon);
  EXPECT_NEAR(shift->seen / shift->expected, 0.3, 0.05);
}

TEST(WeeklyPattern, AWildHourIsNot) {
  const auto level = [](std::int64_t h) {
    return tide(h) * noise(h) * (h == kThursdayNoon ? 1000 : 1);
  };
  const auto shift = pattern_shift(week(kThursdayNoon, level), kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_NEAR(shift->score, 2.5 / 7.5, 1e-9);
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

TEST(WeeklyPattern, AWeekendWithoutItsBusyHoursIsAChange) {
  const std::int64_t saturday_morning = kMonday + 5 * 24 + 10;
  const auto level = [](std::int64_t h) {
    const bool busy = h % 24 >= 6 && h % 24 < 10;
    return tide(h) * noise(h) * (busy && h < saturday_morning - 12 ? 2.5 : 1);
  };
  const auto shift = pattern_shift(week(saturday_morning, level), saturday_morning, {});
  ASSERT_TRUE(shift);
  EXPECT_GE(shift->score, 1);
  EXPECT_FALSE(shift->up);
}

// Growth by two fifths a week: the median of working days is half a week old, 19 % on a Monday.
double growing(std::int64_t hour) {
  const bool weekend = ((hour + 72) % 168) >= 5 * 24;
  const double weeks = static_cast<double>(hour - kMonday) / 168;
  return tide(hour) * noise(hour) * (weekend ? 0.8 : 1) * std::pow(1.4, weeks);
}

TEST(WeeklyPattern, GrowthThatGoesOnIsNoChange) {
  for (std::int64_t newest = kMonday; newest < kMonday + 168; ++newest) {
    const auto shift = pattern_shift(week(newest, growing), newest, {});
    ASSERT_TRUE(shift);
    EXPECT_LT(shift->score, 1) << newest - kMonday;
  }
}

TEST(WeeklyPattern, AJumpAmidGrowthIs) {
  const auto level = [](std::int64_t h) { return growing(h) * (h > kThursdayNoon - 6 ? 1.8 : 1); };
  const auto shift = pattern_shift(week(kThursdayNoon, level), kThursdayNoon, {});
  ASSERT_TRUE(shift);
  EXPECT_GE(shift->score, 1);
  EXPECT_TRUE(shift->up);
}

// By day an hour is off by some hundreds; by night five times as much as ever is hardly more.
TEST(WeeklyPattern, NightsAreHeldAgainstTheNoiseOfNights) {
  const std::int64_t thursday_night = kMonday + 3 * 24 + 20;  // the tide is lowest at 18
  const auto level = [&](std::int64_t h) {
    const double by_day = 1000 + 1.8 * (tide(h) - 1000);
    const double random = std::sin(static_cast<double>(h) * 12.9898);
    return by_day * (1 + 0.25 * random) * (h > thursday_night - 5 ? 5 : 1);
  };
  const auto shift = pattern_shift(week(thursday_night, level), thursday_night, {});
  ASSERT_TRUE(shift);
  EXPECT_GE(shift->score, 1);
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
