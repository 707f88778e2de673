#include "agent/respite.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'790'000'000'000;
constexpr DurationMs kPollMs = 5 * kSecondMs;
constexpr DurationMs kScrapeMs = 15 * kSecondMs;

/// When a source that never answers is asked in ten minutes, since the first time.
std::vector<DurationMs> asked(std::uint64_t seed, DurationMs period_ms) {
  Respite respite(period_ms, seed);
  std::vector<DurationMs> times;
  for (TimestampMs now = kStart; now < kStart + 10 * kMinuteMs; now += period_ms) {
    if (!respite.is_over(now)) continue;
    times.push_back(now - kStart);
    respite.note(false, now);
  }
  return times;
}

TEST(Respite, TheFirstFailuresAreFollowedUpAtOnceTheOthersEverMoreSeldom) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<DurationMs> times = asked(seed, kPollMs);
    ASSERT_GE(times.size(), 12U);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(times[i], static_cast<DurationMs>(i) * kPollMs) << "as it was before";
    }
    for (std::size_t i = 4; i < times.size(); ++i) {
      const DurationMs full = std::min(kPollMs << (i - 3), 30 * kSecondMs);
      EXPECT_GE(times[i] - times[i - 1], full / 2) << i;
      EXPECT_LT(times[i] - times[i - 1], full + full / 2 + kPollMs) << i;
    }
    EXPECT_LE(times.size(), 30U) << "of 120 turns";
  }
}

TEST(Respite, WhoIsBackIsAskedWithinAMinute) {
  for (const DurationMs period_ms : {kPollMs, kScrapeMs, 25 * kSecondMs}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const std::vector<DurationMs> times = asked(seed, period_ms);
      for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_LE(times[i] - times[i - 1], kMinuteMs) << period_ms;
      }
      EXPECT_LT(times.size(), static_cast<std::size_t>(10 * kMinuteMs / period_ms));
    }
  }
}

TEST(Respite, AgentsThatFailTogetherComeBackApart) {
  std::set<DurationMs> times;
  for (std::uint64_t seed = 0; seed < 50; ++seed) times.insert(asked(seed, kPollMs).at(8));
  EXPECT_GE(times.size(), 8U);
  EXPECT_GE(*times.rbegin() - *times.begin(), 30 * kSecondMs);
  EXPECT_EQ(asked(7, kPollMs), asked(7, kPollMs));
}

TEST(Respite, EndsWithTheFirstAnswer) {
  Respite respite(kPollMs, 1);
  TimestampMs now = kStart;
  for (int i = 0; i < 20; ++i) respite.note(false, now);
  EXPECT_FALSE(respite.is_over(now + kPollMs));
  respite.note(true, now);
  for (int i = 0; i < 3; ++i) {
    now += kPollMs;
    EXPECT_TRUE(respite.is_over(now)) << "and the next failures are the first ones";
    respite.note(false, now);
  }
  EXPECT_TRUE(respite.is_over(now + kPollMs));
}

TEST(Respite, AClockThatIsSetBackIsNoRespite) {
  Respite respite(kPollMs, 1);
  for (int i = 0; i < 20; ++i) respite.note(false, kStart);
  EXPECT_TRUE(respite.is_over(kStart - kHourMs));
}

TEST(Respite, WhoIsAskedSeldomHasNone) { EXPECT_EQ(asked(3, kMinuteMs).size(), 10U); }

}  // namespace
}  // namespace doctor
