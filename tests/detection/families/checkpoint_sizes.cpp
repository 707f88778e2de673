// P7, a job's checkpoints jump; N10, N4: incremental saw-teeth, savepoints, windows that fill by
// day and empty at night, organic growth, in-flight data of unaligned checkpoints, restarts.
#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kJumpRanges[] = {
    {"past_hours", 6, 72, Scale::log, "before the jump", 1},
    {"scrape_s", 15, 60, Scale::log, "", 1},
    {"interval_s", 30, 900, Scale::log, "", 5},
    {"size_bytes", 80e6, 50e9, Scale::log, "full, before the jump", 70e6},
    {"noise", 0.005, 0.08, Scale::log, "spread of ln(size)"},
    {"season", 0, 0.3, Scale::linear, "share of the size that comes and goes with the day", 0, 0.9},
    {"growth_per_week", 0, 0.2, Scale::linear, "of the size"},
    {"jump_ratio", 2, 6, Scale::log, "", 1.6},
    {"small_jump_share", 0.2, 0.2, Scale::linear, "of jumps that are only × 1.6 to × 2", 0, 1},
    {"jobs", 1, 8, Scale::linear, "of which one jumps", 1},
};

constexpr Range kQuietRanges[] = {
    {"days", 4, 14, Scale::linear, "", 0.2},
    {"scrape_s", 30, 120, Scale::log, "", 1},
    {"jobs", 2, 8, Scale::linear, "", 1},
    {"interval_s", 60, 900, Scale::log, "", 5},
    {"size_bytes", 5e6, 50e9, Scale::log, "full, on average"},
    {"noise", 0.005, 0.10, Scale::log, "spread of ln(size)"},
    {"season", 0, 0.6, Scale::linear, "share that comes and goes with the day", 0, 0.95},
    {"growth_per_week", 0.05, 0.3, Scale::linear, "organic, of the size"},
    {"saw_share", 0.4, 0.4, Scale::linear, "of jobs whose size falls with compactions", 0, 1},
    {"saw_ratio", 1.1, 2.2, Scale::linear, "before a compaction / after", 1},
    {"saw_hours", 1, 24, Scale::log, "between compactions", 0.1},
    {"window_share", 0.25, 0.25, Scale::linear, "of jobs with daily windows", 0, 1},
    {"window_ratio", 1.5, 5, Scale::log, "full window / empty one", 1},
    {"in_flight_share", 0.3, 0.3, Scale::linear, "of jobs with unaligned bursts", 0, 1},
    {"savepoints_per_day", 0.5, 4, Scale::log, ""},
    {"restarts_per_week", 0.5, 4, Scale::log, ""},
};

double hours_since_start(TimestampMs at) { return static_cast<double>(at - kCaseStart) / kHourMs; }

CheckpointPlan incremental(const Ranges& ranges, Random& random) {
  const auto interval = static_cast<DurationMs>(1000 * ranges.draw("interval_s", random));
  CheckpointPlan plan = plain_checkpoints(interval, random.fork());
  plan.config.state_backend = "EmbeddedRocksDBStateBackend";
  return plan;
}

/// Size with a tide of the day, noise, and steady growth.
std::function<double(TimestampMs)> tidal_size(const Ranges& ranges, Random& random) {
  const double size = ranges.draw("size_bytes", random);
  const double tide = ranges.draw("season", random);
  const double weekly = ranges.draw("growth_per_week", random);
  const double spread = ranges.draw("noise", random);
  const auto noise = std::make_shared<Random>(random.fork());
  return [=](TimestampMs at) {
    const double growth = 1 + weekly * hours_since_start(at) / 168;
    return size * growth * season(at, tide, 0.3 * tide) * noise->around_one(spread);
  };
}

