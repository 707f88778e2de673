#include "agent/turns.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>

namespace doctor {

namespace asio = boost::asio;

DurationMs turn_of(ClusterIndex cluster, SourceId source, DurationMs period_ms) {
  constexpr double kGolden = 0.6180339887498949;
  constexpr double kApart = 1009;  // more than a cluster has sources, most often
  const double turns = kGolden * (kApart * cluster + static_cast<double>(source));
  return static_cast<DurationMs>((turns - std::floor(turns)) * static_cast<double>(period_ms));
}

Turns::Moment Turns::after(Moment now) {
  skipped_ = 0;
  if (next_ > now) return next_;
  skipped_ = static_cast<std::uint64_t>((now - next_) / period_);
  next_ += (static_cast<std::int64_t>(skipped_) + 1) * period_;
  return next_;
}

asio::awaitable<void> every(DurationMs period_ms, Round work, DurationMs turn_ms,
                            DurationMs first_ms) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  Turns turns(std::chrono::steady_clock::now() + std::chrono::milliseconds(turn_ms), period_ms);
  if (first_ms > 0) {
    timer.expires_after(std::chrono::milliseconds(first_ms));
    co_await timer.async_wait(asio::use_awaitable);
  }
  while (co_await work(turns.skipped())) {
    timer.expires_at(turns.after(std::chrono::steady_clock::now()));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace doctor
