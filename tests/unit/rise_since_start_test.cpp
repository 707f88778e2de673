#include "detectors/statistics/rise_since_start.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/unit/hourly_floors.hpp"

namespace doctor {
namespace {

using hourly::floors_of;
using hourly::Level;

bool has_risen(std::int64_t hours, const Level& level) {
  return has_risen_since_start(floors_of(hours, level), level(hours));
}

double rise_from(std::int64_t onset, std::int64_t hour) {
  return 10.0 * static_cast<double>(std::max<std::int64_t>(0, hour - onset));
}

double tide(std::int64_t hour, double amplitude) {
  return amplitude * std::sin(2 * std::numbers::pi * static_cast<double>(hour) / 24);
}

/// A step to and fro that no line explains.
double noise(std::int64_t hour, double amplitude) {
  return amplitude * static_cast<double>(hour * 7919 % 13 - 6) / 6;
}

TEST(RiseSinceStart, AStraightLineHasRisenSinceTheStart) {
  EXPECT_TRUE(has_risen(80, [](auto h) { return 300 + rise_from(0, h); }));
  EXPECT_TRUE(has_risen(80, [](auto h) { return 300 + rise_from(0, h) + noise(h, 60); }));
}

TEST(RiseSinceStart, ALevelThatIsLiftedLaterHasNot) {
  for (const std::int64_t onset : {24, 40, 60}) {
    const Level level = [&](auto h) { return 300 + rise_from(onset, h); };
    EXPECT_FALSE(has_risen(80, level)) << onset;
    const Level noisy = [&](auto h) { return level(h) + noise(h, 30); };
    EXPECT_FALSE(has_risen(80, noisy)) << onset;
  }
}

TEST(RiseSinceStart, ATideHidesNeither) {
  EXPECT_TRUE(has_risen(84, [](auto h) { return 400 + rise_from(0, h) + tide(h, 150); }));
  EXPECT_TRUE(has_risen(84, [](auto h) { return 400 + rise_from(0, h) + tide(h + 9, 150); }));
  EXPECT_FALSE(has_risen(84, [](auto h) { return 400 + rise_from(40, h) + tide(h, 150); }));
  EXPECT_FALSE(has_risen(84, [](auto h) { return 400 + rise_from(40, h) + tide(h + 9, 150); }));
}

TEST(RiseSinceStart, WhatFollowsTheLoadBendsNoLine) {
  // Two quiet days early in the week, and the floor follows.
  const auto quiet = [](std::int64_t h) { return h >= 20 && h < 60; };
  const Floors floors = floors_of(
      100, [&](auto h) { return 800 + rise_from(0, h) - (quiet(h) ? 500 : 0) + noise(h, 20); });
  const auto load = [&](std::int64_t hour) -> std::optional<double> {
    return quiet(hour - hourly::kFirst) ? 0.5 : 1;
  };
  EXPECT_FALSE(has_risen_since_start(floors, 1800)) << "as if a rise had begun at their end";
  EXPECT_TRUE(has_risen_since_start(floors, 1800, load));
  const auto half_known = [&](std::int64_t hour) {
    return hour % 2 == 0 ? load(hour) : std::nullopt;
  };
  EXPECT_FALSE(has_risen_since_start(floors, 1800, half_known)) << "left out";
}

TEST(RiseSinceStart, WhatSettlesAtTheStartIsNoRise) {
  const auto settled = [](auto h) { return 300 - 200 * std::exp(-static_cast<double>(h) / 4); };
  EXPECT_FALSE(has_risen(64, [&](auto h) { return settled(h) + rise_from(32, h); }));
  EXPECT_TRUE(has_risen(64, [&](auto h) { return settled(h) + rise_from(0, h); }));
}

TEST(RiseSinceStart, IsAllThatRisesOnTheFirstDay) {
  const Level late = [](auto h) { return 300 + rise_from(12, h); };
  EXPECT_TRUE(has_risen(23, late));
  EXPECT_FALSE(has_risen(24, late));
}

TEST(RiseSinceStart, NeedsARiseAndAStartThatIsRemembered) {
  const Level line = [](auto h) { return 300 + rise_from(0, h); };
  EXPECT_FALSE(has_risen_since_start(floors_of(80, line), 290)) << "it has not risen";
  EXPECT_FALSE(has_risen_since_start(Floors{}, 290));
  EXPECT_TRUE(has_risen(1, [](auto h) { return 300.0 + static_cast<double>(h); }));
  EXPECT_TRUE(has_risen(167, line));
  EXPECT_FALSE(has_risen(168, line)) << "a week of it is no start";
}

TEST(RiseSinceStart, BridgesAGap) {
  const Level line = [](auto h) { return 300 + rise_from(0, h); };
  Floors floors;
  hourly::feed(floors, 0, 20, line);
  hourly::feed(floors, 50, 80, line);
  EXPECT_TRUE(has_risen_since_start(floors, line(80)));
}

}  // namespace
}  // namespace doctor