Truth play_jump(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 3; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const int jobs = ranges.draw_count("jobs", random);
  const auto factor = std::make_shared<double>(1);
  DurationMs interval = 0;
  for (int i = 0; i < jobs; ++i) {
    JobPlan plan = chain_plan(i == 0 ? "grows" : "steady-" + std::to_string(i), 3, 2);
    plan.checkpoints = incremental(ranges, random);
    plan.checkpoints->full_bytes = tidal_size(ranges, random);
    if (i == 0) {
      interval = *plan.checkpoints->config.interval;
      plan.checkpoints->full_bytes = [size = plan.checkpoints->full_bytes, factor](TimestampMs at) {
        return *factor * size(at);
      };
    }
    plan.checkpoints->written_bytes = [size = plan.checkpoints->full_bytes](TimestampMs at) {
      return 0.05 * size(at);
    };
    cluster.submit(std::move(plan), random.below(3));
  }
  const double past_hours =
      std::max(ranges.draw("past_hours", random), 20.0 * static_cast<double>(interval) / kHourMs);
  cluster.run_until(kCaseStart + static_cast<DurationMs>(past_hours * kHourMs));
  const bool small = random.chance(ranges.draw("small_jump_share", random));
  *factor = small ? random.uniform(1.6, 2) : ranges.draw("jump_ratio", random);
  Goal goal;
  goal.name = small ? "checkpoint_size_outlier/small" : "checkpoint_size_outlier/twice or more";
  goal.detector = "checkpoint_size_outlier";
  goal.entity = "grows";
  goal.onset = cluster.now();
  // The first checkpoint after the onset may come a whole interval later; the fourth of the new
  // size is the last that may pass without a word.
  goal.deadline = cluster.now() + 4 * (interval + 2 * kSecondMs) + 2 * cluster.scrape_ms();
  cluster.run_until(goal.deadline + 30 * kMinuteMs);
  Truth truth;
  truth.goals.push_back(std::move(goal));
  truth.job_weeks = cluster.weeks() * jobs;
  truth.process_weeks = cluster.weeks() * 4;
  return truth;
}

/// What makes one healthy job's size move.
std::function<double(TimestampMs)> lively_size(const Ranges& ranges, Random& random) {
  std::function<double(TimestampMs)> size = tidal_size(ranges, random);
  if (random.chance(ranges.draw("saw_share", random))) {
    const double ratio = ranges.draw("saw_ratio", random);
    const double period = ranges.draw("saw_hours", random);
    size = [=, below = std::move(size)](TimestampMs at) {
      const double phase = std::fmod(hours_since_start(at), period) / period;
      return below(at) * (1 + (ratio - 1) * phase);
    };
  }
  if (random.chance(ranges.draw("window_share", random))) {
    const double ratio = ranges.draw("window_ratio", random);
    const double begins = random.uniform(0, 24);
    size = [=, below = std::move(size)](TimestampMs at) {
      const double phase = std::fmod(hours_since_start(at) + begins, 24) / 24;
      return below(at) * (1 + (ratio - 1) * phase);
    };
  }
  return size;
}

JobPlan lively_plan(const std::string& name, const Ranges& ranges, Random& random) {
  JobPlan plan = chain_plan(name, 3, 2);
  plan.checkpoints = incremental(ranges, random);
  plan.checkpoints->full_bytes = lively_size(ranges, random);
  plan.checkpoints->written_bytes = [size = plan.checkpoints->full_bytes](TimestampMs at) {
    return 0.05 * size(at);
  };
  if (random.chance(ranges.draw("in_flight_share", random))) {
    plan.checkpoints->config.unaligned = true;
    const auto noise = std::make_shared<Random>(random.fork());
    plan.checkpoints->in_flight_bytes = [noise](TimestampMs at) {
      const bool burst = (at / (20 * kMinuteMs)) % 17 == 3;
      return (burst ? 2e9 : 1e6) * noise->around_one(0.5);
    };
  }
  return plan;
}

Truth play_quiet(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 3; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  std::vector<Job*> jobs;
  const int count = ranges.draw_count("jobs", random);
  for (int i = 0; i < count; ++i) {
    jobs.push_back(&cluster.submit(lively_plan("job-" + std::to_string(i), ranges, random)));
  }
  Schedule savepoints(ranges.draw("savepoints_per_day", random), kDayMs, random);
  Schedule restarts(ranges.draw("restarts_per_week", random), kWeekMs, random);
  const auto length = static_cast<DurationMs>(ranges.draw("days", random) * kDayMs);
  cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    Job& job = *jobs[random.below(jobs.size())];
    if (savepoints.due(at)) job.savepoint(cluster.now());
    if (restarts.due(at)) {
      job.restart(cluster.now(),
                  task_fault(job, "java.io.IOException: Connection reset", "org.acme.Read.next"),
                  10 * kSecondMs);
    }
  });
  Truth truth;
  truth.job_weeks = cluster.weeks() * count;
  truth.process_weeks = cluster.weeks() * 4;
  return truth;
}

}  // namespace

namespace families {
extern const Family checkpoint_jumps{"checkpoint_jumps", "P7", Kind::positive,
                                     kJumpRanges,        1,    play_jump};
extern const Family checkpoint_tides{"checkpoint_tides", "N4, N10", Kind::negative,
                                     kQuietRanges,       4,         play_quiet};
}  // namespace families

}  // namespace doctor::detection
