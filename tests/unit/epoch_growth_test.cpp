#include "detectors/statistics/epoch_growth.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace doctor {
namespace {

constexpr double kLateMin = 0.5;
constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr DurationMs kLife = 8 * kHourMs;  // a level stands for an hour, told at its middle
const float kGap = std::numeric_limits<float>::quiet_NaN();

using Levels = std::array<float, kEpochLevels>;

/// So much after so many lives, an hour of silence between two.
EpochSummary life(int number, const Levels& levels, DurationMs length = kLife) {
  const TimestampMs from = kStart + number * (length + kHourMs);
  return {from, from + length, levels};
}

Levels line(double start, double per_hour) {
  Levels levels{};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = static_cast<float>(start + per_hour * static_cast<double>(i));
  }
  return levels;
}

std::vector<EpochSummary> lives(const std::vector<Levels>& of) {
  std::vector<EpochSummary> all;
  for (const Levels& levels : of) all.push_back(life(static_cast<int>(all.size()), levels));
  return all;
}

TEST(EpochGrowth, LivesThatRiseAlikeAreALeak) {
  const auto growth =
      epoch_growth(lives({line(100, 10), line(104, 10), line(90, 10), line(98, 10)}), kLateMin);
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->lives, 4);
  EXPECT_EQ(growth->from, kStart);
  EXPECT_EQ(growth->to, kStart + 3 * (kLife + kHourMs) + kLife);
  EXPECT_NEAR(growth->slope.value * kHourMs, 10, 1e-6);
  EXPECT_DOUBLE_EQ(growth->start, 99) << "of 90, 98, 100, 104";
  EXPECT_DOUBLE_EQ(growth->peak, 169);
}

TEST(EpochGrowth, TheSlopeIsByTheLengthOfALife) {
  std::vector<EpochSummary> all;
  for (int i = 0; i < 3; ++i) all.push_back(life(i, line(100, 10), 3 * kLife));
  const auto growth = epoch_growth(all, kLateMin);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->slope.value * kHourMs, 10.0 / 3, 1e-6);
}

TEST(EpochGrowth, TheSlopeIsWhatAllIntervalsShare) {
  const std::vector<Levels> of{{100, 111, 118, 131, 139, 152, 158, 171},
                               {100, 108, 121, 128, 142, 149, 163, 170},
                               {100, 112, 120, 133, 141, 155, 160, 175}};
  std::vector<double> t;
  for (int i = 0; i < 8; ++i) t.push_back((i + 0.5) * kHourMs);
  double low = 0, high = HUGE_VAL;
  for (const Levels& levels : of) {
    const auto slope = theil_sen(t, std::vector<double>(levels.begin(), levels.end()));
    low = std::max(low, slope->low);
    high = std::min(high, slope->high);
  }
  ASSERT_LT(low, high);
  const auto growth = epoch_growth(lives(of), kLateMin);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->slope.low * kHourMs, low * kHourMs, 1e-6);
  EXPECT_NEAR(growth->slope.high * kHourMs, high * kHourMs, 1e-6);
  EXPECT_NEAR(growth->slope.value * kHourMs, (low + high) / 2 * kHourMs, 1e-6);
}

TEST(EpochGrowth, OnlyTheNewestInARowCount) {
  const Levels flat = line(100, 0), up = line(100, 10);
  EXPECT_EQ(epoch_growth(lives({up, flat, up, up, up}), kLateMin)->lives, 3);
  EXPECT_FALSE(epoch_growth(lives({up, up, up, up, flat}), kLateMin)) << "it is over";
  EXPECT_FALSE(epoch_growth(lives({up, up, flat, up, up}), kLateMin));
}

TEST(EpochGrowth, OtherPacesAreNoRow) {
  const Levels slow = line(100, 10), fast = line(100, 20);
  EXPECT_EQ(epoch_growth(lives({fast, slow, slow, slow}), kLateMin)->lives, 3);
  EXPECT_FALSE(epoch_growth(lives({slow, slow, fast}), kLateMin));
}

TEST(EpochGrowth, ThinEvidenceIsNone) {
  EXPECT_FALSE(epoch_growth({}, kLateMin));
  EXPECT_FALSE(epoch_growth(lives({line(100, 10), line(100, 10)}), kLateMin));
  Levels gaps = line(100, 10);
  gaps[1] = gaps[5] = kGap;
  const auto growth = epoch_growth(lives({gaps, gaps, gaps}), kLateMin);
  ASSERT_TRUE(growth) << "six of eight levels";
  EXPECT_NEAR(growth->slope.value * kHourMs, 10, 1e-6) << "a gap bends nothing";
  gaps[2] = kGap;
  EXPECT_FALSE(epoch_growth(lives({gaps, gaps, gaps}), kLateMin));
  EXPECT_FALSE(epoch_growth(lives({gaps, line(100, 10), line(100, 10)}), kLateMin)) << "nor one";
}

TEST(EpochGrowth, AGapAtTheBeginMovesTheStartAndNotThePeak) {
  Levels gaps = line(100, 10);
  gaps[0] = kGap;
  const auto growth = epoch_growth(lives({gaps, gaps, gaps}), kLateMin);
  ASSERT_TRUE(growth);
  EXPECT_DOUBLE_EQ(growth->start, 110);
  EXPECT_DOUBLE_EQ(growth->peak, 170);
}

TEST(EpochGrowth, WhatFallsOrStandsStillIsNone) {
  const Levels down = line(100, -10), flat = line(100, 0);
  EXPECT_FALSE(epoch_growth(lives({down, down, down}), kLateMin));
  EXPECT_FALSE(epoch_growth(lives({flat, flat, flat}), kLateMin));
}

TEST(EpochGrowth, AsSignificantAsTheExactTestAsks) {
  // Of 40,320 orders of eight 1 + 7 + 27 + 76 + 174 have four falling pairs or fewer: p = .0071.
  // 343 have five: p = .0156.
  const Levels four{100, 140, 130, 120, 150, 170, 160, 180};  // 3 + 1 fall
  const Levels five{100, 140, 130, 120, 170, 160, 190, 180};  // 3 + 1 + 1
  EXPECT_TRUE(epoch_growth(lives({four, four, four}), 0));
  EXPECT_FALSE(epoch_growth(lives({five, five, five}), 0));
}

TEST(EpochGrowth, WarmUpSlowsDownAndIsNone) {
  // The newest half rises by 3 an hour, the whole by the median of its pairs.
  const Levels warm{100, 140, 160, 170, 173, 176, 179, 182};
  std::vector<double> t;
  for (int i = 0; i < 8; ++i) t.push_back(i);
  const double whole = theil_sen(t, std::vector<double>(warm.begin(), warm.end()))->value;
  EXPECT_FALSE(epoch_growth(lives({warm, warm, warm}), 3.001 / whole));
  EXPECT_TRUE(epoch_growth(lives({warm, warm, warm}), 2.999 / whole));
}

}  // namespace
}  // namespace doctor
