// Props that families share: TaskManagers, jobs and checkpoints of no particular interest, and
// schedules of random events.
#pragma once

#include <string>

#include "tests/detection/ranges.hpp"
#include "tests/detection/stage/cluster.hpp"

namespace doctor::detection {

TaskManagerFacts plain_task_manager();
std::string host_name(int index);

/// A chain of that many vertices, all of one parallelism: "Source", "Map 1", …, "Sink".
JobPlan chain_plan(const std::string& name, int vertices, int parallelism);

/// On, with a steady size.
CheckpointPlan plain_checkpoints(DurationMs interval_ms, Random random);

DurationMs scrape_of(const Ranges& ranges, Random& random);  // range "scrape_s"

/// Events that come by chance, at a mean rate.
class Schedule {
 public:
  Schedule() = default;
  Schedule(double count, DurationMs per, Random& random);
  /// Whether one came since the last look; several count once.
  bool due(TimestampMs now);

 private:
  double mean_ms_{0};
  Random random_{0};
  TimestampMs next_{0};
};

/// Load by hour and weekday: 1 at its mean, day and night apart by `amplitude` (0 … 1), weekends
/// lower by `weekend` (0 … 1).
double season(TimestampMs at, double amplitude, double weekend);

}  // namespace doctor::detection
