// Turns: spread over the period, kept without drift, and counted where they are skipped.
#include "agent/turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

namespace doctor {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

TEST(TurnOf, SpreadsTheSourcesOfAClusterOverThePeriod) {
  constexpr DurationMs kPeriodMs = 15'000;
  constexpr DurationMs kSources = 200;
  std::vector<DurationMs> turns;
  for (SourceId source = 1; source <= kSources; ++source) {
    turns.push_back(turn_of(3, source, kPeriodMs));
    EXPECT_EQ(turns.back(), turn_of(3, source, kPeriodMs)) << "of the source, not of the moment";
  }
  EXPECT_NE(turns[0], turns[1]);
  EXPECT_NE(turn_of(3, 1, kPeriodMs), turn_of(4, 1, kPeriodMs));
  std::sort(turns.begin(), turns.end());
  EXPECT_GE(turns.front(), 0);
  EXPECT_LT(turns.back(), kPeriodMs);
  DurationMs widest = turns.front() + kPeriodMs - turns.back();
  for (std::size_t i = 1; i < turns.size(); ++i) {
    EXPECT_LT(turns[i - 1], turns[i]) << "no two at once";
    widest = std::max(widest, turns[i] - turns[i - 1]);
  }
  EXPECT_LE(widest, 3 * kPeriodMs / kSources);
}

TEST(Turns, StayOnTheirGridHoweverLongARoundTakes) {
  const Turns::Moment first = Clock::time_point(milliseconds(7));
  Turns turns(first, 100);
  EXPECT_EQ(turns.after(first - milliseconds(5)), first) << "a look before the first turn";
  Turns::Moment due = first;
  for (int k = 1; k <= 1000; ++k) {
    due = turns.after(due + milliseconds(k % 100));
    ASSERT_EQ(due, first + k * milliseconds(100));
    ASSERT_EQ(turns.skipped(), 0U);
  }
}

TEST(Turns, ARoundThatOutlastsItsPeriodSkipsAndCounts) {
  const Turns::Moment first = Clock::time_point(milliseconds(7));
  Turns turns(first, 100);
  EXPECT_EQ(turns.after(first + milliseconds(99)), first + milliseconds(100));
  EXPECT_EQ(turns.skipped(), 0U);
  EXPECT_EQ(turns.after(first + milliseconds(350)), first + milliseconds(400));
  EXPECT_EQ(turns.skipped(), 2U);
  EXPECT_EQ(turns.after(first + milliseconds(500)), first + milliseconds(600))
      << "one that comes as the round ends";
  EXPECT_EQ(turns.skipped(), 1U);
  EXPECT_EQ(turns.after(first + milliseconds(610)), first + milliseconds(700));
  EXPECT_EQ(turns.skipped(), 0U) << "of the last round alone";
}

TEST(Turns, ALoopTellsEachRoundWhatWasSkippedBeforeIt) {
  constexpr DurationMs kPeriodMs = 10;
  constexpr std::size_t kRounds = 6;
  std::vector<Clock::time_point> began;
  std::vector<std::uint64_t> turn;  // which one each round took
  asio::io_context io(1);
  Round round = [&](std::uint64_t skipped) -> asio::awaitable<bool> {
    began.push_back(Clock::now());
    turn.push_back(turn.empty() ? 0 : turn.back() + 1 + skipped);
    EXPECT_TRUE(began.size() % 2 == 1 || skipped >= 2) << "the one before took 25 ms";
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(milliseconds(began.size() % 2 == 1 ? 25 : 1));
    co_await timer.async_wait(asio::use_awaitable);
    co_return began.size() < kRounds;
  };
  const Clock::time_point start = Clock::now();
  asio::co_spawn(io, every(kPeriodMs, std::move(round)),
                 [](std::exception_ptr fault) { EXPECT_EQ(fault, nullptr); });
  io.run();
  ASSERT_EQ(began.size(), kRounds);
  // However late the machine is: a round begins after its turn, and before the next one's.
  for (std::size_t i = 0; i < kRounds; ++i) {
    EXPECT_GE(began[i], start + turn[i] * milliseconds(kPeriodMs));
    if (i + 1 < kRounds) {
      EXPECT_LT(began[i], began[0] + turn[i + 1] * milliseconds(kPeriodMs));
    }
  }
}

}  // namespace
}  // namespace doctor
