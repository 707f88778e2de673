// What a row of restarts looks like: the newest stretch without progress, and how often they come.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "detectors/statistics/fault.hpp"

namespace doctor {

/// The newest restarts that neither a completed checkpoint nor a long silence separates.
struct RestartStretch {
  std::vector<Restart> same;             // by the most frequent cause (of equals the newest)
  std::size_t restarts{0};               // all of the stretch
  std::size_t consequences{0};           // those without a cause of their own
  std::size_t lost{0};                   // of these: lost TaskManagers
  std::optional<TimestampMs> completed;  // the last checkpoint, before all of them
  TimestampMs begin{};
  TimestampMs end{};
  DurationMs gap_max{};
};

/// `restarts` oldest first. Empty when the newest one lies before `completed`.
RestartStretch stretch_of(std::span<const Restart> restarts, std::optional<TimestampMs> completed,
                          DurationMs gap_limit_ms);

/// Restarts with a cause of their own, by age.
struct RestartRates {
  std::size_t in_10_min{0}, in_30_min{0}, in_1_h{0}, in_6_h{0};
  std::size_t before{0};  // older than 6 h, within 7 d
  DurationMs past{};      // how long that past was watched
  /// Restarts expected in `span` at the job's own rate: half a restart in a week before anything is
  /// known (Gamma prior ½, 7 d).
  double expected_in(DurationMs span) const;
};

/// `remembered` exceptions in all: a full memory begins with its oldest, not with the job.
RestartRates rates_of(std::span<const Restart> restarts, TimestampMs job_start,
                      std::size_t remembered, TimestampMs now);

}  // namespace doctor
