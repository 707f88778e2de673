// How the records of a vertex are spread over its subtasks, and who gets more than the others for
// long. Works on counts per window, so that the noise of counting few records is known.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "detectors/statistics/peer_outlier.hpp"
#include "model/window.hpp"

namespace doctor {

/// Windows side by side over whole minutes, the newest ending at `end`.
struct MinuteWindows {
  TimestampMs end{};
  int minutes{5};
  std::size_t count{3};
  TimestampMs not_before{};  // windows that begin earlier are not looked at
};

/// The newest windows that samples up to `newest` have filled.
MinuteWindows minute_windows(TimestampMs newest, int minutes, std::size_t count,
                             TimestampMs not_before);

struct SubtaskRecords {
  int index{};
  EntityId entity{kNoEntity};
  std::vector<double> counts;  // per window
  double total{};
};

struct RecordSpread {
  std::vector<SubtaskRecords> subtasks;  // those seen in all of `windows`
  std::size_t windows{};                 // seen, the newest of those asked for
  double seconds{};                      // that they cover
  std::size_t unseen{};                  // subtasks of the vertex that are not among `subtasks`
  bool of_life{false};                   // counts since the tasks started, not of windows

  double total() const;
  /// The count of the median subtask other than that one.
  double typical_but(std::size_t subtask) const;
};

/// From the per-minute rises of `metric`.
RecordSpread records_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                        Metric metric, const MinuteWindows& windows);
/// What Flink counted since the tasks started, as one window; for a single check.
RecordSpread life_records_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                             Metric metric);

/// Subtasks (indexes into `spread.subtasks`) that get more than their peers in every window, most
/// first. `weights`: what share each could expect, empty for equal ones.
std::vector<std::size_t> overloaded(const RecordSpread& spread, const std::vector<double>& weights);

}  // namespace doctor
