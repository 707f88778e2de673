#include "agent/logs/log_watch.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace doctor {
namespace {

constexpr TimestampMs kNow = 1'795'250'000'000;

LogRound a_round() {
  LogRound round;
  round.reading.files = 1;
  round.reading.lines = 7;
  round.bytes = 400;
  round.events.resize(1);
  round.events[0].pattern = "disk_full";
  round.events[0].count = 3;
  return round;
}

/// Steps until there is news; the time given stays the same.
LogWatch::News news_of(LogWatch& watch, TimestampMs now) {
  for (int i = 0; i < 10'000; ++i) {
    LogWatch::News news = watch.step(now);
    if (news.health) return news;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw std::runtime_error("no round has ended");
}

/// Holds up a round until it is let go; outlives the thread that waits in it.
struct Gate {
  std::promise<void> opened;
  std::shared_future<void> open{opened.get_future()};
};

TEST(LogWatch, BringsWhatARoundFound) {
  LogWatch watch(7, "/log/*.log", [](TimestampMs) { return a_round(); });
  const LogWatch::News news = news_of(watch, kNow);
  EXPECT_EQ(news.health->id, 7U);
  EXPECT_EQ(news.health->kind, SourceKind::logs);
  EXPECT_EQ(news.health->address, "/log/*.log");
  EXPECT_TRUE(news.health->up);
  EXPECT_EQ(news.health->since, kNow);
  EXPECT_EQ(news.health->bytes, 400U);
  ASSERT_TRUE(news.health->logs);
  EXPECT_EQ(news.health->logs->lines, 7U);
  ASSERT_EQ(news.events.size(), 1U);
  EXPECT_EQ(news.events[0].source, 7U);
  EXPECT_EQ(news.events[0].count, 3U);
}

TEST(LogWatch, NoFileIsDownWithItsReason) {
  LogWatch watch(7, "/log/*.log", [](TimestampMs) {
    LogRound round;
    round.fault = Error{ErrorCode::gone, "no file matches"};
    return round;
  });
  const LogWatch::News news = news_of(watch, kNow);
  EXPECT_FALSE(news.health->up);
  EXPECT_EQ(news.health->errors.at(ErrorCode::gone), 1U);
  EXPECT_EQ(news.health->last_error->message, "no file matches");
}

TEST(LogWatch, AFileSystemThatHangsStallsNobodyAndIsSaid) {
  const auto gate = std::make_shared<Gate>();
  LogWatch watch(7, "/log/*.log", [gate](TimestampMs) {
    gate->open.wait();
    return a_round();
  });
  EXPECT_FALSE(watch.step(kNow).health);
  EXPECT_FALSE(watch.step(kNow + 9 * kSecondMs).health);
  const LogWatch::News hanging = watch.step(kNow + 10 * kSecondMs);
  ASSERT_TRUE(hanging.health);
  EXPECT_FALSE(hanging.health->up);
  EXPECT_EQ(hanging.health->last_error->code, ErrorCode::timeout);
  EXPECT_FALSE(watch.step(kNow + kMinuteMs).health) << "said once";
  gate->opened.set_value();
  const LogWatch::News back = news_of(watch, kNow + 2 * kMinuteMs);
  EXPECT_TRUE(back.health->up);
  EXPECT_FALSE(back.health->last_error);
  EXPECT_EQ(back.health->errors.at(ErrorCode::timeout), 1U);
}

TEST(LogWatch, ItsEndDoesNotWaitForARoundThatHangs) {
  const auto gate = std::make_shared<Gate>();
  {
    LogWatch watch(7, "/log/*.log", [gate](TimestampMs) {
      gate->open.wait();
      return a_round();
    });
    watch.step(kNow);
  }
  gate->opened.set_value();
}

TEST(LogWatch, ABugOfTheThreadIsABugOfTheLoop) {
  LogWatch watch(7, "/log/*.log", [](TimestampMs) -> LogRound { throw std::logic_error("a bug"); });
  EXPECT_THROW(news_of(watch, kNow), std::logic_error);
}

}  // namespace
}  // namespace doctor
