// The curated Flink series that the agent re-exports: fresh values only, entities spelled out.
#pragma once

#include <vector>

#include "agent/judge.hpp"
#include "agent/view.hpp"

namespace doctor {

/// Ordered by metric and entity, at most `samples_max`.
std::vector<CuratedSample> curated_samples(const Judge& judge, TimestampMs now,
                                           std::size_t samples_max = 1500);

}  // namespace doctor
