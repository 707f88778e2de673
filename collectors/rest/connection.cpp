#include "collectors/rest/connection.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "collectors/rest/requests.hpp"

namespace doctor::rest {
namespace {

constexpr DurationMs kDeadlinesPerRound = 4;

/// Collects a body up to a cap; what is beyond is an error and ends the exchange.
class CappedSink final : public BodySink {
 public:
  explicit CappedSink(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Status feed(std::span<const char> window) override {
    if (window.size() > bytes_max_ - text.size()) {
      return Error{ErrorCode::too_large,
                   "the answer is larger than " + std::to_string(bytes_max_) + " bytes"};
    }
    text.append(window.data(), window.size());
    return Done{};
  }
  std::string text;

 private:
  std::size_t bytes_max_;
};

}  // namespace

Connection::Connection(Http& http, const Limits& limits, std::vector<Endpoint> candidates,
                       int minutes_saved_max, Clock clock)
    : http_(http),
      limits_(limits),
      candidates_(std::move(candidates)),
      calls_(limits.rest_calls_per_minute_max, minutes_saved_max),
      bytes_(limits.rest_bytes_per_minute_max, minutes_saved_max),
      clock_(std::move(clock)) {}

void Connection::begin_round() {
  cancelled_ = false;
  round_ends_ = clock_() + kDeadlinesPerRound * limits_.rest_deadline_ms;
}

boost::asio::awaitable<Result<Answer>> Connection::get(std::string target, SourceHealth& health) {
  HttpRequest request;
  request.endpoint = endpoint();
  request.target = std::move(target);
  request.accept_gzip = true;
  if (!is_allowed(request)) {
    co_return Error{ErrorCode::invalid_argument, "not on the list of requests we make"};
  }
  const TimestampMs start = clock_();
  if (start >= round_ends_) {
    co_return Error{ErrorCode::timeout, "the time of this poll is over"};
  }
  refill();
  calls_.spend(1);
  const HttpCaps caps{limits_.rest_body_bytes_max, limits_.rest_body_bytes_max,
                      std::min(limits_.rest_deadline_ms, round_ends_ - start)};
  CappedSink sink(limits_.rest_body_bytes_max);
  const Result<HttpReply> reply = co_await http_.exchange(std::move(request), sink, caps);

  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none ||
      (!reply.ok() && reply.error().code == ErrorCode::cancelled)) {
    cancelled_ = true;
    co_return Error{ErrorCode::cancelled, "stopping"};
  }
  ++health.exchanges;
  health.busy_ms += std::max<DurationMs>(0, clock_() - start);
  if (!reply.ok()) co_return reply.error();
  health.bytes += reply->wire_bytes;
  bytes_.spend(static_cast<double>(reply->wire_bytes));
  co_return Answer{reply->status, std::move(sink.text)};
}

bool Connection::has_budget() {
  refill();
  return calls_.left() >= 1 && bytes_.left() > 0;
}

bool Connection::has_plenty() {
  refill();
  return calls_.is_plenty() && bytes_.is_plenty();
}

bool Connection::has_time() const { return clock_() < round_ends_; }

void Connection::refill() {
  const TimestampMs now = clock_();
  const DurationMs elapsed = std::max<DurationMs>(0, now - std::exchange(refilled_at_, now));
  calls_.earn(elapsed);
  bytes_.earn(elapsed);
}

}  // namespace doctor::rest
