// A family: one kind of trouble, or of trouble-free life that looks like it, played with seeded
// randomness onto a stage. Adding one is one file in families/ (or series/) and its line in
// families.cpp. The play only sends what a cluster would show; what was true is its return value
// and reaches the scorer alone.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/finding.hpp"
#include "model/time.hpp"
#include "tests/detection/random.hpp"
#include "tests/detection/ranges.hpp"
#include "tests/detection/stage/stage.hpp"

namespace doctor::detection {

/// Something a detector should say, on what, and until when. Each goal is a row of the table.
struct Goal {
  std::string name;  // "metaspace_leak/suspected": detector, and which of its statements
  std::string detector;
  std::string entity;  // job name, host, or "jobmanager", as the finding's subject has it
  TimestampMs onset{};
  TimestampMs deadline{};
  Severity severity{Severity::warning};          // at least
  Confidence confidence{Confidence::suspected};  // at least
  std::string culprit;                           // vertex or job; empty: none to name
  std::vector<std::string> as_true;              // others that are as much the cause
  std::optional<TimestampMs> exhausted_at;       // the end of the leak's life, when it has one
};

/// What was true of one case. Without goals it is a negative: whatever is pushed is false.
struct Truth {
  std::vector<Goal> goals;
  /// Detectors that also speak the truth from the first onset on (what the fault entails), neither
  /// asked for nor false; of a negative, which has no onset, all the time.
  std::vector<std::string> entailed;
  /// A detector of advice whose alarms are scored as if they were pushed, and are right only within
  /// a goal's [onset, deadline].
  std::string advice;
  /// Times in which a pushed alarm is neither right nor false: somebody labelled them as odd.
  std::vector<std::pair<TimestampMs, TimestampMs>> unscored;
  double job_weeks{};      // exposure: jobs × weeks
  double process_weeks{};  // JobManager and TaskManagers × weeks
  double cluster_weeks{};
};

enum class Kind { positive, negative };

struct Family {
  std::string_view name;
  std::string_view covers;  // sections of the plan: "P5", "N9", …
  Kind kind;
  std::span<const Range> ranges;
  /// Of the seeds asked for, one in so many is played: for families whose cases are long.
  unsigned stride;
  Truth (*play)(std::uint64_t seed, const Ranges& ranges, Stage& stage);
};

/// Every family there is (families.cpp).
std::span<const Family* const> all_families();

}  // namespace doctor::detection
