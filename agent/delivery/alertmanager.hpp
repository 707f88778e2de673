// Tells one Alertmanager member what fires and what has resolved (v2 API). Each member has its own
// coroutine, state and back-off, so a dead one delays nobody.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "agent/delivery/alert_state.hpp"
#include "agent/delivery/bell.hpp"
#include "agent/delivery/notifier_stats.hpp"
#include "agent/view.hpp"
#include "collectors/http.hpp"

namespace doctor {

struct NotifierSettings {
  AlertPace pace;
  std::size_t batch_max = 64;
  std::size_t requests_per_wake_max = 64;  // bounds the search for an invalid alert
  DurationMs wake_ms = kSecondMs;          // at the latest; the bell rings when there is news
  DurationMs probe_ms = kMinuteMs;         // with nothing to send, the path is still tried
  HttpCaps caps{64U << 10U, 64U << 10U, 10 * kSecondMs};
};

struct NotifierPorts {
  std::function<ViewPtr()> view;  // null until the first judgement
  std::function<TimestampMs()> clock;
  std::function<void(const std::string&)> log;  // one line; down, up again, invalid alert
  Bell& news;                                   // rung when there is a newer view
};

/// Runs until cancelled; then sends nothing more: what fires is sent again by the next start, or
/// ends by its endsAt. `http` and `stats` outlive the coroutine; the member is added to `stats`.
boost::asio::awaitable<void> run_notifier(Http& http, Endpoint member, NotifierPorts ports,
                                          NotifierStats& stats, std::uint64_t seed,
                                          NotifierSettings settings = {});

}  // namespace doctor
