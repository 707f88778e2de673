#include "detectors/statistics/restart_stretch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

ExceptionRecord fault_of(const std::string& method) {
  ExceptionRecord fault;
  fault.root_cause = "java.lang.IllegalStateException: cannot";
  fault.frames = {method + "(Code.java:7)"};
  return fault;
}

const ExceptionRecord kDecode = fault_of("org.acme.Decode.map");
const ExceptionRecord kWrite = fault_of("org.acme.Write.invoke");

Restart cause(TimestampMs at, const ExceptionRecord& fault = kDecode) {
  return {at, FaultKind::cause, &fault};
}

/// Causes at so many minutes after the start.
std::vector<Restart> at_minutes(const std::vector<std::int64_t>& minutes) {
  std::vector<Restart> restarts;
  for (const std::int64_t minute : minutes) restarts.push_back(cause(kStart + minute * kMinuteMs));
  return restarts;
}

TEST(RestartStretch, BeginsAfterTheLastCheckpoint) {
  const std::vector<Restart> restarts = at_minutes({0, 5, 7, 12});
  const RestartStretch all = stretch_of(restarts, std::nullopt, kHourMs);
  EXPECT_EQ(all.restarts, 4U);
  EXPECT_EQ(all.begin, kStart);
  EXPECT_EQ(all.end, kStart + 12 * kMinuteMs);
  EXPECT_EQ(all.gap_max, 5 * kMinuteMs);
  EXPECT_FALSE(all.completed);
  const TimestampMs completed = kStart + 5 * kMinuteMs;
  const RestartStretch since = stretch_of(restarts, completed, kHourMs);
  EXPECT_EQ(since.restarts, 2U) << "that of the same moment is before it";
  EXPECT_EQ(since.begin, kStart + 7 * kMinuteMs);
  EXPECT_EQ(since.completed, completed);
  EXPECT_EQ(stretch_of(restarts, completed - 1, kHourMs).restarts, 3U);
}

TEST(RestartStretch, IsEmptyOfNoneAndOfThoseBeforeACheckpoint) {
  const RestartStretch none = stretch_of({}, std::nullopt, kHourMs);
  EXPECT_EQ(none.restarts, 0U);
  EXPECT_TRUE(none.same.empty());
  const RestartStretch past = stretch_of(at_minutes({0, 1}), kStart + kMinuteMs, kHourMs);
  EXPECT_EQ(past.restarts, 0U);
  EXPECT_TRUE(past.same.empty());
  EXPECT_EQ(past.gap_max, 0);
}

TEST(RestartStretch, ALongSilenceSeparates) {
  const std::vector<Restart> restarts = at_minutes({0, 30, 40, 60});
  EXPECT_EQ(stretch_of(restarts, std::nullopt, 30 * kMinuteMs).restarts, 4U);
  const RestartStretch cut = stretch_of(restarts, std::nullopt, 30 * kMinuteMs - 1);
  EXPECT_EQ(cut.restarts, 3U);
  EXPECT_EQ(cut.begin, kStart + 30 * kMinuteMs);
  EXPECT_EQ(cut.gap_max, 20 * kMinuteMs) << "the silence is none of its gaps";
}

TEST(RestartStretch, NamesTheMostFrequentCauseAndCountsTheRest) {
  std::vector<Restart> restarts = at_minutes({0, 1, 2, 3, 4, 5});
  restarts[1].fault = &kWrite;
  restarts[2].kind = FaultKind::consequence;
  restarts[4].kind = FaultKind::lost_task_manager;
  const RestartStretch stretch = stretch_of(restarts, std::nullopt, kHourMs);
  EXPECT_EQ(stretch.restarts, 6U);
  EXPECT_EQ(stretch.consequences, 2U);
  EXPECT_EQ(stretch.lost, 1U);
  ASSERT_EQ(stretch.same.size(), 3U);
  EXPECT_EQ(stretch.same[0].at, kStart) << "oldest first";
  EXPECT_EQ(stretch.same[1].at, kStart + 3 * kMinuteMs);
  EXPECT_EQ(stretch.same[2].at, kStart + 5 * kMinuteMs);
}

TEST(RestartStretch, OfEquallyFrequentCausesTheNewestCounts) {
  std::vector<Restart> restarts = at_minutes({0, 1, 2, 3});
  restarts[0].fault = restarts[3].fault = &kWrite;
  EXPECT_EQ(stretch_of(restarts, std::nullopt, kHourMs).same.back().fault, &kWrite);
  std::swap(restarts[2].fault, restarts[3].fault);
  EXPECT_EQ(stretch_of(restarts, std::nullopt, kHourMs).same.back().fault, &kDecode);
}

TEST(RestartRates, CountCausesByAgeWithTheirLimits) {
  const TimestampMs now = kStart + 2 * kHourMs;
  std::vector<Restart> restarts{cause(now - kHourMs - 1), cause(now - kHourMs),
                                cause(now - 10 * kMinuteMs - 1), cause(now - 10 * kMinuteMs),
                                cause(now)};
  restarts.push_back({now, FaultKind::consequence, &kDecode});
  restarts.push_back({now, FaultKind::lost_task_manager, &kDecode});
  EXPECT_EQ(rates_of(restarts, now).in_10_min, 2U);
  EXPECT_EQ(rates_of(restarts, now).in_1_h, 4U);
  EXPECT_EQ(rates_of({}, now).in_1_h, 0U);
  restarts.push_back(cause(now + kMinuteMs));
  EXPECT_EQ(rates_of(restarts, now).in_10_min, 3U) << "by a clock that is ahead of ours";
}

