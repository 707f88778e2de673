// Turns: when a source is asked. Each has its own place in the period, and keeps it however long
// its rounds take.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>

#include "model/batch.hpp"
#include "model/stream.hpp"
#include "model/time.hpp"

namespace doctor {

/// Where in the period a source of a cluster has its turn, so that hundreds of them do not all come
/// at once: the golden ratio keeps any number of turns well apart.
DurationMs turn_of(ClusterIndex cluster, SourceId source, DurationMs period_ms);

/// The moments first, first + period, first + 2 periods, … of one source.
class Turns {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  /// `period_ms` > 0.
  Turns(Moment first, DurationMs period_ms) : next_(first), period_(period_ms) {}

  /// The first turn after `now`, at which a round ended.
  Moment after(Moment now);
  /// Turns that came while the last round still ran: it stands for one, the others are lost.
  std::uint64_t skipped() const { return skipped_; }

 private:
  Moment next_;
  std::chrono::milliseconds period_;
  std::uint64_t skipped_{0};
};

/// A round of a loop, which is told how many turns were skipped before it: false ends the loop.
/// Give it a name before awaiting every(): GCC 12 destroys what a temporary closure in a co_await
/// expression has captured twice.
using Round = std::function<boost::asio::awaitable<bool>(std::uint64_t skipped)>;

/// Runs `work` after `first_ms`, `turn_ms` after the begin, and from then on every `period`,
/// without drift; a late round is skipped rather than made up for. Ends when `work` says false.
boost::asio::awaitable<void> every(DurationMs period_ms, Round work, DurationMs turn_ms = 0,
                                   DurationMs first_ms = 0);

}  // namespace doctor
