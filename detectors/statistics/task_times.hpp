// TaskTimes: how a task, or all tasks of a vertex together, spent the minutes that its rings
// remember. Thousands are gone through every few seconds, most of them in vain: one object serves
// them one after another, without memory from the heap.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "detectors/statistics/task_load.hpp"

namespace doctor {

/// Where the three times of something are told. Over a silence longer than `gap_max_ms` nothing is
/// spread.
struct Clocks {
  Metric busy, backpressured, idle;
  DurationMs gap_max_ms;
};
inline constexpr Clocks kClocksOfTask{Metric::task_accumulated_busy,
                                      Metric::task_accumulated_backpressured,
                                      Metric::task_accumulated_idle, 2 * kMinuteMs};
/// Of all tasks of a vertex together: screened from the job's page, on a large cluster minutes
/// apart.
inline constexpr Clocks kClocksOfVertex{Metric::vertex_accumulated_busy,
                                        Metric::vertex_accumulated_backpressured,
                                        Metric::vertex_accumulated_idle, 5 * kMinuteMs};

class TaskTimes {
 public:
  /// What the rings of an entity tell of so many tasks; false when that is nothing.
  bool read(const Features& features, EntityId entity, const Clocks& clocks, int tasks);

  /// Since the tasks started, as the newest reading tells.
  TaskShares life() const;
  /// What falls into [from, to); nothing when less than `covered_min_ms` of it was seen.
  std::optional<TaskShares> shares_in(TimestampMs from, TimestampMs to,
                                      double covered_min_ms) const;
  /// The same of windows of `width_ms` side by side from `begin` on, into `shares`.
  void shares_of_each(TimestampMs begin, DurationMs width_ms, double covered_min_ms,
                      std::span<std::optional<TaskShares>> shares) const;

 private:
  /// What was told together at one time.
  struct Reading {
    TimestampMs at;
    double busy, backpressured, idle;  // busy is 0 where it is not told
  };
  /// What the tasks did between two readings, in milliseconds.
  struct Delta {
    TimestampMs from, to;
    double busy, backpressured, total;
  };
  struct Sum;
  using Ring = std::array<Sample, RawRing::kSamples>;

  void join(std::size_t readings, std::size_t busy, std::size_t idle);
  void zip(std::size_t readings);
  void find_deltas(int tasks, DurationMs gap_max_ms);
  std::span<const Delta> deltas() const { return std::span(deltas_).first(deltas_size_); }

  bool tells_busy_{false};
  Ring backpressured_, busy_, idle_;                 // as they were kept
  std::array<Reading, RawRing::kSamples> readings_;  // from first_reading_ on, oldest first
  std::array<Delta, RawRing::kSamples> deltas_;
  std::size_t first_reading_{RawRing::kSamples}, deltas_size_{0};
};

}  // namespace doctor
