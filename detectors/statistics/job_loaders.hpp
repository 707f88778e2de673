// Which job's class loaders stay, where several jobs are submitted to one process: a collection
// takes whole loaders, so what finished jobs had loaded and nobody unloaded must be made of the
// loaders of one of them, time and again.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "model/time.hpp"

namespace doctor {

struct SteppedPoint;
struct Opportunity;

struct JobLoaders {
  std::string job;
  int finished{};         // submissions that had ended before the last collection
  double classes{};       // that one submission loads
  double kept_ratio{};    // share of its classes that stayed
  double others_ratio{};  // share of all other finished jobs' classes that were unloaded
  /// Nothing else explains it: others were tidied up, and what stayed kept pace with this job.
  bool proven{false};
};

/// The job that explains best what collections left; nothing without names, class counts or a
/// collection after two of its submissions had ended. `steps` from the base on.
std::optional<JobLoaders> kept_loaders(std::span<const SteppedPoint> steps,
                                       std::span<const Opportunity> opportunities,
                                       DurationMs soft_age_ms);

/// The job whose submissions carry the rise, when it is clearly ahead of every other. What it loads
/// may be given back: that alone accuses nobody.
std::optional<std::string> steepest_job(std::span<const SteppedPoint> steps);

}  // namespace doctor
