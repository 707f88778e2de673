#include "agent/net/resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace doctor {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Answer = Result<Resolver::Addresses>;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kSlack{5000};

Resolver::Addresses one(std::uint16_t port) { return {{asio::ip::make_address("10.1.2.3"), port}}; }

/// A name service whose behaviour the test switches. Shared with threads that outlive the test.
struct Names {
  std::atomic<bool> hang{false};
  std::atomic<bool> fail{false};
  std::atomic<int> asked{0};
};

Resolver::Lookup lookup(const std::shared_ptr<Names>& names) {
  return [names](const std::string&, std::uint16_t port) -> Answer {
    ++names->asked;
    while (names->hang) std::this_thread::sleep_for(milliseconds(2));
    if (names->fail) return Error{ErrorCode::name_resolution, "no such name"};
    return one(port);
  };
}

asio::awaitable<void> ask(Resolver& resolver, std::string host, std::optional<Answer>& into) {
  Answer answer = co_await resolver.resolve(std::move(host), 80);
  into = std::move(answer);
}

std::vector<Answer> resolve(Resolver& resolver, const std::vector<std::string>& hosts) {
  asio::io_context loop{1};
  std::vector<std::optional<Answer>> answers(hosts.size());
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    asio::co_spawn(loop, ask(resolver, hosts[i], answers[i]), asio::detached);
  }
  loop.run();
  std::vector<Answer> result;
  for (std::optional<Answer>& answer : answers) {
    result.push_back(answer ? std::move(*answer) : Answer(Error{ErrorCode::io, "never answered"}));
  }
  return result;
}

Limits limits(DurationMs deadline_ms) {
  Limits result;
  result.resolve_deadline_ms = deadline_ms;
  return result;
}

TEST(Resolver, LiteralsNeedNoLookup) {
  const auto names = std::make_shared<Names>();
  Resolver resolver(limits(1000), lookup(names));
  const auto answers = resolve(resolver, {"127.0.0.1", "::1"});
  ASSERT_TRUE(answers[0].ok() && answers[1].ok());
  EXPECT_EQ(answers[0]->front().port(), 80);
  EXPECT_TRUE(answers[1]->front().address().is_v6());
  EXPECT_EQ(names->asked, 0);
}

TEST(Resolver, OneLookupForAllWhoAskAtOnce) {
  const auto names = std::make_shared<Names>();
  names->hang = true;
  Resolver resolver(limits(20'000), lookup(names));
  std::thread release([names] {
    while (names->asked == 0) std::this_thread::sleep_for(milliseconds(1));
    names->hang = false;
  });
  // All three join before the loop lets a worker's answer in.
  for (const Answer& answer : resolve(resolver, {"jm", "jm", "jm"})) {
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(*answer, one(80));
  }
  release.join();
  EXPECT_GE(names->asked, 1);
  EXPECT_LE(names->asked, 3);
}

TEST(Resolver, ManyNamesShareFewThreads) {
  const auto names = std::make_shared<Names>();
  Resolver resolver(limits(20'000), lookup(names));
  std::vector<std::string> hosts;
  for (int i = 0; i < 200; ++i) hosts.push_back("tm-" + std::to_string(i));
  for (const Answer& answer : resolve(resolver, hosts)) EXPECT_TRUE(answer.ok());
  EXPECT_EQ(names->asked, 200);
}

TEST(Resolver, LastGoodAddressesOutliveFailureAndHang) {
  const auto names = std::make_shared<Names>();
  Resolver resolver(limits(1000), lookup(names));
  ASSERT_TRUE(resolve(resolver, {"jm"})[0].ok());
  names->fail = true;
  EXPECT_TRUE(resolve(resolver, {"jm"})[0].ok());
  const Answer unknown = resolve(resolver, {"other"})[0];
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::name_resolution);
  names->hang = true;
  EXPECT_TRUE(resolve(resolver, {"jm"})[0].ok());
  names->hang = false;
}

TEST(Resolver, HangingLookupsAreAbandonedAndCounted) {
  const auto names = std::make_shared<Names>();
  names->hang = true;
  auto resolver = std::make_unique<Resolver>(limits(1000), lookup(names));
  const Clock::time_point begin = Clock::now();
  for (const Answer& answer : resolve(*resolver, {"a", "b", "c", "d", "e", "f"})) {
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::name_resolution);
  }
  EXPECT_EQ(names->asked, 4);
  // A thread that began late is given up that much later.
  Answer fifth = resolve(*resolver, {"g"})[0];
  while (!fifth.ok() && fifth.error().message.find("hang already") == std::string::npos &&
         Clock::now() - begin < 2 * kSlack) {
    fifth = resolve(*resolver, {"g"})[0];
  }
  ASSERT_FALSE(fifth.ok());
  EXPECT_THAT(fifth.error().message, testing::HasSubstr("hang already"));

  const Answer again = resolve(*resolver, {"a"})[0];
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, testing::HasSubstr("still hangs"));
  EXPECT_EQ(names->asked, 4);

  const Clock::time_point end = Clock::now();
  resolver.reset();  // waits for nobody
  EXPECT_LT(Clock::now() - end, kSlack);
  names->hang = false;
}

TEST(Resolver, RecoversWhenTheNameServiceDoes) {
  const auto names = std::make_shared<Names>();
  names->hang = true;
  Resolver resolver(limits(50), lookup(names));
  for (const Answer& answer : resolve(resolver, {"a", "b", "c", "d"})) EXPECT_FALSE(answer.ok());
  names->hang = false;
  bool recovered = false;
  const Clock::time_point end = Clock::now() + kSlack;
  while (!recovered && Clock::now() < end) {
    recovered = resolve(resolver, {"z"})[0].ok();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(recovered);
}

TEST(Resolver, LoopMayGoBeforeTheAnswer) {
  const auto names = std::make_shared<Names>();
  names->hang = true;
  Resolver resolver(limits(60'000), lookup(names));
  std::optional<Answer> answer;
  {
    asio::io_context loop{1};
    asio::co_spawn(loop, ask(resolver, "jm", answer), asio::detached);
    loop.run_for(milliseconds(20));
  }
  EXPECT_FALSE(answer.has_value());
  names->hang = false;
  EXPECT_TRUE(resolve(resolver, {"jm"})[0].ok());
}

TEST(Resolver, SystemLookupKnowsLocalhost) {
  const Answer answer = Resolver::system_lookup("localhost", 8081);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_TRUE(answer->front().address().is_loopback());
  EXPECT_EQ(answer->front().port(), 8081);
}

}  // namespace
}  // namespace doctor
