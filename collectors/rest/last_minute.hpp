// What was spent in the last minute, so that no minute ever holds more than it may.
#pragma once

#include <deque>

#include "model/time.hpp"

namespace doctor::rest {

struct Spending {
  double calls{0};
  double bytes{0};
};

class LastMinute {
 public:
  explicit LastMinute(Spending most) : most_(most) {}

  void spend(TimestampMs now, Spending what) {
    while (!spent_.empty() && spent_.front().at <= now - kMinuteMs) spent_.pop_front();
    spent_.push_back({now, what});
  }
  void forget() { spent_.clear(); }
  /// In the minute that ends then, as far as it is spent already.
  Spending until(TimestampMs then) const {
    Spending sum;
    for (const auto& [at, what] : spent_) {
      if (at <= then - kMinuteMs) continue;
      sum.calls += what.calls;
      sum.bytes += what.bytes;
    }
    return sum;
  }
  /// Whether there is room for `more` now, if what every round needs (`regular`) is spent in each
  /// of the rounds to come.
  bool has_room(TimestampMs now, Spending more, Spending regular, DurationMs round_ms) const {
    Spending ahead = more;
    for (TimestampMs then = now; then < now + kMinuteMs; then += round_ms) {
      const Spending before = until(then);
      if (before.calls + ahead.calls > most_.calls) return false;
      if (before.bytes + ahead.bytes > most_.bytes) return false;
      ahead.calls += regular.calls;
      ahead.bytes += regular.bytes;
    }
    return true;
  }

 private:
  struct Spent {
    TimestampMs at{};
    Spending what{};
  };
  Spending most_;
  std::deque<Spent> spent_;
};

}  // namespace doctor::rest
