#include "detectors/statistics/failure_share.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace doctor {
namespace {

std::vector<bool> row(const char* text) {
  std::vector<bool> failed;
  for (; *text != '\0'; ++text) failed.push_back(*text == 'x');
  return failed;
}

TEST(FailureShare, HasTheBoundsOfClopperAndPearson) {
  // All of n, or none, have closed forms.
  EXPECT_NEAR(failure_share(3, 3, 0.95).low, std::cbrt(0.05), 1e-9);
  EXPECT_EQ(failure_share(3, 3, 0.95).high, 1);
  EXPECT_NEAR(failure_share(0, 10, 0.95).high, 1 - std::pow(0.05, 0.1), 1e-9);
  EXPECT_EQ(failure_share(0, 10, 0.95).low, 0);
  // Both bounds at 97.5 % are the usual interval at 95 %: published for 4 of 20 and 5 of 10.
  EXPECT_NEAR(failure_share(4, 20, 0.975).low, 0.0573, 1e-4);
  EXPECT_NEAR(failure_share(4, 20, 0.975).high, 0.4366, 1e-4);
  EXPECT_NEAR(failure_share(5, 10, 0.975).low, 0.1871, 1e-4);
  EXPECT_NEAR(failure_share(5, 10, 0.975).high, 0.8129, 1e-4);
}

TEST(FailureShare, KnowsNothingOfNone) {
  const Share share = failure_share(0, 0, 0.95);
  EXPECT_EQ(share.low, 0);
  EXPECT_EQ(share.high, 1);
  EXPECT_EQ(failure_course({}, 0.95).failed, 0U);
  EXPECT_TRUE(is_over(failure_course({}, 0.95), 0.95));
  EXPECT_EQ(row_chance(failure_course({}, 0.95), 0, 1e6), 0);
}

TEST(FailureCourse, CountsRunsAndWhatCameSince) {
  const FailureCourse course = failure_course(row("..xx.x...xxx.."), 0.95);
  EXPECT_EQ(course.attempts, 14U);
  EXPECT_EQ(course.failed, 6U);
  EXPECT_EQ(course.longest_run, 3U);
  EXPECT_EQ(course.since_last, 2U);
  EXPECT_DOUBLE_EQ(course.run_begins_low, failure_share(3, 14, 0.95).low);
  EXPECT_DOUBLE_EQ(course.run_goes_on_low, failure_share(3, 6, 0.95).low);
}

TEST(FailureCourse, BoundsComeAfterTheCounts) {
  FailureCourse course = counted_failures(row("..xx.x...xxx.."));
  EXPECT_EQ(course.failed, 6U);
  EXPECT_EQ(course.runs, 3U);
  EXPECT_EQ(course.followed, 6U);
  EXPECT_EQ(course.share.low, 0);
  EXPECT_EQ(course.share.high, 1);
  add_bounds(course, 0.95);
  EXPECT_DOUBLE_EQ(course.share.low, failure_share(6, 14, 0.95).low);
}

TEST(FailureCourse, OfTheNewestNobodyKnowsWhatFollows) {
  EXPECT_DOUBLE_EQ(failure_course(row("...xx"), 0.95).run_goes_on_low,
                   failure_share(1, 1, 0.95).low);
}

TEST(FailureCourse, IsOverAfterAsManySuccessesAsChanceWouldNotBring) {
  EXPECT_FALSE(is_over(failure_course(row("xxxxx"), 0.95), 0.95));
  EXPECT_FALSE(is_over(failure_course(row("xxxxx..."), 0.95), 0.95));
  EXPECT_TRUE(is_over(failure_course(row("xxxxx...."), 0.95), 0.95));
  EXPECT_FALSE(is_over(failure_course(row("...xxxxx......."), 0.95), 0.95));
  EXPECT_TRUE(is_over(failure_course(row("...xxxxx........"), 0.95), 0.95));
  EXPECT_FALSE(is_over(failure_course(row("...............x"), 0.95), 0.95));
}

TEST(RowChance, WithoutToleranceEachFailureCounts) {
  const FailureCourse course = failure_course(row("..x..x..x..x..x."), 0.95);
  EXPECT_NEAR(row_chance(course, 0, 10), 1 - std::exp(-10 * course.share.low), 1e-12);
  EXPECT_GT(row_chance(course, 0, 1000), 0.999);
  EXPECT_EQ(row_chance(course, 0, 0), 0);
  EXPECT_EQ(row_chance(course, 0, -5), 0) << "hostile";
}

TEST(RowChance, WhatNeverCameInARowIsNotSaidTo) {
  const FailureCourse course = failure_course(row(".x.x.x.x.x.x.x.x"), 0.95);
  EXPECT_GT(row_chance(course, 0, 100), 0.9);
  EXPECT_EQ(row_chance(course, 1, 1e9), 0);
}

TEST(RowChance, FallsWithTheTolerance) {
  const FailureCourse course = failure_course(row("..xxx...xxx..xxx"), 0.95);
  const double one = row_chance(course, 1, 1000);
  const double two = row_chance(course, 2, 1000);
  EXPECT_GT(one, two);
  EXPECT_GT(two, 0);
  EXPECT_EQ(row_chance(course, std::int64_t{2147483647}, 1e9), 0) << "everything is tolerated";
}

std::vector<bool> every(std::size_t period, std::size_t attempts) {
  std::vector<bool> failed(attempts);
  for (std::size_t i = period - 1; i < attempts; i += period) failed[i] = true;
  return failed;
}

TEST(FailingAttempts, ASmallerShareIsShownByMore) {
  constexpr FailureGates kGates{16, 4, 0.05};
  EXPECT_EQ(failing_attempts(every(2, 32), kGates, 0.9995), 16U);
  EXPECT_EQ(failing_attempts(every(3, 16), kGates, 0.9995), 0U) << "5 of 16";
  EXPECT_EQ(failing_attempts(every(3, 16), kGates, 0.95), 16U);
  EXPECT_EQ(failing_attempts(every(3, 32), kGates, 0.9995), 32U) << "10 of 32";
  EXPECT_EQ(failing_attempts(every(5, 32), kGates, 0.9995), 0U) << "6 of 32";
  EXPECT_EQ(failing_attempts(every(5, 32), kGates, 0.95), 32U);
  EXPECT_EQ(failing_attempts(every(10, 32), kGates, 0.95), 0U);
}

TEST(HasEnded, StaysSoWhileTheFailuresLeaveTheNewestOneByOne) {
  const auto ended = [](std::size_t worked) {
    std::vector<bool> failed(16);
    failed.insert(failed.end(), 5, true);
    failed.insert(failed.end(), worked, false);
    return has_ended(failed, 16, 0.95);
  };
  for (std::size_t worked = 0; worked < 8; ++worked) EXPECT_FALSE(ended(worked)) << worked;
  for (std::size_t worked = 8; worked < 30; ++worked) EXPECT_TRUE(ended(worked)) << worked;
  EXPECT_TRUE(has_ended({}, 16, 0.95));
  EXPECT_FALSE(has_ended(every(3, 32), 16, 0.95));
}

TEST(FailingAttempts, TwoLooksErrNoMoreThanOne) {
  constexpr FailureGates kGates{16, 4, 0.05};
  std::vector<bool> failed(16);
  for (const std::size_t i : {1, 4, 7, 10, 13}) failed[i] = true;
  EXPECT_EQ(failing_attempts(failed, kGates, 0.999), 16U) << "by chance one in 1,166";
  failed.insert(failed.begin(), 16, false);
  EXPECT_EQ(failing_attempts(failed, kGates, 0.999), 0U);
}

}  // namespace
}  // namespace doctor
