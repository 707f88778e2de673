// P12, restart loops with and without checkpoints between; N5, restarts that people and clusters
// make: deploys, rescales, drained nodes, single faults, JobManager failovers.
#include <algorithm>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kLoopRanges[] = {
    {"quiet_hours", 2, 48, Scale::log, "before the loop begins", 0.2},
    {"parallelism", 1, 16, Scale::log, "of each vertex", 1},
    {"vertices", 2, 6, Scale::linear, "of the job", 1},
    {"task_managers", 1, 6, Scale::linear, "", 1},
    {"scrape_s", 5, 60, Scale::log, "", 1},
    {"period_s", 20, 900, Scale::log, "from restart to restart", 5},
    {"jitter", 0.02, 0.4, Scale::log, "spread of the period"},
    {"checkpoint_s", 10, 600, Scale::log, "interval", 1},
    {"progress_share", 0.3, 0.3, Scale::linear, "of loops with completed checkpoints between", 0,
     1},
    {"oom_share", 0.25, 0.25, Scale::linear, "of loops in which TaskManagers die with it", 0, 1},
    {"restarts", 12, 20, Scale::linear, "of the loop", 5},
};

const std::string kFrames[] = {"org.acme.Decode.map(Decode.java:41)",
                               "org.acme.Enrich.lookup(Enrich.java:7)",
                               "com.example.Sink.write(Sink.java:99)"};
const std::string kCauses[] = {"java.lang.NumberFormatException: For input string: \"x17\"",
                               "java.lang.OutOfMemoryError: Java heap space",
                               "org.postgresql.util.PSQLException: connection refused"};

