#include "detectors/statistics/floor_past.hpp"

#include <gtest/gtest.h>

#include "tests/unit/hourly_floors.hpp"

namespace doctor {
namespace {

using hourly::feed;
using hourly::floors_of;
using hourly::kFirst;
using hourly::Level;

constexpr double kCode = 1.0 / 1400;  // an hourly floor is kept to so much of itself

FloorPast past_of(const Floors& floors, std::int64_t from, std::int64_t to) {
  return floor_past(floors, (kFirst + from) * kHourMs, (kFirst + to) * kHourMs);
}

/// A stair of five up to 1,040, then up by 100 an hour from hour `from` on.
Level then_rising(std::int64_t from) {
  return [from](std::int64_t hour) {
    return hour < from ? 1000.0 + 10 * static_cast<double>(hour % 5)
                       : 1100 + 100 * static_cast<double>(hour - from);
  };
}

TEST(HistoryOf, ReachesFromTheFirstFloorOfAWeek) {
  EXPECT_EQ(history_of(Floors{}), 0);
  EXPECT_EQ(history_of(floors_of(1, [](auto) { return 5; })), kHourMs);
  EXPECT_EQ(history_of(floors_of(30, [](auto) { return 5; })), 30 * kHourMs);
  EXPECT_EQ(history_of(floors_of(200, [](auto) { return 5; })), 168 * kHourMs);
  Floors young;
  young.add({kFirst * kHourMs, 5});
  EXPECT_EQ(history_of(young), 0) << "no hour has ended";
  Floors torn;
  feed(torn, 0, 3, [](auto) { return 5; });
  feed(torn, 20, 24, [](auto) { return 5; });
  EXPECT_EQ(history_of(torn), 23 * kHourMs) << "over the gap, the hour that is open not counted";
}

TEST(FloorPast, IsAllThatWasBeforeTheWindow) {
  const FloorPast past = past_of(floors_of(110, then_rising(100)), 100, 110);
  EXPECT_EQ(past.history_ms, 110 * kHourMs);
  ASSERT_TRUE(past.peak);
  EXPECT_NEAR(*past.peak, 1040, 1040 * kCode) << "a day is known, so the window is no past";
  EXPECT_NEAR(past.before_range, 40, 2 * 1040 * kCode);
  EXPECT_EQ(past.before_ms, 100 * kHourMs);
  ASSERT_TRUE(past.quiet_range);
  EXPECT_NEAR(*past.quiet_range, 40, 2 * 1040 * kCode);
  // Medians of the hours 70, 71, 72 (1,010) and 97, 98, 99 (1,030), 27 hours apart.
  ASSERT_TRUE(past.pace_since_start);
  EXPECT_NEAR(*past.pace_since_start * kHourMs, 20.0 / 27, 2 * 1040 * kCode / 27);
}

TEST(FloorPast, TheQuietRangeIsThatOfThreeSpansOnly) {
  const Level level = [](std::int64_t hour) {
    return hour < 70 ? 5000.0 : 1000.0 + (hour % 2 == 0 ? 1 : 0);
  };
  const FloorPast past = past_of(floors_of(110, level), 100, 110);
  EXPECT_NEAR(*past.peak, 5000, 5000 * kCode);
  EXPECT_NEAR(past.before_range, 4000, 6000 * kCode);
  EXPECT_LT(*past.quiet_range, 4);
  // A day at least, also for a short window: from hour 84 on.
  EXPECT_LT(*past_of(floors_of(110, level), 108, 110).quiet_range, 4);
  EXPECT_GT(*past_of(floors_of(90, level), 88, 90).quiet_range, 3900) << "from hour 64 on";
}

TEST(FloorPast, OfALineThePaceIsItsOwn) {
  const Level line = [](std::int64_t hour) { return 1000.0 + 50 * static_cast<double>(hour); };
  const FloorPast past = past_of(floors_of(110, line), 100, 110);
  EXPECT_NEAR(*past.pace_since_start * kHourMs, 50, 2 * 6000 * kCode / 27);
}

TEST(FloorPast, OfAWholeWeekNobodyKnowsTheStart) {
  const Floors floors = floors_of(180, then_rising(170));
  EXPECT_FALSE(past_of(floors, 170, 180).pace_since_start);
  EXPECT_EQ(past_of(floors, 170, 180).before_ms, 158 * kHourMs) << "168 less the window";
  EXPECT_TRUE(past_of(floors_of(167, then_rising(157)), 157, 167).pace_since_start);
  EXPECT_FALSE(past_of(floors_of(168, then_rising(158)), 158, 168).pace_since_start);
}

TEST(FloorPast, WhereLessThanADayIsKnownTheOlderHalfIsPast) {
  const FloorPast past = past_of(floors_of(20, then_rising(10)), 10, 20);
  ASSERT_TRUE(past.peak);
  EXPECT_NEAR(*past.peak, 1500, 1500 * kCode) << "hour 14, the last before the newest half";
  EXPECT_EQ(past.before_ms, 10 * kHourMs);
  EXPECT_NEAR(past.before_range, 40, 2 * 1040 * kCode);
  EXPECT_FALSE(past.quiet_range) << "ten hours of thirty";
  EXPECT_FALSE(past.pace_since_start) << "less than a span";
  // Of an odd window the hour that holds its middle belongs to the past.
  EXPECT_NEAR(*past_of(floors_of(19, then_rising(10)), 10, 19).peak, 1500, 1500 * kCode);
}

TEST(FloorPast, ADayIsKnownWhenItsHoursAre) {
  EXPECT_NEAR(*past_of(floors_of(34, then_rising(24)), 24, 34).peak, 1040, 1040 * kCode);
  EXPECT_NEAR(*past_of(floors_of(33, then_rising(23)), 23, 33).peak, 1500, 1500 * kCode);
}

TEST(FloorPast, OfTheFirstFloorsThereIsNone) {
  const FloorPast past = past_of(floors_of(10, then_rising(0)), 0, 10);
  EXPECT_NEAR(*past.peak, 1500, 1500 * kCode) << "its own older half";
  EXPECT_EQ(past.before_ms, 0);
  EXPECT_EQ(past.before_range, 0);
  EXPECT_FALSE(past.quiet_range);
  EXPECT_FALSE(past.pace_since_start);
}

TEST(FloorPast, AQuarterMayBeMissing) {
  for (const std::int64_t missing : {7, 8}) {  // of thirty
    Floors floors;
    feed(floors, 0, 80, then_rising(100));
    feed(floors, 80 + missing, 110, then_rising(100));
    floors.add({(kFirst + 110) * kHourMs, 0});
    const FloorPast past = past_of(floors, 100, 110);
    EXPECT_EQ(past.quiet_range.has_value(), missing == 7);
    EXPECT_EQ(past.before_ms, (100 - missing) * kHourMs) << "only what is known";
  }
}

}  // namespace
}  // namespace doctor
