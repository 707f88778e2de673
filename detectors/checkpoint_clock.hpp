// How long a job may go without a completed checkpoint by its own settings, and since when it has;
// and what of an attempt is still missing. All times are Flink's own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "model/window.hpp"

namespace doctor {

struct CheckpointClock {
  /// When the checkpoints were last read by our clock, unless the cluster's is visibly ahead of it:
  /// what completed after that is not known, and must not look absent.
  TimestampMs now{};
  TimestampMs since{};                     // where the clock starts
  std::optional<TimestampMs> completed{};  // the last completed one, savepoints included
  DurationMs allowed_ms{};
  /// "Exceeded checkpoint tolerable failure threshold." since then. The clock runs on over such
  /// restarts: one that failed checkpoints caused must not wind it back.
  std::size_t threshold_restarts{0};
  /// Of one that has not run out: so long it will not, if nothing new is told.
  TimestampMs stands_until{};

  DurationMs waited_ms() const { return now - since; }
  bool has_run_out() const { return waited_ms() > allowed_ms; }
};

/// Tolerated failures count up to this many.
inline constexpr double kToleratedMax = 3;

/// Of a job whose configuration is known and has an interval.
CheckpointClock checkpoint_clock(const Window& window, const JobFacts& job, double tolerated_max);
/// How its allowed_ms comes about.
std::string clock_arithmetic(const Window& window, const JobFacts& job, double tolerated_max);

/// The interval while a source reports backlog, when the cluster sets one (0 = none at all).
std::optional<DurationMs> interval_during_backlog(const Window& window);

/// Whether the job was restarted because too many checkpoints in a row had failed.
bool exceeded_tolerance(const ExceptionRecord& fault);

/// The vertex that most subtasks of this attempt are missing of, where its details are known.
std::optional<Evidence> waiting_evidence(const JobFacts& job, const CheckpointRecord& attempt);

}  // namespace doctor
