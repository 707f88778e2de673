// Wakes coroutines that wait for news. Used on the loop's thread only.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <set>

#include "model/time.hpp"

namespace doctor {

class Bell {
 public:
  /// Ends every wait.
  void ring() {
    for (boost::asio::steady_timer* timer : waiting_) timer->cancel();
  }
  /// Until it rings, `longest_ms` have passed or the coroutine is cancelled. The bell outlives it.
  boost::asio::awaitable<void> wait(DurationMs longest_ms) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(longest_ms));
    const Listener listener(waiting_, timer);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

 private:
  using Timers = std::set<boost::asio::steady_timer*>;
  struct Listener {
    Listener(Timers& all, boost::asio::steady_timer& own) : timers(all), timer(&own) {
      timers.insert(timer);
    }
    ~Listener() { timers.erase(timer); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    Timers& timers;
    boost::asio::steady_timer* timer;
  };

  Timers waiting_;
};

}  // namespace doctor
