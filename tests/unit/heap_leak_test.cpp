// heap_leak on drawn heaps, through the real features, and the statistics below it. The study
// (tests/detection/series/heap_study.cpp) measures rates; here a few of each must hold.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "detectors/registry.hpp"
#include "detectors/statistics/epoch_growth.hpp"
#include "detectors/statistics/floor_growth.hpp"
#include "tests/detection/series/heap_run.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 480'000 * kHourMs;

GrowthRules rules() { return growth_rules(Params(find_detector("heap_leak")->params)); }

Floors drawn(DurationMs length, double (*value)(double hours)) {
  Floors floors;
  for (DurationMs at = 0; at < length; at += kMinuteMs) {
    const double hours = static_cast<double>(at) / kHourMs;
    floors.add({kStart + at, value(hours) + 0.3 * std::sin(static_cast<double>(at / kMinuteMs))});
  }
  return floors;
}

double ramp_after_four_days(double hours) { return 30 + std::max(0.0, hours - 96); }

TEST(FloorGrowth, FindsARampAndItsPaceOnceItFillsAWindow) {
  const auto after = [](double hours) {
    return floor_growth(drawn(static_cast<DurationMs>(hours * kHourMs), ramp_after_four_days), {},
                        {}, 100.0, rules());
  };
  EXPECT_FALSE(after(104)) << "eight hours do not predict the forty that are left";
  const auto growth = after(120);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->trend.slope.value * kHourMs, 1, 0.1);
  ASSERT_TRUE(growth->end);
  EXPECT_NEAR(growth->end->expected_ms / kHourMs, 46, 1.5) << "from now, not from its bins";
  EXPECT_GE(growth->weakest.score, 1);
}

TEST(FloorGrowth, LooksElevenMinutesApartShowARampBelowTheSawteeth) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> tooth(0, 6);
  const auto seldom = [&](double (*value)(double hours)) {
    Floors floors;
    for (DurationMs at = 0; at < 128 * kHourMs; at += 11 * kMinuteMs) {
      floors.add({kStart + at, value(static_cast<double>(at) / kHourMs) + tooth(random)});
    }
    return floor_growth(floors, {}, {}, 100.0, rules());
  };
  const auto growth = seldom(ramp_after_four_days);
  ASSERT_TRUE(growth);
  EXPECT_NEAR(growth->trend.slope.value * kHourMs, 1, 0.2);
  EXPECT_FALSE(seldom([](double) { return 30.0; }));
}

TEST(FloorGrowth, NeedsBinsThatCountAndALimitInSight) {
  const Floors floors = drawn(116 * kHourMs, ramp_after_four_days);
  const BinFilter none = [](FloorScale, std::int64_t) { return false; };
  EXPECT_FALSE(floor_growth(floors, none, {}, 100.0, rules()));
  EXPECT_FALSE(floor_growth(floors, {}, {}, 10000.0, rules()));
  EXPECT_FALSE(floor_growth(Floors{}, {}, {}, 100.0, rules()));
}

TEST(FloorGrowth, IsQuietOnTheFirstDayUnlessUrgent) {
  const Floors slow = drawn(20 * kHourMs, [](double hours) { return 30 + 2 * hours; });
  EXPECT_FALSE(floor_growth(slow, {}, {}, 100.0, rules()));
  const DurationMs until = 6 * kHourMs + kHourMs / 2;  // 95 of 100
  const Floors urgent = drawn(until, [](double hours) { return 30 + 10 * hours; });
  EXPECT_TRUE(floor_growth(urgent, {}, {}, 100.0, rules()));
}

/// A level with noise that resembles itself for an hour and a half, as resident memory has it.
Floors noisy(unsigned seed, double hours, double sd, double (*value)(double hours)) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Floors floors;
  double noise = 0;
  for (DurationMs at = 0; at < static_cast<DurationMs>(hours * kHourMs); at += kMinuteMs) {
    noise = 0.99 * noise + 0.14 * sd * normal(random);
    floors.add({kStart + at, value(static_cast<double>(at) / kHourMs) + noise});
  }
  return floors;
}

TEST(FloorGrowth, ItsIntervalHoldsTheEndWhereverTheGrowthBegan) {
  int said = 0, held = 0;
  for (unsigned seed = 1; seed <= 120; ++seed) {
    const double now = 106 + 0.1 * seed;  // the growth is 10 to 22 hours old, its end at 166
    const auto growth =
        floor_growth(noisy(seed, now, 0.1, ramp_after_four_days), {}, {}, 100.0, rules());
    if (!growth) continue;
    ++said;
    const double left_ms = (166 - now) * kHourMs;
    const Exhaustion& end = *growth->end;
    held += end.low_ms <= left_ms && (!end.high_ms || left_ms <= *end.high_ms);
  }
  EXPECT_GE(said, 20);
  EXPECT_GE(held, 0.95 * said);
}

TEST(FloorGrowth, ASteepRiseAfterAQuietPastNeedsNoManyPoints) {
  // Thirty bins of such noise never reach z = 3.5, however steep the rise.
  const auto steep = [](double hours) { return 40 + 5 * std::max(0.0, hours - 96); };
  int found = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    found += floor_growth(noisy(seed, 103, 1, steep), {}, {}, 100.0, rules()).has_value();
  }
  EXPECT_GE(found, 15);
}

