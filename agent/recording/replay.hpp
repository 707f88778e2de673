// Replay: a recording through the same judges, detectors and incidents as live, without waiting.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/judge.hpp"
#include "agent/recording/record.hpp"
#include "agent/recording/timeline.hpp"
#include "agent/view.hpp"
#include "model/result.hpp"

namespace doctor {

/// Detector → parameter → value.
using DetectorParams = std::map<std::string, std::map<std::string, double>>;

/// invalid_argument when there is no such detector or parameter.
Status are_known(const DetectorParams& set);

struct ReplayOptions {
  std::optional<TimestampMs> from;  // what changed earlier is judged, and not told
  std::optional<TimestampMs> to;    // items after it are not read
  DetectorParams set;               // wins over the recorded configuration
  /// Called after every judgement, with the judges by ClusterIndex. May be empty.
  std::function<void(TimestampMs, std::span<const std::unique_ptr<Judge>>)> after_tick;
};

struct Replayed {
  Opening opening;
  std::size_t files{};
  TimestampMs began{}, ended{};  // of the items read
  std::uint64_t items{};
  std::uint64_t ticks{};
  std::vector<Change> timeline;    // by time, then by id
  std::uint64_t changes_untold{};  // beyond the cap of the timeline
  ViewPtr verdicts;                // as they stand at the end
  std::vector<std::string> notes;  // what is missing or damaged, one line each
};

/// An error when it is no recording, or one that this version cannot judge.
Result<Replayed> replay(const std::string& path, const ReplayOptions& options);

}  // namespace doctor
