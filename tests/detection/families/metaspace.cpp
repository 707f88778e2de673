// P5, class loaders of one job are never given back; P6, only in part; N9, healthy churn that a JVM
// tidies up late; N16, classes that are loaded once over the first days.
#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/stage/jvm.hpp"

namespace doctor::detection {
namespace {

constexpr Range kLeakRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 1},
    {"base_bytes", 60e6, 120e6, Scale::log, "of Flink itself"},
    {"limit_bytes", 256e6, 768e6, Scale::log, "", 200e6},
    {"step_bytes", 2e6, 20e6, Scale::log, "per submission of the job that leaks"},
    {"classes_per_byte", 1.5e-4, 4e-4, Scale::log, ""},
    {"jobs", 1, 4, Scale::linear, "of which one leaks", 1},
    {"events_per_day", 6, 48, Scale::log, "submissions"},
    {"leaky_share", 0.4, 1, Scale::linear, "of submissions that are the leaky job's", 0.1, 1},
    {"retained", 1, 1, Scale::linear, "share of a loader that is never given back", 0, 1},
    {"concurrent_cycle_hours", 6, 200, Scale::log, "between G1 cycles that the heap asks for"},
    {"heap_bytes", 4e8, 8e9, Scale::log, "by which soft references live longer", 1e8},
    {"days_max", 21, 21, Scale::linear, "a case ends then, dead or not"},
};

// As above, but for what is retained.
constexpr Range kPartialRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 1},
    {"base_bytes", 60e6, 120e6, Scale::log, "of Flink itself"},
    {"limit_bytes", 256e6, 512e6, Scale::log, "", 200e6},
    {"step_bytes", 5e6, 20e6, Scale::log, "per submission of the job that leaks"},
    {"classes_per_byte", 1.5e-4, 4e-4, Scale::log, ""},
    {"jobs", 1, 4, Scale::linear, "of which one leaks", 1},
    {"events_per_day", 12, 48, Scale::log, "submissions"},
    {"leaky_share", 0.5, 1, Scale::linear, "of submissions that are the leaky job's", 0.1, 1},
    {"retained", 0.2, 0.7, Scale::linear, "share of a loader that is never given back", 0, 1},
    {"concurrent_cycle_hours", 6, 200, Scale::log, "between G1 cycles that the heap asks for"},
    {"heap_bytes", 4e8, 8e9, Scale::log, "by which soft references live longer", 1e8},
    {"days_max", 21, 21, Scale::linear, "a case ends then, dead or not"},
};

constexpr Range kChurnRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 1},
    {"base_bytes", 60e6, 120e6, Scale::log, "of Flink itself"},
    {"limit_bytes", 256e6, 768e6, Scale::log, "", 200e6},
    {"step_bytes", 1e6, 12e6, Scale::log, "per submission"},
    {"classes_per_byte", 1.5e-4, 4e-4, Scale::log, ""},
    {"jobs", 1, 4, Scale::linear, "", 1},
    {"events_per_day", 2, 480, Scale::log, "submissions"},
    {"concurrent_cycle_hours", 1, 400, Scale::log, "between G1 cycles that the heap asks for"},
    {"heap_bytes", 4e8, 8e9, Scale::log, "by which soft references live longer", 1e8},
    {"first_time_bytes", 1e6, 25e6, Scale::log, "loaded once by logging and plugins"},
    {"first_time_hours", 1, 48, Scale::log, "over which that comes"},
    {"days", 5, 10, Scale::linear, "", 0.2},
};

/// A session cluster with one TaskManager whose jobs are submitted again and again.
class Session {
 public:
  Session(const Ranges& ranges, Random& random, Stage& stage)
      : ranges_(ranges),
        random_(random),
        cluster_(stage, random.fork(), scrape_of(ranges, random)),
        classes_per_byte_(ranges.draw("classes_per_byte", random)),
        jvm_(spec(), random.fork(), kCaseStart),
        manager_jvm_({}, random.fork(), kCaseStart) {
    TaskManagerFacts sizes = plain_task_manager();
    sizes.memory.metaspace = jvm_.limit();
    jvm_.join(cluster_.add_task_manager(sizes, host_name(0)), stage.entities());
    manager_jvm_.join(cluster_.job_manager(), stage.entities());
    const int jobs = ranges.draw_count("jobs", random);
    const double step = ranges.draw("step_bytes", random);
    for (int i = 0; i < jobs; ++i) {
      Resubmitted& job = jobs_.emplace_back();
      job.name = "job-" + std::to_string(i);
      job.bytes = i == 0 ? step : step * random.uniform(0.3, 1.5);
      submit(job, 0, cluster_.now());
    }
  }

