// The account that a collection is held against: of what jobs have loaded, what it could have taken
// by then, and what others still held.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "detectors/statistics/stepped_point.hpp"
#include "model/time.hpp"

namespace doctor {

struct LoaderAccount {
  double jobs{};        // that had ended
  double classes{};     // of those
  double held_bytes{};  // by the others, the one that began the plateau among them
};

/// What stands in a collection's way.
struct LoaderHolds {
  /// Soft references keep a loader alive so long after its job has ended, whatever collects.
  DurationMs soft_age_ms{0};
  /// Collections that run beside the program (G1, CMS) take for alive what has not left the young
  /// generation yet.
  bool tenured_only{false};
};

/// What a class takes, in bytes: of steps in which none was unloaded; before there was one, of all
/// that stood at the base. 0: not known.
double bytes_per_class(std::span<const SteppedPoint> steps);

/// Jobs differ, so each counts as what its own step rose, or would have if nothing had been
/// unloaded meanwhile.
class FinishedLoaders {
 public:
  /// `steps` from the base on; they outlive this. `step` in bytes, per event.
  FinishedLoaders(std::span<const SteppedPoint> steps, double step, double classes_per_event);

  /// Of the jobs of the steps before `index`, what a collection could take that ran when that
  /// plateau began.
  LoaderAccount at(std::size_t index, const LoaderHolds& holds) const;

 private:
  double classes_of(std::size_t index) const;
  double bytes_of(std::size_t index) const;

  std::span<const SteppedPoint> steps_;
  double step_, classes_per_event_, bytes_per_class_;
};

/// Whether what came with `step` was promoted when so many young collections had run: HotSpot's
/// MaxTenuringThreshold, 15 at most. Where they are not counted, it is taken to be.
bool is_tenured(const SteppedPoint& step, std::optional<double> young_collections);

}  // namespace doctor
