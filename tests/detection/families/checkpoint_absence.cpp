// Checkpoints stop completing: they hang, are declined, or are never triggered again. Their twins:
// slow ones within the timeout, failures within the tolerated number, checkpoints by hand only,
// restarts and deploys in between.
#include <algorithm>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kStopRanges[] = {
    {"past_hours", 0.5, 12, Scale::log, "before they stop", 0.1},
    {"scrape_s", 5, 60, Scale::log, "", 1},
    {"interval_s", 5, 900, Scale::log, "", 1},
    {"timeout_s", 60, 1800, Scale::log, "", 10},
    {"min_pause_s", 0.001, 300, Scale::log, "", 0},
    {"tolerable", 0, 12, Scale::linear, "failures", 0},
    {"hang_share", 0.6, 0.6, Scale::linear, "that expire; the others are declined", 0, 1},
};

constexpr Range kSlowRanges[] = {
    {"days", 1, 4, Scale::linear, "", 0.1},
    {"scrape_s", 15, 60, Scale::log, "", 1},
    {"jobs", 1, 5, Scale::linear, "", 1},
    {"interval_s", 5, 900, Scale::log, "", 1},
    {"timeout_s", 60, 1800, Scale::log, "", 10},
    {"min_pause_s", 0.001, 300, Scale::log, "", 0},
    {"tolerable", 0, 12, Scale::linear, "failures", 0},
    {"slowness", 0.05, 0.95, Scale::linear, "duration / timeout, at its worst", 0, 0.99},
    {"failed_share", 0, 0.2, Scale::linear, "of checkpoints, within what is tolerated", 0, 0.5},
    {"by_hand_share", 0.15, 0.15, Scale::linear, "of jobs without an interval", 0, 1},
    {"restarts_per_day", 0.2, 4, Scale::log, ""},
};

CheckpointConfig config_of(const Ranges& ranges, Random& random) {
  CheckpointConfig config = plain_checkpoints(kMinuteMs, random.fork()).config;
  const auto ms = [&](std::string_view name) {
    return static_cast<DurationMs>(1000 * ranges.draw(name, random));
  };
  config.interval = ms("interval_s");
  config.timeout = ms("timeout_s");
  config.min_pause = ms("min_pause_s");
  config.tolerable_failures = ranges.draw_count("tolerable", random);
  return config;
}

Truth play_stop(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  cluster.add_task_manager(plain_task_manager(), host_name(0));
  JobPlan plan = chain_plan("orders", 3, 2);
  plan.checkpoints = plain_checkpoints(kMinuteMs, random.fork());
  plan.checkpoints->config = config_of(ranges, random);
  const CheckpointConfig config = plan.checkpoints->config;
  const bool hangs = random.chance(ranges.draw("hang_share", random));
  const auto stopped = std::make_shared<bool>(false);
  plan.checkpoints->failure = [stopped, hangs](TimestampMs) -> std::string {
    if (!*stopped) return "";
    return hangs ? "Checkpoint expired before completing."
                 : "Checkpoint was declined (task's checkpoint failed)";
  };
  Job& job = cluster.submit(std::move(plan));
  const auto past = static_cast<DurationMs>(ranges.draw("past_hours", random) * kHourMs);
  cluster.run_until(kCaseStart + std::max(past, 3 * *config.interval + kMinuteMs));
  *stopped = true;
  Goal goal;
  goal.name = "checkpoint_absent";
  goal.detector = "checkpoint_absent";
  goal.entity = "orders";
  goal.onset = job.last_completed().value_or(cluster.now());
  // What tolerated failures take at the most. What is in progress when they stop still completes.
  const int failures = std::min(config.tolerable_failures, 3);
  const DurationMs clock = std::max(*config.interval, config.timeout) * (failures + 2) +
                           config.min_pause * (failures + 1);
  goal.deadline = cluster.now() + clock + kMinuteMs + 2 * cluster.scrape_ms();
  cluster.run_until(goal.deadline + 10 * kMinuteMs);
  Truth truth;
  truth.goals.push_back(std::move(goal));
  truth.entailed = {"restart_loop", "checkpoint_failing"};  // the threshold makes it restart
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * 2;
  return truth;
}

/// What checkpoint_failing may tell of; below, its alarms are false.
constexpr double kFailsOften = 0.05;

JobPlan slow_plan(const std::string& name, const Ranges& ranges, Random& random,
                  bool& fails_often) {
  JobPlan plan = chain_plan(name, 3, 2);
  plan.checkpoints = plain_checkpoints(kMinuteMs, random.fork());
  plan.checkpoints->config = config_of(ranges, random);
  CheckpointConfig& config = plan.checkpoints->config;
  if (random.chance(ranges.draw("by_hand_share", random))) config.interval.reset();
  const double worst = ranges.draw("slowness", random) * static_cast<double>(config.timeout);
  const double failed_share = ranges.draw("failed_share", random);
  fails_often |= failed_share >= kFailsOften;
  const auto noise = std::make_shared<Random>(random.fork());
  plan.checkpoints->duration_ms = [worst, noise](TimestampMs) {
    return static_cast<DurationMs>(worst * noise->uniform(0.3, 1));
  };
  // Never more in a row than the job tolerates, and than its clock counts.
  const int row_max = std::min(config.tolerable_failures, 3);
  const auto row = std::make_shared<int>(0);
  plan.checkpoints->failure = [=](TimestampMs) -> std::string {
    if (*row >= row_max || !noise->chance(failed_share)) {
      *row = 0;
      return "";
    }
    ++*row;
    return noise->chance(0.5) ? "Checkpoint expired before completing."
                              : "Checkpoint was declined (tasks not ready)";
  };
  return plan;
}

Truth play_slow(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  cluster.add_task_manager(plain_task_manager(), host_name(0));
  std::vector<Job*> jobs;
  bool fails_often = false;
  const int count = ranges.draw_count("jobs", random);
  for (int i = 0; i < count; ++i) {
    JobPlan plan = slow_plan("job-" + std::to_string(i), ranges, random, fails_often);
    jobs.push_back(&cluster.submit(std::move(plan)));
  }
  Schedule restarts(ranges.draw("restarts_per_day", random), kDayMs, random);
  const auto length = static_cast<DurationMs>(ranges.draw("days", random) * kDayMs);
  cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    if (!restarts.due(at)) return;
    Job& job = *jobs[random.below(jobs.size())];
    const std::string place = "org.acme.Step" + std::to_string(random.below(1000)) + ".run";
    job.restart(cluster.now(), task_fault(job, "java.io.IOException: reset", place),
                10 * kSecondMs);
  });
  Truth truth;
  if (fails_often) truth.entailed = {"checkpoint_failing"};
  truth.job_weeks = cluster.weeks() * count;
  truth.process_weeks = cluster.weeks() * 2;
  return truth;
}

}  // namespace

namespace families {
extern const Family checkpoints_stop{
    "checkpoints_stop", "checkpoint_absent", Kind::positive, kStopRanges, 1, play_stop};
extern const Family checkpoints_slow{
    "checkpoints_slow", "checkpoint_absent's twins", Kind::negative, kSlowRanges, 2, play_slow};
}  // namespace families

}  // namespace doctor::detection
