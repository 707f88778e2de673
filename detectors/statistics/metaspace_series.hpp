// The metaspace of one JVM as stepped points: its plateaus between submissions, the classes and
// collections that belong to them, and which jobs were submitted when.
#pragma once

#include <span>
#include <vector>

#include "detectors/statistics/stepped_growth.hpp"
#include "detectors/statistics/submissions.hpp"
#include "model/window.hpp"

namespace doctor {

/// Oldest first; empty when nothing is kept of this process. `ordered` as submissions() gives them.
std::vector<SteppedPoint> metaspace_points(const Window& window,
                                           std::span<const Submission> ordered, EntityId process);

/// Does this collector's every run unload classes, as far as its count shows? Runs that it stands
/// for per count: 1 for full collections, ½ for "G1 Concurrent GC" (its remark and cleanup count
/// each), 0 for young ones. Names are reporter-filtered.
double unloading_runs_per_count(std::string_view collector);

}  // namespace doctor
