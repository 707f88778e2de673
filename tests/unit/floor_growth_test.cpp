#include "detectors/statistics/floor_growth.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numbers>
#include <optional>
#include <string>

namespace doctor {
namespace {

constexpr std::int64_t kFirst = 480'000;  // hours since the epoch
constexpr double kMb = 1e6;
constexpr double kLimit = 1000 * kMb;
constexpr double kNoise = 3;  // MB, up or down

using Level = std::function<double(double hour)>;  // MB

/// Told every minute for so many hours, with a noise that is the same in every run.
Floors floors_of(double hours, const Level& level, double noise = kNoise) {
  Floors floors;
  std::uint32_t random = 7;
  for (std::int64_t minute = 0; minute <= static_cast<std::int64_t>(60 * hours); ++minute) {
    random = random * 1664525U + 1013904223U;
    const double wobble = noise * (2.0 * (random >> 8U) / (1U << 24U) - 1);
    const double at = static_cast<double>(minute) / 60;
    floors.add({kFirst * kHourMs + minute * kMinuteMs, (level(at) + wobble) * kMb});
  }
  return floors;
}

GrowthRules rules() { return growth_rules(Params(kGrowthParams)); }

std::optional<FloorGrowth> judge(const Floors& floors, std::optional<double> limit = kLimit,
                                 const BinFilter& counts = {}, const BinCovariate& load = {}) {
  return floor_growth(floors, counts, load, limit, rules());
}

/// Five quiet days at 300 MB, then up by 25 an hour.
double leak(double hour) { return 300 + 25 * std::max(0.0, hour - 120); }
constexpr double kUntil = 134;

double hour_of(double at_ms) { return at_ms / kHourMs - kFirst; }

TEST(FloorGrowth, ALineIsFoundWithItsPaceLevelAndEnd) {
  const auto growth = judge(floors_of(kUntil, leak));
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->trend.slope.value * kHourMs, 25 * kMb, kMb);
  EXPECT_LE(growth->trend.slope.low * kHourMs, 25 * kMb);
  EXPECT_GE(growth->trend.slope.high * kHourMs, 25 * kMb);
  EXPECT_NEAR(growth->level, leak(hour_of(static_cast<double>(growth->level_at))) * kMb,
              2 * kNoise * kMb);
  EXPECT_EQ(growth->seen_at, (kFirst + 134) * kHourMs);
  EXPECT_NEAR(growth->past_peak, leak(hour_of(static_cast<double>(growth->from))) * kMb,
              (25 + 2 * kNoise) * kMb)
      << "the hour before the window";
  EXPECT_EQ(growth->history_ms, 134 * kHourMs);
  EXPECT_GE(growth->weakest.score, 1);
  // 300 + 25 · 28 is the limit.
  ASSERT_TRUE(growth->end);
  const double end = static_cast<double>(growth->seen_at) + growth->end->expected_ms;
  EXPECT_NEAR(hour_of(end), 148, 0.7);
  EXPECT_LT(growth->end->low_ms, growth->end->expected_ms);
}

TEST(FloorGrowth, WhatTheWindowTellsIsTheDifferenceOfItsEnds) {
  const auto growth = judge(floors_of(kUntil, leak));
  ASSERT_TRUE(growth);
  EXPECT_DOUBLE_EQ(growth->rise(), growth->level - growth->first);
  EXPECT_EQ(growth->span_ms(), static_cast<double>(growth->to - growth->from));
  EXPECT_EQ(growth->age_ms(), static_cast<double>(growth->seen_at - growth->level_at));
  EXPECT_NEAR(growth->rise(), growth->span_ms() / kHourMs * 25 * kMb, 3 * 25 * kMb)
      << "from the second bin to the last but one";
}

TEST(FloorGrowth, WhatStandsFallsOrComesBackIsNone) {
  EXPECT_FALSE(judge(floors_of(kUntil, [](double) { return 700; })));
  EXPECT_FALSE(judge(floors_of(kUntil, [](double h) { return 900 - 4 * h; })));
  for (double end = 121; end < 145; end += 3) {
    const auto tide = [](double h) { return 500 + 200 * std::sin(h * 2 * std::numbers::pi / 24); };
    EXPECT_FALSE(judge(floors_of(end, tide))) << end;
  }
  EXPECT_FALSE(judge(floors_of(
      kUntil, [](double) { return 500; }, 200)));
  EXPECT_FALSE(judge(Floors{}));
}

TEST(FloorGrowth, WhatRoseAndStoppedIsNone) {
  EXPECT_FALSE(judge(floors_of(kUntil, [](double h) { return leak(std::min(h, 130.0)); })));
  EXPECT_FALSE(judge(floors_of(kUntil, [](double h) { return h < 128 ? 300 : 600; })));
}

TEST(FloorGrowth, WhatFillsAndSlowsDownIsNone) {
  for (double end = 4; end <= 60; end += 8) {
    const auto fill = [](double h) { return 200 + 600 * (1 - std::exp(-h / 12)); };
    EXPECT_FALSE(judge(floors_of(end, fill))) << end;
  }
}

TEST(FloorGrowth, AnEndThatIsFarAwayIsNotForeseen) {
  // 18 bins of 45 minutes foresee four times themselves: 54 h, or 1,350 MB.
  EXPECT_TRUE(judge(floors_of(kUntil, leak), 1900 * kMb));
  EXPECT_FALSE(judge(floors_of(kUntil, leak), 2050 * kMb));
}

TEST(FloorGrowth, ThatWasThereInThePastWeekIsNotNew) {
  const auto peak = [](double h) { return h > 40 && h < 44 ? 640 : leak(h); };
  EXPECT_FALSE(judge(floors_of(kUntil, peak)));
  const auto lower = [](double h) { return h > 40 && h < 44 ? 450 : leak(h); };
  EXPECT_TRUE(judge(floors_of(kUntil, lower)));
}

TEST(FloorGrowth, OnTheFirstDayOnlyWhatIsNearlyFullAndSoonFullIsSaid) {
  const auto fresh = [](double h) { return 50 + 60 * h; };
  EXPECT_FALSE(judge(floors_of(11, fresh))) << "at seven tenths";
  EXPECT_TRUE(judge(floors_of(15, fresh)));
  GrowthRules patient = rules();
  patient.early_left_ms = 0.3 * kHourMs;
  EXPECT_FALSE(floor_growth(floors_of(15, fresh), {}, {}, kLimit, patient)) << "in an hour";
  EXPECT_FALSE(judge(floors_of(15, fresh), std::nullopt)) << "without a limit nobody knows";
}

TEST(FloorGrowth, WithoutALimitItHasNoEnd) {
  const auto growth = judge(floors_of(kUntil, leak), std::nullopt);
  ASSERT_TRUE(growth);
  EXPECT_FALSE(growth->end);
  EXPECT_NEAR(growth->trend.slope.value * kHourMs, 25 * kMb, kMb);
}

TEST(FloorGrowth, BinsThatDoNotCountAreLeftOut) {
  const Floors floors = floors_of(kUntil, leak);
  EXPECT_FALSE(judge(floors, kLimit, [](FloorScale, std::int64_t) { return false; }));
  EXPECT_FALSE(judge(floors, kLimit, [](FloorScale, std::int64_t bin) { return bin % 3 == 0; }))
      << "a third has something to tell";
  const auto growth =
      judge(floors, kLimit, [](FloorScale, std::int64_t bin) { return bin % 3 != 0; });
  ASSERT_TRUE(growth) << "two thirds";
  EXPECT_NEAR(growth->trend.slope.value * kHourMs, 25 * kMb, 1.5 * kMb);
}

TEST(FloorGrowth, TwiceTheRangeOfThePastIsUnprecedented) {
  EXPECT_TRUE(judge(floors_of(kUntil, leak))->is_unprecedented);
  const auto restless = [](double h) {
    return h < 120 ? 300 + 100 * std::sin(h * 2 * std::numbers::pi / 24) : leak(h);
  };
  const auto growth = judge(floors_of(kUntil, restless));
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->before_range, 200 * kMb, 3 * kNoise * kMb);
  EXPECT_LT(growth->rise(), 400 * kMb);
  EXPECT_FALSE(growth->is_unprecedented);
}

