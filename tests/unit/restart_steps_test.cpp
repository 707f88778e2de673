#include "detectors/statistics/restart_steps.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace doctor {
namespace {

constexpr TimestampMs kBegin = 500'000 * kHourMs;

Floors floors_of(DurationMs length, const std::function<double(TimestampMs)>& level) {
  Floors floors;
  for (TimestampMs at = kBegin; at < kBegin + length; at += kMinuteMs) floors.add({at, level(at)});
  return floors;
}

std::vector<TimestampMs> every(DurationMs period, DurationMs length) {
  std::vector<TimestampMs> all;
  for (TimestampMs at = kBegin + period; at < kBegin + length; at += period) all.push_back(at);
  return all;
}

int count_until(const std::vector<TimestampMs>& events, TimestampMs at) {
  return static_cast<int>(
      std::count_if(events.begin(), events.end(), [at](TimestampMs event) { return event <= at; }));
}

constexpr RestartStepsRules kRules{10};

TEST(RestartSteps, EachRestartLeavesSomething) {
  const auto restarts = every(6 * kHourMs + 10 * kMinuteMs, 3 * kDayMs);
  const Floors floors =
      floors_of(3 * kDayMs, [&](TimestampMs at) { return 5000 + 100 * count_until(restarts, at); });
  const auto steps = restart_steps(floors, restarts, kRules);
  ASSERT_TRUE(steps);
  EXPECT_EQ(steps->restarts, 11);
  EXPECT_NEAR(steps->step, 100, 6);
  EXPECT_NEAR(steps->level, 6100, 6);
  EXPECT_NEAR(steps->share, 1, 0.01);
}

TEST(RestartSteps, TheEndIsTheRestartThatNoLongerFits) {
  const DurationMs period = 6 * kHourMs + 10 * kMinuteMs;
  const DurationMs length = 3 * kDayMs;
  const auto restarts = every(period, length);
  const Floors floors =
      floors_of(length, [&](TimestampMs at) { return 5000 + 100 * count_until(restarts, at); });
  const auto steps = restart_steps(floors, restarts, kRules);
  ASSERT_TRUE(steps);
  const auto end = time_to_exhaustion(*steps, 6500, kBegin + length);
  ASSERT_TRUE(end);
  const auto truth = static_cast<double>(15 * period - length);
  EXPECT_NEAR(end->expected_ms, truth, 1.5 * kHourMs);
  EXPECT_LE(end->low_ms, end->expected_ms);
  RestartSteps irregular = *steps;
  irregular.wait_cv = 1;  // 1.96 / sqrt(4) of it
  EXPECT_LT(time_to_exhaustion(irregular, 6500, kBegin + length)->low_ms, 0.1 * end->low_ms);
}

TEST(RestartSteps, RestartsInAHurryShareAStep) {
  std::vector<TimestampMs> restarts;
  for (const TimestampMs at : every(6 * kHourMs, 3 * kDayMs)) {
    restarts.push_back(at);
    restarts.push_back(at + 20 * kMinuteMs);
  }
  const Floors floors =
      floors_of(3 * kDayMs, [&](TimestampMs at) { return 5000 + 100 * count_until(restarts, at); });
  const auto steps = restart_steps(floors, restarts, kRules);
  ASSERT_TRUE(steps);
  EXPECT_NEAR(steps->step, 100, 6);
}

TEST(RestartSteps, GrowthBetweenRestartsIsNotTheirs) {
  const auto restarts = every(6 * kHourMs, 3 * kDayMs);
  const Floors floors = floors_of(3 * kDayMs, [](TimestampMs at) {
    return 5000 + 20 * static_cast<double>(at - kBegin) / kHourMs;
  });
  EXPECT_FALSE(restart_steps(floors, restarts, kRules));
}

TEST(RestartSteps, ALevelThatComesBackIsNoStair) {
  const auto restarts = every(6 * kHourMs, 3 * kDayMs);
  const Floors floors = floors_of(
      3 * kDayMs, [&](TimestampMs at) { return 5000 + 100 * (count_until(restarts, at) % 3); });
  EXPECT_FALSE(restart_steps(floors, restarts, kRules));
}

TEST(RestartSteps, FewOrNoneSayNothing) {
  const Floors floors = floors_of(kDayMs, [](TimestampMs) { return 5000; });
  EXPECT_FALSE(restart_steps(floors, {}, kRules));
  EXPECT_FALSE(restart_steps(Floors{}, every(kHourMs, kDayMs), kRules));
  const auto restarts = every(6 * kHourMs, kDayMs);
  const Floors rising =
      floors_of(kDayMs, [&](TimestampMs at) { return 5000 + 100 * count_until(restarts, at); });
  EXPECT_FALSE(restart_steps(rising, restarts, kRules));
}

}  // namespace
}  // namespace doctor
