// P8, RocksDB outgrows its share of managed memory, or what is left for it when it is unmanaged;
// its twins: caches that fill to their capacity over hours and then stay, with memtables that come
// and go within the share.
#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

// Of the slot's managed share M the cache gets 5/6 and is meant to stay below M with memtables.
constexpr double kCacheShare = 2.5 / 3;

constexpr Range kOverrunRanges[] = {
    {"scrape_s", 15, 60, Scale::log, "", 1},
    {"task_managers", 1, 4, Scale::linear, "", 1},
    {"slots", 1, 4, Scale::linear, "", 1},
    {"managed_bytes", 400e6, 8e9, Scale::log, "of a TaskManager"},
    {"families", 1, 6, Scale::linear, "column families per operator", 1},
    {"fill_hours", 0.5, 12, Scale::log, "time constant of the cache", 0.01},
    {"unmanaged_share", 0.3, 0.3, Scale::linear, "of cases with managed memory off", 0, 1},
    {"overrun_ratio", 1.1, 1.9, Scale::log, "use / budget in the end", 1.03},
    {"overrun_hours", 0.5, 24, Scale::log, "from the budget to that", 0.01},
};

constexpr Range kFillRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 1},
    {"task_managers", 1, 4, Scale::linear, "", 1},
    {"slots", 1, 4, Scale::linear, "", 1},
    {"managed_bytes", 400e6, 8e9, Scale::log, "of a TaskManager"},
    {"families", 1, 6, Scale::linear, "column families per operator", 1},
    {"fill_hours", 1, 48, Scale::log, "time constant of the cache", 0.01},
    {"unmanaged_share", 0.3, 0.3, Scale::linear, "of cases with managed memory off", 0, 1},
    {"full_ratio", 0.7, 0.97, Scale::linear, "use / budget when it is full", 0.1, 0.98},
    {"noise", 0.002, 0.01, Scale::log, "spread of the use", 0, 0.012},
    {"days", 2, 7, Scale::linear, "", 0.2},
    {"restarts_per_week", 0.5, 4, Scale::log, ""},
};

/// How full the budget is, for all slots alike.
struct Level {
  std::function<double(TimestampMs)> of_budget;
  double budget{};  // bytes: a slot's share, or all slots' together when unmanaged
  bool unmanaged{false};
  int families{1};
};

/// Two operators with column families; each slot holds one subtask of both.
JobPlan rocksdb_plan(int subtasks, const std::shared_ptr<Level>& level) {
  JobPlan plan = chain_plan("joins", 3, subtasks);
  plan.checkpoints = plain_checkpoints(kMinuteMs, Random(1));
  plan.checkpoints->config.state_backend = "EmbeddedRocksDBStateBackend";
  for (const std::size_t vertex : {std::size_t{1}, std::size_t{2}}) {
    for (int family = 0; family < level->families; ++family) {
      SubtaskSeries series;
      series.vertex = vertex;
      series.operator_ = "Join_" + std::to_string(vertex);
      series.column_family = "state_" + std::to_string(family);
      series.metrics = {Metric::rocksdb_block_cache_usage, Metric::rocksdb_block_cache_capacity,
                        Metric::rocksdb_block_cache_pinned_usage, Metric::rocksdb_memtables,
                        Metric::rocksdb_table_readers};
      series.fill = [level](int, TimestampMs at, double* values) {
        const double used = level->of_budget(at) * level->budget;
        const double parts = 2.0 * level->families;
        if (level->unmanaged) {
          // Every column family has a cache of its own, and memtables.
          values[0] = 8e6;
          values[1] = 8e6;
          values[2] = 0;
          values[3] = std::max(1e6, used / parts - 8e6);
        } else {
          // All column families of a slot report the same cache, memtables included.
          values[0] = used;
          values[1] = kCacheShare * level->budget;
          values[2] = 0.1 * used;
          values[3] = 0.3 * used / parts;
        }
        values[4] = 0;
      };
      plan.series.push_back(std::move(series));
    }
  }
  return plan;
}

struct Shop {
  Cluster cluster;
  std::shared_ptr<Level> level;
  Job* job{nullptr};
  int task_managers{};
};

