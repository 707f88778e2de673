// How event time gets on in a job: which subtasks make watermarks, which receive them, which of
// them stand still, and who holds the minimum that the others wait for. A vertex makes watermarks
// when its operators emit some and its input brings none: most often a source.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "detectors/statistics/task_load.hpp"
#include "model/window.hpp"

namespace doctor {

enum class Progress {
  unseen,  // nothing fresh is known of the subtask
  none,    // no watermark since its tasks run (Flink says Long.MIN_VALUE)
  moving,
  still,
  ended,  // it had one and has none now: a bounded input came to its end (Long.MAX_VALUE)
};

struct SubtaskTime {
  int index{};
  EntityId entity{kNoEntity};
  Progress progress{Progress::unseen};
  double watermark{};         // epoch ms, of moving and still ones
  TimestampMs still_since{};  // when it last moved, not before its tasks ran
  TimestampMs seen_at{};      // the last look; that it stood still since then nobody knows
  DurationMs usual_pause_ms{};
  std::uint32_t moves{};
  std::optional<double> records;     // sent in the last whole minutes
  bool flowed_before{true};          // false: known to have begun to send a few minutes ago
  std::optional<double> idle_ms;     // since the source last had a record; FLIP-27 sources
  std::optional<TaskShares> shares;  // of the last minutes
};

struct VertexTime {
  const VertexFacts* vertex{nullptr};
  bool makes_watermarks{false};
  std::vector<SubtaskTime> subtasks;  // of makers what they emit, of others what they receive
  std::size_t unseen{};
};

struct TimeRules {
  DurationMs still_ms{3 * kMinuteMs};  // so long without a move is standing still
  TimestampMs since{};                 // when the tasks began to run
  std::uint32_t moves_min{3};          // fewer do not make a pace
  bool one_look{false};  // a single check: what does not move between two polls stands
};

/// For how long it was seen to stand still; without any watermark, since the tasks run.
DurationMs still_for(const SubtaskTime& time, const TimeRules& rules, TimestampMs now);

/// In the job's order.
std::vector<VertexTime> times_of(const Window& window, const JobFacts& job, const TimeRules& rules);

/// Whether anything was seen by which a job without watermarks can be told from an unseen one.
bool sees_watermarks(const Window& window, const JobFacts& job);

struct HolderRef {
  std::size_t vertex{}, subtask{};  // indexes into the times
};

/// A vertex whose event time stands still, and who makes it.
struct Stall {
  std::size_t receiver{};          // index into the times
  std::size_t receiver_subtask{};  // of its subtasks
  std::vector<HolderRef> holders;  // the least first; empty: not among those seen
  std::size_t movers{};            // makers above that get on
  std::size_t still{};             // makers above that do not
  std::size_t unseen{};            // makers above that are not seen
  std::optional<double> ahead;     // highest watermark of the movers
};

/// The stall of each maker of watermarks that holds somebody up, most upstream receiver first; at
/// most one for a maker. Not among them: makers that are held up themselves (backpressure), and
/// jobs in which nobody gets records (night).
std::vector<Stall> stalls_of(const std::vector<VertexTime>& times, const TimeRules& rules,
                             TimestampMs now);

}  // namespace doctor
