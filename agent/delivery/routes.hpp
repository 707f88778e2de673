// What the agent serves over HTTP: a fixed table of routes over the newest View. Called on the
// HTTP thread; bodies that depend on the View alone are rendered once per View.
#pragma once

#include <functional>
#include <string>

#include "agent/delivery/notifier_stats.hpp"
#include "agent/net/server.hpp"
#include "agent/view.hpp"

namespace doctor {

struct RoutePorts {
  const ViewPort* views{nullptr};           // outlives the handler
  const NotifierStats* notifiers{nullptr};  // may be null
  std::function<TimestampMs()> clock;
  std::string version;
};

inline constexpr DurationMs kJudgementAgeMaxMs = 5 * kMinuteMs;  // older means not healthy

InboundHandler make_routes(RoutePorts ports);

}  // namespace doctor
