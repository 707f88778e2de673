// Backtest: what detectors would have said of the past that a store knows. No Flink is asked, so
// those that need more than metrics say that they are blind.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/backfill/settings.hpp"
#include "agent/recording/replay.hpp"

namespace doctor {

struct BacktestOptions {
  BackfillSettings history;
  std::string cluster{"history"};   // what findings call it
  std::optional<TimestampMs> from;  // default: `history.window_ms` before `to`
  std::optional<TimestampMs> to;    // default: now
  DetectorParams set;
  std::function<void(const std::string& line)> say{};
};

/// Its timeline and verdicts are those of a replay. An error when the store does not answer, or
/// knows nothing of Flink.
Result<Replayed> backtest(const BacktestOptions& options);

}  // namespace doctor