TEST(FloorGrowth, WhatFillsSinceTheStartSlowsDown) {
  const auto fills = [](double hours) { return 20 + 78 * (1 - std::exp(-hours / 30)); };
  GrowthRules close = rules();
  close.margin_level_ratio = 0;
  close.margin_limit_ratio = 0.02;
  for (double hours = 74; hours <= 84; hours += 2) {
    const Floors floors = drawn(static_cast<DurationMs>(hours * kHourMs), fills);
    EXPECT_FALSE(floor_growth(floors, {}, {}, 100.0, close)) << hours;
  }
}

TEST(FloorGrowth, WhatFollowsTheLoadIsNoGrowth) {
  const auto tide = [](double hours) { return 40 + 25 * std::sin(hours / 40); };
  const Floors floors = drawn(60 * kHourMs, tide);
  const BinCovariate load = [&](FloorScale scale, std::int64_t bin) -> std::optional<double> {
    return tide(static_cast<double>(bin * width_ms(scale) - kStart) / kHourMs);
  };
  EXPECT_FALSE(floor_growth(floors, {}, load, 100.0, rules()));
}

TEST(FloorGrowth, ItsIntervalHoldsTheTidesOfTheLoad) {
  const Floors floors = drawn(120 * kHourMs, ramp_after_four_days);
  const auto even = [](FloorScale, std::int64_t) { return std::optional(1.0); };
  const auto weekend = [](std::int64_t hour) -> std::optional<double> {
    const std::int64_t age = hour - kStart / kHourMs;
    if (age < 0) return std::nullopt;
    return age >= 24 && age < 72 ? 0.6 : 1;
  };
  const auto plain = floor_growth(floors, {}, even, 100.0, rules());
  const auto tidal = floor_growth(floors, {}, even, 100.0, rules(), weekend);
  ASSERT_TRUE(plain && tidal);
  EXPECT_GT(plain->trend.slope.low, 0.8 * plain->trend.slope.value);
  EXPECT_NEAR(tidal->trend.slope.low, 0.6 * tidal->trend.slope.value,
              0.05 * tidal->trend.slope.value);
  EXPECT_DOUBLE_EQ(tidal->trend.slope.high, plain->trend.slope.high);
  ASSERT_TRUE(tidal->end && tidal->end->high_ms);
  EXPECT_GT(*tidal->end->high_ms, *plain->end->high_ms);
}

/// Eight hours from one level to another, unevenly; a warm-up has done most of it in the first two.
EpochSummary life(double from, double to, bool warm_up = false) {
  EpochSummary summary;
  summary.to = 8 * kHourMs;
  for (std::size_t i = 0; i < summary.levels.size(); ++i) {
    const double share = static_cast<double>(i) / (kEpochLevels - 1);
    const double done = warm_up ? 1 - std::exp(-4 * share) : share;
    const double uneven = i % 2 == 0 ? 0 : 2;
    summary.levels[i] = static_cast<float>(from + (to - from) * done + uneven);
  }
  return summary;
}

TEST(EpochGrowth, ThreeLivesAlikeAreALeakThatRestartsHide) {
  const std::vector<EpochSummary> lives{life(20, 80), life(21, 78), life(20, 81)};
  const auto growth = epoch_growth(lives, 0.6);
  ASSERT_TRUE(growth);
  EXPECT_EQ(growth->lives, 3);
  EXPECT_NEAR(growth->slope.value * 8 * kHourMs * 7 / 8, 60, 6);
  EXPECT_NEAR(growth->peak, 82, 1);
}

TEST(EpochGrowth, TwoLivesOrOneThatDiffersAreNot) {
  const std::vector<EpochSummary> two{life(20, 80), life(20, 80)};
  EXPECT_FALSE(epoch_growth(two, 0.6));
  const std::vector<EpochSummary> flat{life(20, 80), life(20, 80), life(30, 30)};
  EXPECT_FALSE(epoch_growth(flat, 0.6));
  const std::vector<EpochSummary> unlike{life(20, 30), life(20, 80), life(20, 80)};
  EXPECT_FALSE(epoch_growth(unlike, 0.6));
  const std::vector<EpochSummary> warm_up{life(20, 80, true), life(20, 80, true),
                                          life(20, 80, true)};
  EXPECT_FALSE(epoch_growth(warm_up, 0.6));
}

using detection::HeapFamily;

class DrawnHeaps : public testing::TestWithParam<HeapFamily> {};

TEST_P(DrawnHeaps, AreToldApart) {
  for (const unsigned seed : {1U, 2U}) {
    detection::HeapSeries series(GetParam(), seed, {1, 8 * kDayMs, kMinuteMs});
    const auto played = detection::run(*find_detector("heap_leak"), series, true);
    if (detection::leaks(GetParam())) {
      ASSERT_FALSE(played.first.empty()) << seed;
      EXPECT_GE(played.first.front().at, played.truth.onset) << seed;
    } else {
      EXPECT_TRUE(played.pushed.empty()) << seed << " " << played.pushed.front().finding.summary;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, DrawnHeaps,
                         testing::Values(HeapFamily::linear_leak, HeapFamily::restarted_leak,
                                         HeapFamily::tides, HeapFamily::slow_collections,
                                         HeapFamily::warm_up, HeapFamily::restarts),
                         [](const auto& param) {
                           return std::string(detection::to_string(param.param));
                         });

}  // namespace
}  // namespace doctor
