#include "collectors/rest/connection.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "collectors/rest/requests.hpp"

namespace doctor::rest {
namespace {

constexpr DurationMs kDeadlinesPerRound = 4;
constexpr DurationMs kRoundMinMs = kSecondMs;
/// A diagnosis makes two polls and goes.
constexpr double kMinutesSavedOneShot = 5;
/// All jobs are new at once: what fails just then must not wait until they have been looked at.
constexpr double kMinutesSaved = 1;
/// Of bytes: what follows at the pace of the budget fills the minute, and then waits no longer.
constexpr double kMinutesOfBytesSaved = 0.5;
constexpr double kSpareShare = 1.0 / 15;  // of the calls, for what is urgent
constexpr double kIdentifyCalls = 1;      // with some round of a minute
/// A body that is expected to be larger may never find the room, and then has to take it.
constexpr double kBodyShareMax = 0.5;
constexpr double kPlentyShareMax = 2.0 / 3;  // spent, of a minute

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
                       Spree spree, Clock clock)
    : http_(http),
      limits_(limits),
      candidates_(std::move(candidates)),
      spree_(spree),
      calls_(limits.rest_calls_per_minute_max,
             spree == Spree::one_shot ? kMinutesSavedOneShot : kMinutesSaved),
      bytes_(limits.rest_bytes_per_minute_max,
             spree == Spree::one_shot ? kMinutesSavedOneShot : kMinutesOfBytesSaved),
      last_minute_({static_cast<double>(limits.rest_calls_per_minute_max),
                    limits.rest_bytes_per_minute_max}),
      clock_(std::move(clock)) {}

void Connection::begin_round() {
  cancelled_ = false;
  const TimestampMs now = clock_();
  round_ends_ = now + kDeadlinesPerRound * limits_.rest_deadline_ms;
  if (began_at_ && now - *began_at_ >= kRoundMinMs) {
    round_ms_ = std::min(now - *began_at_, kMinuteMs);
  }
  began_at_ = now;
  spent_bytes_ = 0;
  if (!first_minute_ends_) first_minute_ends_ = now + kMinuteMs;
  if (now < *first_minute_ends_) last_minute_.forget();
}

void Connection::begin_details() { overview_bytes_ = spent_bytes_; }

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
  last_minute_.spend(start, {1, 0});
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
  const auto bytes = static_cast<double>(reply->wire_bytes);
  bytes_.spend(bytes);
  last_minute_.spend(clock_(), {0, bytes});
  spent_bytes_ += bytes;
  co_return Answer{reply->status, std::move(sink.text)};
}

bool Connection::has_budget(double bytes, bool urgent) {
  refill();
  if (calls_.left() < 1 || bytes_.left() <= 0) return false;
  if (spree_ == Spree::one_shot || clock_() < first_minute_ends_) return true;
  const double spare = urgent ? 0 : kSpareShare * limits_.rest_calls_per_minute_max;
  const double calls = 1 + kIdentifyCalls + spare;
  const double expected = std::min(bytes, kBodyShareMax * limits_.rest_bytes_per_minute_max);
  return last_minute_.has_room(clock_(), {calls, expected}, {1, overview_bytes_}, round_ms_);
}

bool Connection::has_plenty() {
  refill();
  if (!calls_.is_plenty() || !bytes_.is_plenty()) return false;
  const Spending spent = last_minute_.until(clock_());
  return spree_ == Spree::one_shot ||
         (spent.calls <= kPlentyShareMax * limits_.rest_calls_per_minute_max &&
          spent.bytes <= kPlentyShareMax * limits_.rest_bytes_per_minute_max);
}

bool Connection::has_time() const { return clock_() < round_ends_; }

void Connection::refill() {
  const TimestampMs now = clock_();
  const DurationMs elapsed = std::max<DurationMs>(0, now - std::exchange(refilled_at_, now));
  calls_.earn(elapsed);
  bytes_.earn(elapsed);
}

}  // namespace doctor::rest