TEST(KnownSince, BeginsWithTheJobAWeekAgoOrWhereAFullMemoryDoes) {
  const TimestampMs now = kStart + 30 * kDayMs;
  const std::vector<Restart> restarts{cause(now - kHourMs), cause(now)};
  EXPECT_EQ(known_since(restarts, now - kDayMs, 15, now), now - kDayMs);
  EXPECT_EQ(known_since(restarts, kStart, 15, now), now - 7 * kDayMs);
  EXPECT_EQ(known_since(restarts, kStart, 16, now), now - kHourMs) << "Flink keeps no more";
  EXPECT_EQ(known_since(restarts, now - kMinuteMs, 16, now), now - kMinuteMs);
  EXPECT_EQ(known_since({}, now - kDayMs, 16, now), now - kDayMs) << "none of them a restart";
}

/// P(X ≥ k) of a negative binomial, by its terms.
double chance_by_terms(int k, double shape, double exposure, double span) {
  const double q = span / (exposure + span);
  double term = std::pow(1 - q, shape);
  double head = 0;
  for (int i = 0; i < k; ++i) {
    head += term;
    term *= q * (shape + i) / (i + 1);
  }
  return 1 - head;
}

TEST(RestartBurst, OfAJobThatNeverFailedBeforeGoesByThePrior) {
  // ½ fault in 12 h, and 12 quiet hours of the job: the chance of one more is 1 - √(24 / (24 + ⅙)).
  const std::vector<Restart> restarts = at_minutes({720, 730});
  const auto burst = burst_of(restarts, kDecode, 2, kStart);
  ASSERT_TRUE(burst);
  EXPECT_EQ(burst->count, 2U);
  EXPECT_EQ(burst->span, 10 * kMinuteMs);
  EXPECT_EQ(burst->gap_max, 10 * kMinuteMs);
  EXPECT_NEAR(burst->expected, 0.5 / 24 / 6, 1e-12);
  EXPECT_NEAR(burst->chance, 1 - std::sqrt(24 / (24 + 1.0 / 6)), 1e-12);
}

TEST(RestartBurst, IsTheLeastLikelyOfAllThatEndWithTheNewest) {
  const std::vector<std::int64_t> minutes{60, 3000, 4600, 4800, 4900, 4910, 4915, 4917, 4950};
  const auto burst = burst_of(at_minutes(minutes), kDecode, 2, kStart);
  ASSERT_TRUE(burst);
  double least = 1;
  std::size_t count = 0;
  std::int64_t gap = 0;
  for (std::size_t first = 0; first + 1 < minutes.size(); ++first) {
    const auto span = static_cast<double>(minutes.back() - minutes[first]);
    if (span > 360) continue;
    const auto before = static_cast<double>(first);
    const double chance =
        chance_by_terms(static_cast<int>(minutes.size() - first) - 1, 0.5 + before,
                        720 + static_cast<double>(minutes[first]), span);
    if (chance >= least) continue;
    least = chance;
    count = minutes.size() - first;
    gap = 0;
    for (std::size_t i = first + 1; i < minutes.size(); ++i) {
      gap = std::max(gap, minutes[i] - minutes[i - 1]);
    }
  }
  EXPECT_EQ(burst->count, count);
  EXPECT_NEAR(burst->chance, least, 1e-12);
  EXPECT_EQ(burst->gap_max, gap * kMinuteMs);
  EXPECT_GT(count, 3U);
  EXPECT_LT(count, 7U) << "neither the shortest nor the longest, else nothing was chosen";
  EXPECT_EQ(burst_of(at_minutes(minutes), kDecode, 7, kStart)->count, 7U) << "at least";
  EXPECT_FALSE(burst_of(at_minutes(minutes), kDecode, 8, kStart)) << "not within six hours";
}

TEST(RestartBurst, LastsSixHoursAtMost) {
  EXPECT_TRUE(burst_of(at_minutes({60, 420}), kDecode, 2, kStart));
  EXPECT_FALSE(burst_of(at_minutes({60, 421}), kDecode, 2, kStart));
  EXPECT_FALSE(burst_of(at_minutes({60}), kDecode, 2, kStart));
  EXPECT_FALSE(burst_of({}, kDecode, 2, kStart));
}

TEST(RestartBurst, SixFaultsADaySurpriseNobody) {
  std::vector<std::int64_t> minutes;
  for (std::int64_t i = 0; i < 42; ++i) minutes.push_back(i * 240);
  const auto burst = burst_of(at_minutes(minutes), kDecode, 2, kStart);
  ASSERT_TRUE(burst);
  // 40 of them in 160 h and the prior: 4 h · 40.5 / 172 h.
  EXPECT_NEAR(burst->expected, 4 * 40.5 / 172, 1e-12);
  EXPECT_GT(burst->chance, 0.5);
}

TEST(RestartBurst, OtherCausesAndWhatNobodyKnewDoNotCount) {
  std::vector<Restart> restarts = at_minutes({0, 10, 20, 30, 40});
  restarts[1].fault = &kWrite;
  restarts[2].kind = FaultKind::consequence;
  const auto burst = burst_of(restarts, kDecode, 2, kStart);
  ASSERT_TRUE(burst);
  EXPECT_EQ(burst->count, 3U);
  const auto later = burst_of(restarts, kDecode, 2, kStart + 1);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->count, 2U);
  EXPECT_FALSE(burst_of(restarts, kWrite, 2, kStart)) << "of these there is one";
}

}  // namespace
}  // namespace doctor
