// P4: resident memory grows beyond all that Flink and the JVM account for, steadily or with every
// restart of a job on a TaskManager that stays. And what fills and stops: a heap that is touched
// for the first time, RocksDB's share, malloc's arenas, which settle within hours of a load.
#include <algorithm>
#include <string>
#include <utility>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/stage/resident.hpp"

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

ResidentSpec draw_resident(const Ranges& ranges, Random& random) {
  ResidentSpec spec;
  spec.heap = ranges.draw("heap_mb", random) * kMegabyte;
  spec.managed = ranges.draw("managed_mb", random) * kMegabyte;
  spec.native = ranges.draw("native_mb", random) * kMegabyte;
  const double budget = spec.heap + spec.nonheap + spec.direct + spec.managed;
  spec.arenas = ranges.draw("arenas_share", random) * budget;
  spec.fill_ms = ranges.draw("fill_h", random) * kHourMs;
  spec.noise = ranges.draw("noise_mb", random) * kMegabyte;
  if (spec.managed < 200 * kMegabyte) spec.managed = 0;
  spec.overhead_share = ranges.draw("overhead_share", random);
  return spec;
}

/// A TaskManager with its resident memory, and a job that restarts on it.
class Native {
 public:
  Native(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        noise_(random_.fork()),
        spec_(draw_resident(ranges, random_)),
        resident_(spec_, noise_, cluster_.now()) {
    TaskManagerFacts sizes = plain_task_manager();
    sizes.memory.managed = spec_.managed;
    sizes.memory.total_process = resident_.limit();
    Process& process = cluster_.add_task_manager(std::move(sizes), host_name(0));
    process.add({{{Metric::jvm_heap_max, process.entity}},
                 [this](TimestampMs, double* values) { values[0] = spec_.heap; }});
    resident_.join(process);
    JobPlan plan = chain_plan("orders", 2, 1);
    plan.checkpoints = plain_checkpoints(kMinuteMs, random_.fork());
    job_ = &cluster_.submit(std::move(plan));
  }

  void restart() {
    if (!job_->is_running()) return;
    resident_.settle_anew(cluster_.now());
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
  Resident& resident() { return resident_; }
  Random& random() { return random_; }

 private:
  Random random_;
  Cluster cluster_;
  Random noise_;
  ResidentSpec spec_;
  Resident resident_;
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
  Resident& resident = native.resident();
  const double room = resident.limit() - resident.at(onset);
  int taken = 0;
  while (native.cluster().now() < end && resident.at(native.cluster().now()) < resident.limit()) {
    native.cluster().run_until(native.cluster().now() + kMinuteMs, [&](TimestampMs at) {
      const double share = static_cast<double>(at - onset) / life_ms;
      if (!steps) {
        resident.leaked = room * share;
      } else if (share * count >= taken + 1) {
        resident.leaked = room * ++taken / count;
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
  native.resident().overrun = ranges.draw("overrun_share", native.random());
  native.resident().tide = ranges.draw("tide_mb", native.random()) * kMegabyte;
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
