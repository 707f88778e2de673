// Growth in steps: a level that rises with every submission, and whether anything ever gives it
// back. Numbers only; what they mean is the detector's to say. Used for metaspace: a healthy JVM
// draws the same stairs as a leak until classes are unloaded, so the witness is a collection that
// could have unloaded the classes of finished jobs and did not.
#pragma once

#include <optional>
#include <vector>

#include "detectors/statistics/job_loaders.hpp"
#include "detectors/statistics/stepped_point.hpp"
#include "detectors/statistics/trend.hpp"
#include "model/time.hpp"

namespace doctor {

struct SteppedGrowthRules {
  double step_min_bytes{};  // rise per event that is worth a word
  double p_max{0.01};
  int events_min{5};
  int finished_min{4};
  /// A JVM that never unloaded a class waits no longer than this multiple of its base; 0 = do not
  /// use.
  double threshold_ratio{3.4};
  double threshold_base_min_bytes{25e6};
  std::optional<double> limit_bytes;
  double headroom_ratio{0.5};  // of base to limit: left after full collections, that is no float
  double idle_reclaim_ratio{0.25};  // less than this share freed per finished job is nothing
  double keeps_ratio_max{0.05};     // of all classes loaded, unloaded: nothing is given back
  /// Soft references keep a loader alive so long after its job has ended, whatever collects.
  DurationMs soft_age_ms{10 * kMinuteMs};
};

/// A collection that could have unloaded what finished jobs left behind.
enum class Reclaim { none, barren, partial, healthy };

struct Opportunity {
  TimestampMs from{};  // of the plateau in which it was seen
  Reclaim outcome{Reclaim::none};
  bool full{true};      // a counted collection; else inferred from single classes unloaded
  bool tenured_only{};  // LoaderHolds
  std::optional<double> young_collections;  // before it
  int finished{};                           // jobs that had ended before
  double held_bytes{};    // by jobs that ran or had ended within soft_age_ms: nothing takes it
  double alive_bytes{};   // of that, by those that ran
  double owed_classes{};  // of the others, since a collection freed something last
  double freed_classes{};
  double freed_bytes{};
  double trough{};  // bytes
  double events{};  // submissions up to it
};

enum class Proof {
  none,
  barren_collection,
  rising_troughs,  // or of full collections alone, many times
  beyond_threshold,
  one_job_keeps,  // collections take the classes of the others (SteppedGrowth::kept)
  full_troughs,   // full collections leave half the headroom used
};

struct SteppedGrowth {
  int events{};    // since the base, that loaded classes
  int finished{};  // of those, whose job has ended
  double base{};   // bytes
  TimestampMs base_at{};
  double level{};        // bytes, newest
  double alive_bytes{};  // of it, by submissions that still run
  double step{};         // bytes per event, robust
  Slope per_event;       // of the segment since the last collection that freed something
  double step_sd{};      // spread of single steps in it
  double step_max{};     // largest of them
  RisingTest rising;
  double events_per_ms{};
  int rate_events{};                                   // events behind the rate
  std::optional<double> loaded_since, unloaded_since;  // classes, since the base or last reclaim
  std::optional<double> reclaim_ratio;                 // rho
  std::vector<Opportunity> opportunities;
  std::optional<JobLoaders> kept;  // by which of several jobs
  bool growing{false};
  bool gives_back{false};    // the last opportunity freed what finished jobs had left
  bool gave_back{false};     // one of them did
  bool freed_little{false};  // the last full collection, of what it could have taken
  /// Next to nothing was given back: of all that was loaded, or of what collections could take.
  /// Nothing when classes are not counted.
  std::optional<bool> keeps;
  Proof proof{Proof::none};
  std::vector<SteppedPoint> steps;  // after merging, from the base on
};

SteppedGrowth stepped_growth(std::vector<SteppedPoint> points, const SteppedGrowthRules& rules);

}  // namespace doctor
