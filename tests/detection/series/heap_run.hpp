// Plays a drawn heap through the history's features and a detector, as the agent would, and says
// what it found when.
#pragma once

#include <optional>
#include <vector>

#include "agent/history/features.hpp"
#include "model/detector.hpp"
#include "tests/detection/series/heap.hpp"

namespace doctor::detection {

struct HeapAlarm {
  TimestampMs at{};
  Finding finding;
};

struct HeapRun {
  std::vector<HeapAlarm> first;   // of each incident: nothing of that severity for a day before
  std::vector<HeapAlarm> pushed;  // the same for warning and above
  double weeks{};
  HeapTruth truth;
  std::size_t samples{};
  std::size_t judgements{};
};

HeapRun run(const Detector& detector, HeapSeries& series, bool until_alarm = false);

}  // namespace doctor::detection
