// How far a job's sources are behind their input over the past week, and how fast they read: what a
// single look cannot tell, since a backlog that is worked off and one that never ends are equally
// long for a while.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "model/window.hpp"

namespace doctor {

class LagCourse {
 public:
  /// From the first metric that tells: pendingRecords or the consumer's records-lag-max, summed
  /// over the sources' subtasks, or a shard's millisBehindLatest, the largest. Nothing when none of
  /// them has told for `watched_ms`.
  static std::optional<LagCourse> of(const Window& window, const JobFacts& job,
                                     DurationMs watched_ms);

  Metric metric() const { return metric_; }
  bool is_time() const;  // ms behind, else records that wait
  std::size_t tellers() const { return floors_.size(); }

  std::int64_t newest(FloorScale scale) const;  // closed bin
  /// The least in that bin; nothing unless all tell.
  std::optional<double> at(FloorScale scale, std::int64_t bin) const;
  std::int64_t newest_hour() const;
  std::optional<double> hour(std::int64_t hour) const;

 private:
  template <class Look>
  std::optional<double> together(Look look) const;

  Metric metric_{};
  std::vector<const Floors*> floors_;
};

/// Whether any source of the job tells how far it is behind, however short it has been seen.
bool tells_lag(const Window& window, const JobFacts& job);

/// Records per second that leave the job's sources: the pace of the last minutes, and the highest
/// that it held for an hour of the past day. Nothing for sources that are chained to all that comes
/// after them.
struct ReadPace {
  double now_s{};
  double highest_s{};
};
std::optional<ReadPace> read_pace(const Window& window, const JobFacts& job);

}  // namespace doctor
