// P4: resident memory grows beyond all that Flink and the JVM account for, steadily or with every
// restart of a job on a TaskManager that stays. And what fills and stops: a heap that is touched
// for the first time, RocksDB's share, malloc's arenas, which settle within hours of a load.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr double kMegabyte = 1e6;

constexpr Range kLeakRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 10, 120},
    {"heap_mb", 500, 4000, Scale::log, "", 200},
    {"managed_mb", 0, 3000, Scale::linear, "reserved, and filled by RocksDB", 0},
    {"overhead_share", 0.12, 0.3, Scale::linear, "of all budgets, left to the container's limit",
     0.1},
    {"native_mb", 60, 200, Scale::log, "stacks, the collector, libraries", 30},
    {"arenas_share", 0, 0.04, Scale::linear, "of all budgets, by which malloc's arenas settle", 0},
    {"fill_h", 2, 30, Scale::log, "until heap and cache are touched", 1},
    {"noise_mb", 2, 20, Scale::log, "", 1},
    {"usual_days", 2, 6, Scale::linear, "before the leak", 1.5},
    {"life_h", 12, 120, Scale::log, "of the leak, from its onset to the limit", 8},
    {"steps_share", 0.4, 0.4, Scale::linear, "of leaks that grow with restarts only", 0, 1},
    {"steps", 8, 24, Scale::log, "restarts until the limit", 7},
};

constexpr Range kPeaceRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 10, 120},
    {"heap_mb", 500, 4000, Scale::log, "", 200},
    {"managed_mb", 0, 3000, Scale::linear, "reserved, and filled by RocksDB", 0},
    {"overhead_share", 0.12, 0.3, Scale::linear, "of all budgets, left to the container's limit",
     0.1},
    {"native_mb", 60, 400, Scale::log, "stacks, the collector, libraries", 30},
    {"arenas_share", 0, 0.06, Scale::linear, "of all budgets, by which malloc's arenas settle", 0},
    {"overrun_share", 0, 0.15, Scale::linear,
     "of its share, that RocksDB's caches may take beyond it", 0},
    {"fill_h", 2, 72, Scale::log, "until heap and cache are touched", 1},
    {"noise_mb", 2, 20, Scale::log, "", 1},
    {"tide_mb", 0, 60, Scale::linear, "of the day", 0},
    {"restarts_per_week", 0.5, 14, Scale::log, "of the job; arenas settle anew"},
    {"days", 8, 14, Scale::linear, "", 4},
};

