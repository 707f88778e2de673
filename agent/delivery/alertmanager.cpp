#include "agent/delivery/alertmanager.hpp"

#include <algorithm>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "model/text.hpp"

namespace doctor {
namespace asio = boost::asio;
namespace {

enum class Outcome { taken, invalid, failed, cancelled };

asio::awaitable<bool> is_cancelled() {
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

class Notifier {
 public:
  Notifier(Http& http, Endpoint member, NotifierPorts ports, NotifierStats& stats,
           std::uint64_t seed, NotifierSettings settings)
      : http_(http),
        member_(std::move(member)),
        ports_(std::move(ports)),
        stats_(stats),
        stats_index_(stats.add(member_.address())),
        settings_(settings),
        state_(settings.pace),
        backoff_(seed) {}

  /// False when cancelled.
  asio::awaitable<bool> wake() {
    if (ViewPtr view = ports_.view(); view && view != absorbed_) {
      state_.absorb(*view);
      absorbed_ = std::move(view);
    }
    const TimestampMs now = ports_.clock();
    if (!absorbed_ || now < quiet_until_) co_return true;
    const std::vector<Alert> due = state_.due(now);
    if (!due.empty()) co_return co_await send(due);
    if (now - last_exchange_ >= settings_.probe_ms) co_return co_await probe();
    co_return true;
  }

 private:
  using Batch = std::vector<Alert>;

  asio::awaitable<bool> send(const std::vector<Alert>& due) {
    std::deque<Batch> batches;
    for (std::size_t begin = 0; begin < due.size(); begin += settings_.batch_max) {
      const std::size_t end = std::min(begin + settings_.batch_max, due.size());
      batches.emplace_back(due.begin() + static_cast<std::ptrdiff_t>(begin),
                           due.begin() + static_cast<std::ptrdiff_t>(end));
    }
    for (std::size_t n = 0; n < settings_.requests_per_wake_max && !batches.empty(); ++n) {
      if (co_await is_cancelled()) co_return false;
      Batch batch = std::move(batches.front());
      batches.pop_front();
      switch (co_await post(batch)) {
        case Outcome::taken:
          state_.sent(batch, ports_.clock());
          break;
        case Outcome::invalid:
          split_or_reject(std::move(batch), batches);
          break;
        case Outcome::failed:
          quiet_until_ = ports_.clock() + backoff_.next_ms();
          co_return true;
        case Outcome::cancelled:
          co_return false;
      }
    }
    co_return true;
  }

  /// Alertmanager takes the valid alerts of a batch and refuses the whole: halves find the culprit.
  void split_or_reject(Batch batch, std::deque<Batch>& batches) {
    if (batch.size() == 1) {
      stats_.update(stats_index_, [](MemberStats& member) { ++member.rejected; });
      if (state_.rejected(batch.front(), ports_.clock())) {
        ports_.log("alertmanager " + member_.address() + " calls an alert invalid (" +
                   batch.front().labels["alertname"] + "): " + refusal_);
      }
      return;
    }
    const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
    batches.emplace_front(middle, batch.end());
    batches.emplace_front(batch.begin(), middle);
  }

  asio::awaitable<Outcome> post(const Batch& batch) {
    HttpRequest request;
    request.endpoint = member_;
    request.method = "POST";
    request.target = "/api/v2/alerts";
    request.content_type = "application/json";
    request.body = alerts_json(batch, state_.firing_ends_at(ports_.clock()));
    StringSink answer;
    const auto reply = co_await http_.exchange(std::move(request), answer, settings_.caps);
    last_exchange_ = ports_.clock();
    if (!reply && reply.error().code == ErrorCode::cancelled) co_return Outcome::cancelled;
    const int status = reply ? reply->status : 0;
    if (status >= 200 && status < 300) {
      stats_.update(stats_index_, [&](MemberStats& member) { member.sent += batch.size(); });
      backoff_.reset();
      note_up();
      co_return Outcome::taken;
    }
    if (status == 400 || status == 413 || status == 422) {
      refusal_ = printable(answer.text);
      note_error("HTTP " + std::to_string(status) + ": " + refusal_);
      co_return Outcome::invalid;
    }
    note_down(reply ? "HTTP " + std::to_string(status) : reply.error().message);
    co_return Outcome::failed;
  }

  /// A dead path to the alert manager should be known before the first alert.
  asio::awaitable<bool> probe() {
    HttpRequest request;
    request.endpoint = member_;
    request.target = "/api/v2/status";
    StringSink answer;
    const auto reply = co_await http_.exchange(std::move(request), answer, settings_.caps);
    last_exchange_ = ports_.clock();
    if (!reply && reply.error().code == ErrorCode::cancelled) co_return false;
    if (reply && reply->status >= 200 && reply->status < 300) {
      note_up();
    } else {
      note_down(reply ? "HTTP " + std::to_string(reply->status) : reply.error().message);
    }
    co_return true;
  }

  void note_up() {
    if (down_) ports_.log("alertmanager " + member_.address() + " answers again");
    down_ = false;
    stats_.update(stats_index_, [](MemberStats& member) {
      member.up = true;
      member.last_error.clear();
    });
  }

  void note_down(const std::string& why) {
    note_error(why);
    stats_.update(stats_index_, [](MemberStats& member) { member.up = false; });
    if (!down_) ports_.log("alertmanager " + member_.address() + " does not take alerts: " + why);
    down_ = true;
  }

  void note_error(const std::string& why) {
    stats_.update(stats_index_, [&](MemberStats& member) {
      ++member.errors;
      member.last_error = why;
    });
  }

  Http& http_;
  Endpoint member_;
  NotifierPorts ports_;
  NotifierStats& stats_;
  std::size_t stats_index_;
  NotifierSettings settings_;
  AlertState state_;
  Backoff backoff_;
  ViewPtr absorbed_;
  std::string refusal_;
  bool down_{false};
  TimestampMs quiet_until_{0};
  TimestampMs last_exchange_{0};
};

}  // namespace

asio::awaitable<void> run_notifier(Http& http, Endpoint member, NotifierPorts ports,
                                   NotifierStats& stats, std::uint64_t seed,
                                   NotifierSettings settings) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  Bell& news = ports.news;
  Notifier notifier(http, std::move(member), std::move(ports), stats, seed, settings);
  for (;;) {
    const bool go_on = co_await notifier.wake();
    if (!go_on || co_await is_cancelled()) co_return;
    co_await news.wait(settings.wake_ms);
    if (co_await is_cancelled()) co_return;
  }
}

}  // namespace doctor