Shop open_shop(const Ranges& ranges, Random& random, Stage& stage) {
  Shop shop{Cluster(stage, random.fork(), scrape_of(ranges, random)), std::make_shared<Level>()};
  shop.task_managers = ranges.draw_count("task_managers", random);
  const int slots = ranges.draw_count("slots", random);
  const double managed = ranges.draw("managed_bytes", random);
  Level& level = *shop.level;
  level.unmanaged = random.chance(ranges.draw("unmanaged_share", random));
  level.families = ranges.draw_count("families", random);
  level.budget = managed / slots;
  shop.cluster.facts().configuration["state.backend.type"] = "rocksdb";
  if (level.unmanaged) {
    shop.cluster.facts().configuration["state.backend.rocksdb.memory.managed"] = "false";
  }
  for (int i = 0; i < shop.task_managers; ++i) {
    TaskManagerFacts sizes = plain_task_manager();
    sizes.slots = slots;
    sizes.memory.managed = managed;
    Process& process = shop.cluster.add_task_manager(sizes, host_name(i));
    process.add({{{Metric::managed_used, process.entity}, {Metric::managed_total, process.entity}},
                 [managed, unmanaged = level.unmanaged](TimestampMs, double* values) {
                   values[0] = unmanaged ? 0 : managed;
                   values[1] = managed;
                 }});
  }
  return shop;
}

double filled(TimestampMs at, double tau_hours) {
  return 1 - std::exp(-static_cast<double>(at - kCaseStart) / (tau_hours * kHourMs));
}

Truth play_overrun(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Shop shop = open_shop(ranges, random, stage);
  Level& level = *shop.level;
  const double tau = ranges.draw("fill_hours", random);
  const double ratio = ranges.draw("overrun_ratio", random);
  const auto span = static_cast<DurationMs>(ranges.draw("overrun_hours", random) * kHourMs);
  // Fills to .9 of the budget within three time constants, then grows on in a straight line; memory
  // that nobody could have touched yet (a memtable's last block) makes unmanaged use look smaller.
  const auto begins = kCaseStart + static_cast<DurationMs>(3 * tau * kHourMs);
  const double blocks = level.unmanaged ? 2.0 * level.families * 8 * 1024 * 1024 : 0;
  const double crossing = 1 + blocks / level.budget;
  level.of_budget = [=](TimestampMs at) {
    if (at <= begins) return 0.9 * filled(at, tau);
    const double grown = static_cast<double>(at - begins) / static_cast<double>(span);
    return 0.9 + (ratio * crossing - 0.9) * std::min(1.0, grown);
  };
  const auto subtasks = shop.task_managers;  // one slot of each TaskManager
  shop.job = &shop.cluster.submit(rocksdb_plan(subtasks, shop.level));
  const auto crosses =
      begins + static_cast<DurationMs>((crossing - 0.9) / (ratio * crossing - 0.9) *
                                       static_cast<double>(span));
  Truth truth;
  for (int i = 0; i < shop.task_managers; ++i) {
    Goal goal;
    goal.name = level.unmanaged ? "native_overrun/unmanaged" : "native_overrun/managed";
    goal.detector = "native_overrun";
    goal.entity = host_name(i);
    goal.onset = crosses;
    goal.deadline = crosses + 10 * kMinuteMs + span / 50;
    truth.goals.push_back(std::move(goal));
  }
  shop.cluster.run_until(std::max(begins + span, crosses + span / 50) + 30 * kMinuteMs);
  truth.job_weeks = shop.cluster.weeks();
  truth.process_weeks = shop.cluster.weeks() * (1 + shop.task_managers);
  return truth;
}

Truth play_fill(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Shop shop = open_shop(ranges, random, stage);
  const double tau = ranges.draw("fill_hours", random);
  const double full = ranges.draw("full_ratio", random);
  const double spread = ranges.draw("noise", random);
  const auto noise = std::make_shared<Random>(random.fork());
  shop.level->of_budget = [=](TimestampMs at) {
    return std::min(0.995, full * filled(at, tau) * noise->around_one(spread));
  };
  shop.job = &shop.cluster.submit(rocksdb_plan(shop.task_managers, shop.level));
  Schedule restarts(ranges.draw("restarts_per_week", random), kWeekMs, random);
  const auto length = static_cast<DurationMs>(ranges.draw("days", random) * kDayMs);
  shop.cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    if (!restarts.due(at)) return;
    shop.job->restart(shop.cluster.now(),
                      task_fault(*shop.job, "java.io.IOException: reset", "org.acme.Read.next"),
                      15 * kSecondMs);
  });
  Truth truth;
  truth.job_weeks = shop.cluster.weeks();
  truth.process_weeks = shop.cluster.weeks() * (1 + shop.task_managers);
  return truth;
}

}  // namespace

namespace families {
extern const Family rocksdb_overruns{"rocksdb_overruns", "P8", Kind::positive,
                                     kOverrunRanges,     1,    play_overrun};
extern const Family rocksdb_fills{
    "rocksdb_fills", "cache fills to capacity, then flat", Kind::negative, kFillRanges, 4,
    play_fill};
}  // namespace families

}  // namespace doctor::detection
