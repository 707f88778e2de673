// A job after a restart or restore: it reads what was left behind, which looks like overload while
// it lasts.
#pragma once

#include <optional>

#include "detectors/statistics/backlog.hpp"
#include "model/detector.hpp"
#include "model/finding.hpp"

namespace doctor {

struct Recovery {
  std::optional<DurationMs> since{};  // the restart or restore
  std::optional<Backlog> backlog{};
  bool forgives{false};  // it may still be catching up
};

/// `params` are those of the detector that asks: `catch_up_ms` after a restart it may catch up, and
/// longer if the backlog will have drained within `drain_max_ms` of the restart.
Recovery recovery_of(const Window& window, const JobFacts& job, const Params& params);

/// What waits before the sources, and where it goes.
Evidence backlog_evidence(const Backlog& backlog);

/// Makes a finding about a job that may be catching up advice, and says why.
void soften(const Recovery& recovery, Finding& finding);

}  // namespace doctor
