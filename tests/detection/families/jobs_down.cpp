// A job that does not run: it failed for good, waits for slots that never come, or is unknown to a
// JobManager that came back without high availability. And jobs that end as they should, which is
// no fault.
#include <algorithm>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kDownRanges[] = {
    {"scrape_s", 5, 60, Scale::log, "", 1},
    {"jobs", 1, 6, Scale::linear, "of which one goes down", 1},
    {"parallelism", 1, 16, Scale::log, "", 1},
    {"checkpoint_s", 10, 600, Scale::log, "interval", 1},
    {"healthy_min", 2, 300, Scale::log, "before it goes down", 2},
};

constexpr Range kEndRanges[] = {
    {"scrape_s", 10, 60, Scale::log, "", 1},
    {"jobs", 1, 6, Scale::linear, "", 1},
    {"parallelism", 1, 16, Scale::log, "", 1},
    {"checkpoint_s", 10, 600, Scale::log, "interval", 1},
    {"ends_per_day", 4, 40, Scale::log, "jobs that finish or are cancelled, some for good"},
    {"restarts_per_day", 1, 10, Scale::log, "of any job, for single faults"},
    {"down_s", 3, 200, Scale::log, "of a restart, or between two submissions", 1, 240},
    {"hours", 12, 72, Scale::log, "", 2},
};

JobPlan plan_for(const std::string& name, const Ranges& ranges, Random& random) {
  JobPlan plan = chain_plan(name, 3, ranges.draw_count("parallelism", random));
  plan.checkpoints = plain_checkpoints(
      static_cast<DurationMs>(1000 * ranges.draw("checkpoint_s", random)), random.fork());
  return plan;
}

Truth truth_of(const Cluster& cluster, int jobs) {
  Truth truth;
  truth.job_weeks = cluster.weeks() * jobs;
  truth.process_weeks = cluster.weeks() * 3;
  return truth;
}

Truth play_down(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 2; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const int jobs = ranges.draw_count("jobs", random);
  std::vector<Job*> all;
  for (int i = 0; i < jobs; ++i) {
    all.push_back(&cluster.submit(plan_for("job-" + std::to_string(i), ranges, random)));
  }
  cluster.run_until(cluster.now() +
                    static_cast<DurationMs>(ranges.draw("healthy_min", random) * kMinuteMs));
  Job& down = *all[random.below(all.size())];
  Goal goal;
  goal.detector = "job_down";
  goal.entity = down.name();
  goal.onset = cluster.now();
  goal.deadline = goal.onset + 2 * kMinuteMs + 2 * cluster.scrape_ms();
  goal.severity = Severity::critical;
  const ExceptionRecord fault =
      task_fault(down, "java.io.IOException: no space left", "org.acme.Write.flush");
  const std::size_t kind = random.below(3);
  if (kind == 0) {
    goal.name = "job_down/failed";
    down.restart(cluster.now(), fault, kSecondMs);
    cluster.end(down, "FAILED");
  } else if (kind == 1) {
    goal.name = "job_down/stuck";
    goal.severity = Severity::warning;
    goal.deadline += 4 * kMinuteMs;
    down.restart(cluster.now(), fault, kDayMs);
  } else {
    goal.name = "job_down/lost by the JobManager";
    cluster.lose_jobs();
  }
  cluster.run_until(goal.deadline + 5 * kMinuteMs);
  Truth truth = truth_of(cluster, jobs);
  truth.entailed = {"checkpoint_absent", "restart_loop"};
  if (kind == 2) truth.entailed.emplace_back("job_down");  // the others are lost as well
  truth.goals.push_back(std::move(goal));
  return truth;
}

Truth play_ends(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 2; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const int jobs = ranges.draw_count("jobs", random);
  struct Slot {
    Job* job{nullptr};
    TimestampMs back_at{0};
  };
  std::vector<Slot> slots(static_cast<std::size_t>(jobs));
  Schedule ends(ranges.draw("ends_per_day", random), kDayMs, random);
  Schedule restarts(ranges.draw("restarts_per_day", random), kDayMs, random);
  const auto pause = [&] { return static_cast<DurationMs>(1000 * ranges.draw("down_s", random)); };
  const auto length = static_cast<DurationMs>(ranges.draw("hours", random) * kHourMs);
  cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].job != nullptr || at < slots[i].back_at) continue;
      slots[i].job = &cluster.submit(plan_for("job-" + std::to_string(i), ranges, random));
    }
    Slot& any = slots[random.below(slots.size())];
    if (any.job == nullptr) return;
    if (ends.due(at)) {
      cluster.end(*any.job, random.chance(0.5) ? "FINISHED" : "CANCELED");
      any.job = nullptr;
      any.back_at = at + (random.chance(0.3) ? length : pause());
    } else if (restarts.due(at) && any.job->is_running()) {
      const std::string place = "org.acme.Step" + std::to_string(random.below(1000)) + ".run";
      any.job->restart(cluster.now(), task_fault(*any.job, "java.io.IOException: reset", place),
                       pause());
    }
  });
  return truth_of(cluster, jobs);
}

}  // namespace

namespace families {
extern const Family jobs_down{"jobs_down", "jobs that do not run", Kind::positive, kDownRanges, 1,
                              play_down};
extern const Family jobs_that_end{"jobs_that_end", "jobs that end", Kind::negative, kEndRanges, 2,
                                  play_ends};
}  // namespace families

}  // namespace doctor::detection