  Cluster& cluster() { return cluster_; }
  Jvm& jvm() { return jvm_; }
  std::size_t jobs() const { return jobs_.size(); }
  double bytes_of(std::size_t job) const { return jobs_[job].bytes; }

  /// Cancels that job and submits it again. False when there was no metaspace left for it.
  bool resubmit(std::size_t index, double retained) {
    Resubmitted& job = jobs_[index];
    if (job.job != nullptr) {
      cluster_.end(*job.job, "CANCELED");
      jvm_.release(job.loader, cluster_.now());
    }
    submit(job, retained, cluster_.now());
    if (!jvm_.out_of_memory()) return true;
    ExceptionRecord fault = task_fault(*job.job, "java.lang.OutOfMemoryError: Metaspace",
                                       "java.lang.ClassLoader.defineClass1");
    job.job->restart(cluster_.now(), std::move(fault), 10 * kSecondMs);
    return false;
  }

 private:
  struct Resubmitted {
    std::string name;
    double bytes{};
    Job* job{nullptr};
    Jvm::Loader loader{};
  };

  JvmSpec spec() {
    static constexpr Collector kCollectors[] = {Collector::g1,       Collector::g1,
                                                Collector::g1,       Collector::g1_counted,
                                                Collector::parallel, Collector::serial};
    JvmSpec spec;
    spec.collector = kCollectors[random_.below(std::size(kCollectors))];
    spec.base_bytes = ranges_.draw("base_bytes", random_);
    spec.base_classes = spec.base_bytes * classes_per_byte_;
    spec.limit_bytes = std::floor(ranges_.draw("limit_bytes", random_));
    spec.concurrent_cycle_hours = ranges_.draw("concurrent_cycle_hours", random_);
    spec.heap_bytes = std::floor(ranges_.draw("heap_bytes", random_));
    return spec;
  }

  void submit(Resubmitted& job, double retained, TimestampMs at) {
    job.job = &cluster_.submit(chain_plan(job.name, 3, 2));
    const double bytes = job.bytes * random_.around_one(0.04);
    job.loader = jvm_.load(bytes, std::floor(bytes * classes_per_byte_), retained, at);
  }

  const Ranges& ranges_;
  Random& random_;
  Cluster cluster_;
  double classes_per_byte_;
  Jvm jvm_;
  Jvm manager_jvm_;
  std::vector<Resubmitted> jobs_;
};

/// When the detector should have spoken, as submissions and headroom go by.
struct Milestones {
  TimestampMs onset{0};       // first submission whose predecessor leaked
  TimestampMs eighth{0};      // leaking submission
  TimestampMs suspicious{0};  // two leaking ones after half the headroom, or ten left
  TimestampMs dead{0};
  int leaking{0};
  int suspicious_for{0};

  void submitted(TimestampMs at, double base, double step, const Jvm& jvm) {
    if (onset == 0) onset = at;
    if (++leaking == 8) eighth = at;
    const double headroom = jvm.limit() - base;
    const bool now = jvm.used() - base >= 0.5 * headroom || jvm.limit() - jvm.used() <= 10 * step;
    if (now && leaking >= 6 && ++suspicious_for == 3) suspicious = at;
  }
};

Goal goal_of(const std::string& stage, const Milestones& seen, TimestampMs deadline) {
  Goal goal;
  goal.name = "metaspace_leak/" + stage;
  goal.detector = "metaspace_leak";
  goal.entity = host_name(0);
  goal.onset = seen.onset;
  goal.deadline = deadline;
  goal.culprit = "job-0";
  if (seen.dead > 0) goal.exhausted_at = seen.dead;
  return goal;
}