/// Restarts the job at its own pace and returns when the fourth came.
TimestampMs loop(Cluster& cluster, Job& job, const Ranges& ranges, Random& random, bool oom) {
  const double period_ms = 1000 * ranges.draw("period_s", random);
  const double jitter = ranges.draw("jitter", random);
  const std::size_t kind = random.below(std::size(kCauses));
  const int restarts = ranges.draw_count("restarts", random);
  TimestampMs fourth = 0;
  TimestampMs at = cluster.now();
  for (int i = 0; i < restarts; ++i) {
    const auto down = static_cast<DurationMs>(std::min(0.5 * period_ms, 15'000.0));
    const auto gap = static_cast<DurationMs>(period_ms * random.around_one(jitter));
    at += std::max<DurationMs>(down + kSecondMs, gap);
    while (cluster.now() + cluster.scrape_ms() < at) cluster.scrape();
    if (oom && i % 3 == 2) {
      job.restart(at, lost_task_manager_fault(job.facts().vertices[0].subtasks[0].task_manager),
                  down);
    } else {
      job.restart(at, task_fault(job, kCauses[kind], kFrames[kind]), down);
    }
    // With lost TaskManagers among them the cause itself must have come four times.
    if (i == (oom ? 4 : 3)) fourth = at;
  }
  cluster.scrape();
  return fourth;
}

Truth play_loop(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  const int hosts = ranges.draw_count("task_managers", random);
  for (int i = 0; i < hosts; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const bool progress = random.chance(ranges.draw("progress_share", random));
  const bool oom = random.chance(ranges.draw("oom_share", random));
  bool looping = false;
  JobPlan plan = chain_plan("orders", ranges.draw_count("vertices", random),
                            ranges.draw_count("parallelism", random));
  plan.checkpoints = plain_checkpoints(
      static_cast<DurationMs>(1000 * ranges.draw("checkpoint_s", random)), random.fork());
  if (progress) {
    plan.checkpoints->config.interval =
        std::min<DurationMs>(*plan.checkpoints->config.interval, 5 * kSecondMs);
  } else {
    plan.checkpoints->failure = [&looping](TimestampMs) {
      return looping ? "Checkpoint was declined (tasks not ready)" : "";
    };
    plan.checkpoints->config.tolerable_failures = 1'000'000;
  }
  Job& job = cluster.submit(std::move(plan));
  cluster.run_until(cluster.now() +
                    static_cast<DurationMs>(ranges.draw("quiet_hours", random) * kHourMs));
  looping = true;
  const TimestampMs onset = cluster.now();
  const TimestampMs fourth = loop(cluster, job, ranges, random, oom);
  looping = false;
  cluster.run_until(cluster.now() + 20 * kMinuteMs);
  Truth truth;
  Goal goal;
  goal.detector = "restart_loop";
  goal.name = progress ? "restart_loop/with checkpoints" : "restart_loop/no progress";
  goal.entity = "orders";
  goal.onset = onset;
  goal.deadline = fourth + 2 * cluster.scrape_ms();
  truth.goals.push_back(std::move(goal));
  truth.entailed = {"checkpoint_absent", "backpressure", "job_down"};
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * (1 + hosts);
  return truth;
}

constexpr Range kPeaceRanges[] = {
    {"days", 3, 7, Scale::linear, "", 0.2},
    {"task_managers", 3, 12, Scale::linear, "", 2},
    {"jobs", 1, 4, Scale::linear, "", 1},
    {"parallelism", 2, 16, Scale::log, "of each vertex", 1},
    {"scrape_s", 15, 60, Scale::log, "", 1},
    {"checkpoint_s", 10, 600, Scale::log, "interval", 1},
    {"deploys_per_day", 0.5, 6, Scale::log, "of each job"},
    {"deploy_s", 5, 120, Scale::log, "from the old job's end to the new one's start"},
    {"drains_per_week", 0.5, 2, Scale::log, "node after node, all of them"},
    {"drain_gap_s", 60, 900, Scale::log, "between two nodes of one drain", 10},
    {"faults_per_week", 0.5, 4, Scale::log, "of each job, unrelated to each other"},
    {"rescales_per_week", 0.2, 10, Scale::log, "of each job"},
    {"down_s", 3, 60, Scale::log, "of a restart"},
};

class Peace {
 public:
  Peace(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        ranges_(ranges),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        gap_ms_(static_cast<DurationMs>(1000 * ranges.draw("drain_gap_s", random_))) {
    const int hosts = ranges.draw_count("task_managers", random_);
    for (int i = 0; i < hosts; ++i) cluster_.add_task_manager(plain_task_manager(), host_name(i));
    const int jobs = ranges.draw_count("jobs", random_);
    for (int i = 0; i < jobs; ++i) jobs_.push_back(&submit("job-" + std::to_string(i), false));
    deploys_ = Schedule(ranges.draw("deploys_per_day", random_) * jobs, kDayMs, random_);
    faults_ = Schedule(ranges.draw("faults_per_week", random_) * jobs, kWeekMs, random_);
    rescales_ = Schedule(ranges.draw("rescales_per_week", random_) * jobs, kWeekMs, random_);
    drains_ = Schedule(ranges.draw("drains_per_week", random_), kWeekMs, random_);
  }

  Truth run() {
    const auto length = static_cast<DurationMs>(ranges_.draw("days", random_) * kDayMs);
    cluster_.run_until(kCaseStart + length, [this](TimestampMs at) { happen(at); });
    Truth truth;
    truth.job_weeks = cluster_.weeks() * static_cast<double>(jobs_.size());
    truth.process_weeks =
        cluster_.weeks() * static_cast<double>(1 + cluster_.task_managers().size());
    return truth;
  }

 private:
  Job& submit(const std::string& name, bool again) {
    JobPlan plan = chain_plan(name, 3, ranges_.draw_count("parallelism", random_));
    plan.checkpoints = plain_checkpoints(
        static_cast<DurationMs>(1000 * ranges_.draw("checkpoint_s", random_)), random_.fork());
    plan.from_savepoint = again;
    return cluster_.submit(std::move(plan), random_.below(16));
  }

  DurationMs down() { return static_cast<DurationMs>(1000 * ranges_.draw("down_s", random_)); }
  std::size_t any_job() { return random_.below(jobs_.size()); }

  void happen(TimestampMs at) {
    if (deploys_.due(at)) deploy(any_job());
    if (faults_.due(at)) {
      if (Job* job = jobs_[any_job()]; job != nullptr) {
        const std::size_t kind = random_.below(std::size(kCauses));
        job->restart(cluster_.now(), task_fault(*job, kCauses[kind], kFrames[kind]), down());
      }
    }
    if (rescales_.due(at)) {
      if (Job* job = jobs_[any_job()]; job != nullptr) job->rescale(cluster_.now(), down());
    }
    if (drains_.due(at) && left_to_drain_ == 0) {
      left_to_drain_ = cluster_.task_managers().size();
      next_drain_ = at;
    }
    if (left_to_drain_ > 0 && at >= next_drain_) {
      cluster_.replace(*cluster_.task_managers().front(), down());
      --left_to_drain_;
      next_drain_ = at + gap_ms_;
    }
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i] == nullptr && at >= back_at_)
        jobs_[i] = &submit("job-" + std::to_string(i), true);
    }
  }

  void deploy(std::size_t index) {
    if (jobs_[index] == nullptr) return;
    jobs_[index]->savepoint(cluster_.now());
    cluster_.end(*jobs_[index], random_.chance(0.5) ? "FINISHED" : "CANCELED");
    jobs_[index] = nullptr;
    back_at_ = cluster_.now() + static_cast<DurationMs>(1000 * ranges_.draw("deploy_s", random_));
  }

  Random random_;
  const Ranges& ranges_;
  Cluster cluster_;
  DurationMs gap_ms_;
  std::vector<Job*> jobs_;  // null while being deployed
  Schedule deploys_, faults_, rescales_, drains_;
  std::size_t left_to_drain_{0};
  TimestampMs next_drain_{0};
  TimestampMs back_at_{0};
};

Truth play_peace(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  return Peace(seed, ranges, stage).run();
}

}  // namespace

namespace families {
extern const Family restart_loops{"restart_loops", "P12", Kind::positive,
                                  kLoopRanges,     1,     play_loop};
extern const Family restarts_in_peace{"restarts_in_peace", "N5", Kind::negative,
                                      kPeaceRanges,        4,    play_peace};
}  // namespace families

}  // namespace doctor::detection
