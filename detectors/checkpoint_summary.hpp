// One line of evidence from Flink's own summary of a job's checkpoints, which goes back further
// than the few that it keeps.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "detectors/evidence.hpp"
#include "model/facts.hpp"

namespace doctor {

/// "half of all 500 … up to 2 s, 99 % up to 9 s, the most 12 s". Nothing where Flink has not told,
/// or has seen no more than the `known` ones. `text` writes a value with its unit.
template <class Text>
std::optional<Evidence> summary_evidence(const JobFacts& job, std::size_t known, const char* metric,
                                         const std::optional<CheckpointSpread>& spread, Text text) {
  if (!spread || !job.checkpoint_counts) return std::nullopt;
  if (job.checkpoint_counts->completed <= static_cast<std::int64_t>(known)) return std::nullopt;
  const std::string all = "all " + std::to_string(job.checkpoint_counts->completed) +
                          " checkpoints and savepoints since the JobMaster started";
  if (!spread->p50 || !spread->p99) {
    return said(metric, all + ": " + text(spread->min) + " to " + text(spread->max) + ", " +
                            text(spread->avg) + " on average");
  }
  return said(metric, "half of " + all + " up to " + text(*spread->p50) + ", 99 % up to " +
                          text(*spread->p99) + ", the most " + text(spread->max));
}

}  // namespace doctor
