#include "agent/logs/log_collection.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "agent/clock.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

// Far from the ids that collections count up from zero.
constexpr SourceId kFirstSource = 0x80000000U;
constexpr std::chrono::milliseconds kRound{2000};

}  // namespace

LogCollection::LogCollection(ClusterIndex cluster, const std::vector<std::string>& globs,
                             const Limits& limits, Emit emit)
    : cluster_(cluster), emit_(std::move(emit)) {
  for (const std::string& glob : globs) {
    const auto source = static_cast<SourceId>(kFirstSource + watches_.size());
    // The follower outlives us when its thread hangs, and so must not look at anything of ours.
    auto follower = std::make_shared<LogFollower>(glob, limits);
    watches_.push_back(std::make_unique<LogWatch>(
        source, glob, [follower](TimestampMs now) { return follower->round(now); }));
  }
}

asio::awaitable<void> LogCollection::loop() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    step(now_ms());
    timer.expires_after(kRound);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void LogCollection::step(TimestampMs now) {
  for (const auto& watch : watches_) {
    LogWatch::News news = watch->step(now);
    if (news.health) emit_({cluster_, now, std::move(*news.health)});
    for (LogEvent& event : news.events) emit_({cluster_, now, std::move(event)});
  }
}

}  // namespace doctor
