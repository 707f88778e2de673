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
  std::size_t in_10_min{0}, in_1_h{0};
};
RestartRates rates_of(std::span<const Restart> restarts, TimestampMs now);

inline constexpr DurationMs kKnownMaxMs = 7 * kDayMs;

/// Since when restarts of the job are known, at most kKnownMaxMs. `remembered` exceptions in all: a
/// full memory begins with its oldest, not with the job.
TimestampMs known_since(std::span<const Restart> restarts, TimestampMs job_start,
                        std::size_t remembered, TimestampMs now);

/// The newest restarts of one cause, and the chance that faults which come by themselves fall so
/// close together.
struct RestartBurst {
  std::size_t count{0};
  DurationMs span{};  // from the first to the last of them
  DurationMs gap_max{};
  double expected{};  // restarts in such a span at the job's own rate
  double chance{1};   // of `count` - 1 more within `span` of the first
};

/// The least likely burst of the newest `at_least` (≥ 2) or more restarts by the cause of `fault`
/// within 6 h, of `restarts`, oldest first. What came before it since `known_since` is the job's
/// own rate: before anything is known ½ fault in 12 h (Gamma prior), so that six faults a day
/// surprise nobody.
std::optional<RestartBurst> burst_of(std::span<const Restart> restarts,
                                     const ExceptionRecord& fault, std::size_t at_least,
                                     TimestampMs known_since);

}  // namespace doctor
