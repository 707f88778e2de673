// An Alertmanager member behind the HTTP seam: answers by script, keeps what it took as the real
// one does (by labels), and a clock that moves one second for each wake of the notifier.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/delivery/alertmanager.hpp"
#include "tests/unit/delivery_views.hpp"

namespace doctor::test {

class FakeAlertmanager final : public Http {
 public:
  struct Kept {
    std::string starts_at, ends_at, summary;
    TimestampMs told_at{};
    int times{};
  };

  boost::asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                                     HttpCaps) override {
    ++exchanges;
    if (broken) co_return Error{ErrorCode::refused, "nothing listens there"};
    HttpReply reply;
    reply.status = 200;
    if (request.method == "POST") {
      ++posts;
      post_times.push_back(now);
      if (status_of_post) reply.status = status_of_post(request.body);
      if (reply.status == 200 || reply.status == 400) keep(request.body);
    }
    const std::string text = reply.status == 200 ? "{}" : "\x1b[31mbad\n";
    const Status fed = sink.feed(text);
    if (!fed) co_return fed.error();
    co_return reply;
  }

  /// Runs a notifier for so many seconds of its clock, then cancels it. `at` is told the second
  /// before each wake.
  void run(int seconds, const std::function<void(int)>& at = {}) {
    boost::asio::io_context loop(1);
    boost::asio::cancellation_signal stop;
    int second = 0;
    Bell news;
    NotifierPorts ports{[&] {
                          now = kNow + second * kSecondMs;
                          if (at) at(second);
                          if (++second > seconds) stop.emit(boost::asio::cancellation_type::total);
                          return second > seconds ? nullptr : view;
                        },
                        [&] { return now; }, [&](const std::string& line) { log.push_back(line); },
                        news};
    NotifierSettings settings;
    settings.wake_ms = 0;
    boost::asio::co_spawn(
        loop, run_notifier(*this, Endpoint{"am", 9093, ""}, ports, stats, 7, settings),
        boost::asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr failure) {
          if (failure) std::rethrow_exception(failure);
        }));
    loop.run();
  }

  void show(View next) {
    next.generated_at = now == 0 ? kNow : now;
    view = std::make_shared<const View>(std::move(next));
  }

  const Kept* find(const std::string& label, const std::string& value) const {
    for (const auto& [labels, alert] : alerts) {
      const auto found = labels.find(label);
      if (found != labels.end() && found->second == value) return &alert;
    }
    return nullptr;
  }

  ViewPtr view;
  NotifierStats stats;
  TimestampMs now{0};
  bool broken{false};
  std::function<int(const std::string& body)> status_of_post;
  std::map<std::map<std::string, std::string>, Kept> alerts;
  std::vector<std::string> log;
  std::vector<TimestampMs> post_times;
  int exchanges{0};
  int posts{0};

 private:
  void keep(const std::string& body) {
    const auto list = nlohmann::json::parse(body);
    for (const auto& item : list) {
      Kept& kept = alerts[item.at("labels").get<std::map<std::string, std::string>>()];
      kept.starts_at = item.at("startsAt");
      kept.ends_at = item.at("endsAt");
      kept.summary = item.at("annotations").value("summary", "");
      kept.told_at = now;
      ++kept.times;
    }
  }
};

}  // namespace doctor::test
