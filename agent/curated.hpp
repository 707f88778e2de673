// The curated Flink series that the agent re-exports: fresh values only, entities spelled out.
#pragma once

#include <vector>

#include "agent/judge.hpp"
#include "agent/view.hpp"

namespace doctor {

/// Ordered by metric and entity, at most `samples_max`.
CuratedSamples curated_samples(const Judge& judge, TimestampMs now, std::size_t samples_max = 1500);

/// How long they may be shown before they are made anew: looking through all series must not
/// become what the agent spends its time on.
DurationMs curated_samples_last_ms(const Judge& judge);

}  // namespace doctor