/// A TaskManager's resident memory, part by part, with the budgets that Flink and the JVM tell.
class Native {
 public:
  Native(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        noise_(random_.fork()),
        heap_(ranges.draw("heap_mb", random_) * kMegabyte),
        managed_(ranges.draw("managed_mb", random_) * kMegabyte),
        native_(ranges.draw("native_mb", random_) * kMegabyte),
        arenas_(ranges.draw("arenas_share", random_) * budget()),
        fill_ms_(ranges.draw("fill_h", random_) * kHourMs),
        noise_bytes_(ranges.draw("noise_mb", random_) * kMegabyte) {
    if (managed_ < 200 * kMegabyte) managed_ = 0;
    limit_ = budget() * (1 + ranges.draw("overhead_share", random_)) + native_;
    TaskManagerFacts sizes = plain_task_manager();
    sizes.memory.managed = managed_;
    sizes.memory.total_process = limit_;
    add_series(cluster_.add_task_manager(std::move(sizes), host_name(0)));
    JobPlan plan = chain_plan("orders", 2, 1);
    plan.checkpoints = plain_checkpoints(kMinuteMs, random_.fork());
    job_ = &cluster_.submit(std::move(plan));
    settles_from_ = cluster_.now();
  }

  double leaked{0}, tide{0}, overrun{0};

  double budget() const { return heap_ + kNonheap + kDirect + managed_; }
  double limit() const { return limit_; }
  double resident(TimestampMs at) const {
    const auto age = static_cast<double>(at - kCaseStart);
    const double touched = 1 - std::exp(-3 * age / fill_ms_);
    const double settled = 1 - std::exp(-static_cast<double>(at - settles_from_) / (4.0 * kHourMs));
    const double share = std::min(1.0, kSettledBefore + settled);
    return 0.9 * kDirect + kNonheap + native_ + touched * (heap_ + managed_ * (1 + overrun)) +
           share * arenas_ + tide * season(at, 1, 0) / 2 + leaked;
  }
  void restart() {
    if (!job_->is_running()) return;
    settles_from_ = cluster_.now();
    job_->restart(cluster_.now(), task_fault(*job_, "java.io.IOException: reset", "org.acme.Read"),
                  10 * kSecondMs);
  }
  Truth truth() const {
    Truth truth;
    truth.job_weeks = cluster_.weeks();
    truth.process_weeks = cluster_.weeks() * 2;
    return truth;
  }
  Cluster& cluster() { return cluster_; }
  Random& random() { return random_; }

 private:
  static constexpr double kNonheap = 180 * kMegabyte;
  static constexpr double kDirect = 350 * kMegabyte;
  static constexpr double kSettledBefore = 0.7;  // what a restart does not give back

  void add_series(Process& process) {
    const EntityId entity = process.entity;
    Block block;
    for (const Metric metric :
         {Metric::host_resident_anonymous, Metric::jvm_heap_max, Metric::jvm_nonheap_committed,
          Metric::jvm_direct_capacity, Metric::managed_used, Metric::managed_total,
          Metric::cgroup_limit}) {
      block.keys.push_back({metric, entity});
    }
    block.fill = [this](TimestampMs at, double* values) {
      wobble_ = 0.99 * wobble_ + 0.14 * noise_bytes_ * noise_.normal();
      values[0] = std::max(0.0, resident(at) + wobble_);
      values[1] = heap_;
      values[2] = kNonheap;
      values[3] = kDirect;
      values[4] = values[5] = managed_;
      values[6] = limit_;
    };
    process.add(std::move(block));
  }

  Random random_;
  Cluster cluster_;
  Random noise_;
  double heap_, managed_, native_, arenas_, fill_ms_, noise_bytes_;
  double limit_{0};
  double wobble_{0};  // neighbours in time resemble each other
  TimestampMs settles_from_{kCaseStart};
  Job* job_{nullptr};
};

Truth play_leak(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Native native(seed, ranges, stage);
  Random& random = native.random();
  const bool steps = random.chance(ranges.draw("steps_share", random));
  const int count = ranges.draw_count("steps", random);
  const double life_ms = ranges.draw("life_h", random) * kHourMs;
  const auto usual = static_cast<DurationMs>(ranges.draw("usual_days", random) * kDayMs);
  native.cluster().run_until(kCaseStart + usual);
  const TimestampMs onset = native.cluster().now();
  const TimestampMs end = onset + static_cast<DurationMs>(life_ms);
  const double room = native.limit() - native.resident(onset);
  int taken = 0;
  while (native.cluster().now() < end && native.resident(native.cluster().now()) < native.limit()) {
    native.cluster().run_until(native.cluster().now() + kMinuteMs, [&](TimestampMs at) {
      const double share = static_cast<double>(at - onset) / life_ms;
      if (!steps) {
        native.leaked = room * share;
      } else if (share * count >= taken + 1) {
        native.leaked = room * ++taken / count;
        native.restart();
      }
    });
  }
  const TimestampMs killed = native.cluster().now();
  Goal goal;
  goal.name = steps ? "native_leak/with restarts" : "native_leak/steady";
  goal.detector = "native_leak";
  goal.entity = host_name(0);
  goal.onset = onset;
  goal.deadline = killed;
  goal.exhausted_at = killed;
  Truth truth = native.truth();
  truth.goals.push_back(std::move(goal));
  truth.entailed = {"restart_loop"};
  return truth;
}

Truth play_peace(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Native native(seed, ranges, stage);
  native.overrun = ranges.draw("overrun_share", native.random());
  native.tide = ranges.draw("tide_mb", native.random()) * kMegabyte;
  Schedule restarts(ranges.draw("restarts_per_week", native.random()), kWeekMs, native.random());
  const double days = ranges.draw("days", native.random());
  native.cluster().run_until(kCaseStart + static_cast<DurationMs>(days * kDayMs),
                             [&](TimestampMs at) {
                               if (restarts.due(at)) native.restart();
                             });
  return native.truth();
}

}  // namespace

namespace families {
extern const Family native_leaks{"native_leaks", "P4", Kind::positive, kLeakRanges, 1, play_leak};
extern const Family native_peace{
    "native_peace", "N3, fills and stays", Kind::negative, kPeaceRanges, 1, play_peace};
}  // namespace families

}  // namespace doctor::detection
