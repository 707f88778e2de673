// The way to one cluster's JobManagers: which of several addresses answers, our share of calls, and
// the time of one poll. One call at a time.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collectors/http.hpp"
#include "collectors/rest/last_minute.hpp"
#include "model/limits.hpp"
#include "model/source.hpp"

namespace doctor::rest {

struct Answer {
  int status{};
  std::string body;
  bool is_good() const { return status >= 200 && status < 300; }
};

/// What may be spent per minute, and saved up.
class Allowance {
 public:
  Allowance(double per_minute, double minutes_saved_max)
      : per_minute_(per_minute), most_(per_minute * minutes_saved_max), left_(most_) {}
  void earn(DurationMs elapsed) {
    left_ = std::min(most_, left_ + per_minute_ * static_cast<double>(elapsed) / kMinuteMs);
  }
  void spend(double amount) { left_ -= amount; }
  double left() const { return left_; }
  bool is_plenty() const { return left_ > most_ / 2; }

 private:
  double per_minute_, most_, left_;
};

class Connection {
 public:
  using Clock = std::function<TimestampMs()>;

  enum class Spree {
    none,     // a minute's calls may be made at once, and no minute but the first holds more
    one_shot  // some minutes' calls at once: who makes two polls and goes
  };
  Connection(Http& http, const Limits& limits, std::vector<Endpoint> candidates, Spree spree,
             Clock clock);

  /// A poll begins: its time starts.
  void begin_round();
  /// GET. An Error when no whole answer came in time; what an answer's status means is the caller's
  /// business. Counts into `health`.
  boost::asio::awaitable<Result<Answer>> get(std::string target, SourceHealth& health);

  /// What a round needs in any case has been asked; the same is kept for those to come.
  void begin_details();
  /// Details wait when this is false; the overview never does. `bytes`: as large as the answer will
  /// be, as far as is known. What is not urgent leaves a few calls to what is.
  bool has_budget(double bytes, bool urgent);
  /// So much is saved up that what a fault will need stays there.
  bool has_plenty();
  bool has_time() const;
  /// The coroutine was cancelled during a call: what came back says nothing about the peer.
  bool cancelled() const { return cancelled_; }

  const Endpoint& endpoint() const { return candidates_[current_]; }
  std::size_t candidates() const { return candidates_.size(); }
  void next_candidate() { current_ = (current_ + 1) % candidates_.size(); }
  void set_candidates(std::vector<Endpoint> candidates) {
    candidates_ = std::move(candidates);
    current_ = 0;
  }

 private:
  void refill();

  Http& http_;
  Limits limits_;
  std::vector<Endpoint> candidates_;
  std::size_t current_{0};
  Spree spree_;
  Allowance calls_;
  Allowance bytes_;  // on the wire
  LastMinute last_minute_;
  double spent_bytes_{0};     // since the round began
  double overview_bytes_{0};  // of the last round, before its details
  std::optional<TimestampMs> began_at_;
  std::optional<TimestampMs> first_minute_ends_;
  DurationMs round_ms_{5 * kSecondMs};  // from one round to the next
  TimestampMs refilled_at_{0};
  TimestampMs round_ends_{0};
  bool cancelled_{false};
  Clock clock_;
};

}  // namespace doctor::rest
