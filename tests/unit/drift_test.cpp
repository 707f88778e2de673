#include "detectors/statistics/drift.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "detectors/statistics/time_to_exhaustion.hpp"

namespace doctor {
namespace {

constexpr std::size_t kPoints = 24;
constexpr DriftLimits kLimits{12, 10.0 * kHourMs, 3.09, 0.1};
constexpr double kFrom = 1.7e12;

std::vector<double> hours() {
  std::vector<double> t_ms;
  for (std::size_t i = 0; i < kPoints; ++i) {
    t_ms.push_back(kFrom + static_cast<double>(i) * kHourMs);
  }
  return t_ms;
}

/// What `level` says of each hour, with a ripple of ±1.
template <class Level>
std::vector<double> levels(Level level) {
  std::vector<double> x;
  for (std::size_t i = 0; i < kPoints; ++i) {
    x.push_back(level(static_cast<double>(i)) + (i % 3 == 0 ? 1 : i % 3 == 1 ? -1 : 0));
  }
  return x;
}

TEST(Drift, ALineIsOneWithItsLevelAndAge) {
  const auto drift = drift_of(hours(), levels([](double h) { return 100 + 10 * h; }), kLimits);
  ASSERT_TRUE(drift);
  EXPECT_NEAR(drift->trend.slope.value * kHourMs, 10, 0.2);
  EXPECT_NEAR(drift->began, 100, 3);
  EXPECT_NEAR(drift->level, 320, 2) << "the middle of the last three";
  EXPECT_EQ(drift->span_ms, 23.0 * kHourMs);
  const auto newest = static_cast<TimestampMs>(kFrom) + 23 * kHourMs;
  EXPECT_EQ(drift->level_age_ms(newest + kHourMs), 2.0 * kHourMs);
  EXPECT_EQ(drift->level_age_ms(0), 0) << "a clock that was set back";
  const auto end = time_to_exhaustion(drift->trend, drift->level, 400, drift->span_ms,
                                      {.age_ms = drift->level_age_ms(newest)});
  ASSERT_TRUE(end);
  EXPECT_NEAR(end->expected_ms, 7.0 * kHourMs, 0.4 * kHourMs) << "at the thirtieth hour";
}

TEST(Drift, WhatFillsAndStopsIsNone) {
  EXPECT_FALSE(
      drift_of(hours(), levels([](double h) { return 100 + 20 * std::min(h, 11.0); }), kLimits));
}

TEST(Drift, AStepIsNone) {
  EXPECT_FALSE(drift_of(hours(), levels([](double h) { return h < 10 ? 100 : 200; }), kLimits));
}

TEST(Drift, ThinEvidenceIsNone) {
  const std::vector<double> t_ms = hours();
  const std::vector<double> x = levels([](double h) { return 100 + 10 * h; });
  EXPECT_FALSE(drift_of(std::span(t_ms).first(11), std::span(x).first(11), kLimits)) << "points";
  EXPECT_FALSE(drift_of(t_ms, x, {12, 30.0 * kHourMs, 3.09, 0.1})) << "time";
  EXPECT_FALSE(drift_of(t_ms, x, {12, 10.0 * kHourMs, 3.09, 3})) << "rise";
}

}  // namespace
}  // namespace doctor
