// How much of the past each metric is worth asking for: as far as the features that detectors read
// of it remember.
#pragma once

#include <vector>

#include "agent/history/features.hpp"

namespace doctor {

struct MetricDepth {
  Metric metric{};
  DurationMs depth_ms{};
};

/// Whose series tell when jobs were submitted: there is one for each job from its first moment.
inline constexpr Metric kOfSubmissions[] = {Metric::job_restarts};

/// Of what reporters have of `plan`.
std::vector<MetricDepth> depths(const FeaturePlan& plan);

/// The metrics of `depths` that are worth asking for until `until`, when the present is `now`.
std::vector<Metric> worth_asking(const std::vector<MetricDepth>& depths, TimestampMs until,
                                 TimestampMs now);

}  // namespace doctor