/// A load that rises with the hours after the fifth day; unknown where `known` says so.
BinCovariate load_that(double per_hour, bool known = true) {
  return [=](FloorScale scale, std::int64_t bin) -> std::optional<double> {
    if (!known) return std::nullopt;
    const double hour = hour_of(static_cast<double>(bin * width_ms(scale)));
    return 1 + per_hour * std::max(0.0, hour - 120);
  };
}

TEST(FloorGrowth, WhatRisesWithTheLoadIsTheLoads) {
  const Floors floors = floors_of(kUntil, leak);
  EXPECT_FALSE(judge(floors, kLimit, {}, load_that(0.1)));
  ASSERT_TRUE(judge(floors, kLimit, {}, load_that(0)));
  EXPECT_DOUBLE_EQ(judge(floors, kLimit, {}, load_that(0))->trend.slope.value,
                   judge(floors)->trend.slope.value)
      << "a load that stands explains nothing";
  EXPECT_TRUE(judge(floors, kLimit, {}, load_that(0.1, false))) << "nobody knows the load";
  EXPECT_TRUE(judge(floors, kLimit, {}, load_that(-0.01))) << "it rises against the load";
}

TEST(GrowthRules, AreTheParametersOfTheSameName) {
  std::map<std::string, double> overrides{{"z_min", 1},
                                          {"tau_min", 2},
                                          {"rise_ratio_min", 3},
                                          {"rise_sd_min", 4.5},
                                          {"late_slope_ratio_min", 5},
                                          {"margin_limit_ratio", 6},
                                          {"margin_level_ratio", 7},
                                          {"early_level_ratio", 8},
                                          {"early_left_ms", 9}};
  const GrowthRules own = growth_rules(Params(kGrowthParams, &overrides));
  EXPECT_EQ(own.z_min, 1);
  EXPECT_EQ(own.tau_min, 2);
  EXPECT_EQ(own.rise_ratio_min, 3);
  EXPECT_EQ(own.rise_sd_min, 4.5);
  EXPECT_EQ(own.late_slope_ratio_min, 5);
  EXPECT_EQ(own.margin_limit_ratio, 6);
  EXPECT_EQ(own.margin_level_ratio, 7);
  EXPECT_EQ(own.early_level_ratio, 8);
  EXPECT_EQ(own.early_left_ms, 9);
  EXPECT_EQ(own.full_ratio, 1) << "is the caller's";
}

TEST(Urgency, IsThatOfTheSoonestEnd) {
  const Params params(kGrowthParams);
  const auto urgency = [&](double low_ms) {
    Exhaustion end;
    end.low_ms = low_ms;
    end.expected_ms = 100.0 * kDayMs;
    return urgency_of(end, params);
  };
  EXPECT_EQ(urgency(0), Severity::critical);
  EXPECT_EQ(urgency(6.0 * kHourMs - 1), Severity::critical);
  EXPECT_EQ(urgency(6.0 * kHourMs), Severity::warning);
  EXPECT_EQ(urgency(7.0 * kDayMs - 1), Severity::warning);
  EXPECT_EQ(urgency(7.0 * kDayMs), Severity::info);
}

}  // namespace
}  // namespace doctor