std::vector<Goal> goals_of(const Milestones& seen, bool partial, DurationMs scrape_ms) {
  std::vector<Goal> goals;
  const DurationMs slack = 2 * scrape_ms;
  if (!partial && seen.eighth > 0) {
    goals.push_back(goal_of("growing", seen, seen.eighth + slack));
    goals.back().severity = Severity::info;
  }
  if (!partial && seen.suspicious > 0) {
    goals.push_back(goal_of("suspected", seen, seen.suspicious + slack));
  }
  if (seen.dead > 0) {
    goals.push_back(goal_of(partial ? "certain (partial)" : "certain", seen, seen.dead - 1));
    goals.back().confidence = Confidence::confirmed;
  }
  return goals;
}

Truth play_leaking(std::uint64_t seed, const Ranges& ranges, Stage& stage, bool partial) {
  Random random(seed);
  Session session(ranges, random, stage);
  Cluster& cluster = session.cluster();
  const double base = session.jvm().used();
  const double retained = ranges.draw("retained", random);
  const double leaky_share = session.jobs() == 1 ? 1 : ranges.draw("leaky_share", random);
  Schedule events(ranges.draw("events_per_day", random), kDayMs, random);
  Milestones seen;
  const auto latest =
      kCaseStart + static_cast<DurationMs>(ranges.draw("days_max", random) * kDayMs);
  // The first submission of the leaky job was of the first kind already: it is alive still.
  while (cluster.now() < latest && seen.dead == 0) {
    if (events.due(cluster.now() + cluster.scrape_ms())) {
      const bool leaky = random.chance(leaky_share);
      const std::size_t index = leaky ? 0 : 1 + random.below(session.jobs() - 1);
      if (!session.resubmit(index, leaky ? retained : 0)) {
        seen.dead = cluster.now();
      } else if (leaky) {
        seen.submitted(cluster.now(), base, session.bytes_of(0), session.jvm());
      }
    }
    cluster.scrape();
  }
  cluster.run_until(cluster.now() + 5 * kMinuteMs);
  Truth truth;
  truth.goals = goals_of(seen, partial, cluster.scrape_ms());
  // A leak in part that kills nobody in this time is no goal, and to name it is not false.
  if (truth.goals.empty() && seen.onset > 0) truth.unscored = {{seen.onset, cluster.now()}};
  truth.entailed = {"restart_loop", "job_down"};
  truth.job_weeks = cluster.weeks() * static_cast<double>(session.jobs());
  truth.process_weeks = cluster.weeks() * 2;
  return truth;
}

Truth play_leak(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  return play_leaking(seed, ranges, stage, false);
}
Truth play_partial(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  return play_leaking(seed, ranges, stage, true);
}

Truth play_churn(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Session session(ranges, random, stage);
  Cluster& cluster = session.cluster();
  Schedule events(ranges.draw("events_per_day", random), kDayMs, random);
  const double first_time = ranges.draw("first_time_bytes", random);
  const double tau_ms = ranges.draw("first_time_hours", random) * kHourMs / 3;
  double grown = 0;
  const auto length = static_cast<DurationMs>(ranges.draw("days", random) * kDayMs);
  cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    const double wanted =
        first_time * (1 - std::exp(-static_cast<double>(at - kCaseStart) / tau_ms));
    if (wanted - grown >= 100e3) {
      session.jvm().grow(wanted - grown, std::floor((wanted - grown) * 2e-4));
      grown = wanted;
    }
    if (events.due(at)) session.resubmit(random.below(session.jobs()), 0);
  });
  Truth truth;
  truth.job_weeks = cluster.weeks() * static_cast<double>(session.jobs());
  truth.process_weeks = cluster.weeks() * 2;
  return truth;
}

}  // namespace

namespace families {
extern const Family metaspace_leaks{"metaspace_leaks", "P5", Kind::positive,
                                    kLeakRanges,       2,    play_leak};
extern const Family metaspace_partial{"metaspace_partial", "P6", Kind::positive,
                                      kPartialRanges,      4,    play_partial};
extern const Family metaspace_churn{"metaspace_churn", "N9, N16", Kind::negative,
                                    kChurnRanges,      2,         play_churn};
}  // namespace families

}  // namespace doctor::detection
