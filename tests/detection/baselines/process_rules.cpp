// Rules on one figure of a process: fill level, forecasts, rising steps.
#include <algorithm>
#include <map>

#include "tests/detection/baselines/baselines.hpp"
#include "tests/detection/baselines/rule.hpp"

namespace doctor::detection {
namespace {

class ProcessRule : public Rule {
 public:
  using Rule::Rule;

 protected:
  struct Figures {
    std::map<Metric, double> now;
    TimestampMs at{};
    double get(Metric metric) const {
      const auto found = now.find(metric);
      return found == now.end() ? 0 : found->second;
    }
  };

  void take(const SeriesKey& key, double value, TimestampMs at) override {
    if (entities().at(key.entity).level != Level::process) return;
    Figures& figures = processes_[key.entity];
    figures.now[key.metric] = value;
    figures.at = at;
  }
  void take(const JobFacts&, TimestampMs) override {}
  void judge(TimestampMs now) override {
    for (const auto& [process, figures] : processes_) {
      if (figures.at == now) state(subject_of_process(process), holds(process, figures, now), now);
    }
  }
  virtual bool holds(EntityId process, const Figures& figures, TimestampMs now) = 0;

 private:
  std::map<EntityId, Figures> processes_;
};

class MetaspaceFull final : public ProcessRule {
 public:
  explicit MetaspaceFull(const EntityTable& entities) : ProcessRule("metaspace_leak", entities) {}

 private:
  bool holds(EntityId, const Figures& figures, TimestampMs) override {
    const double limit = figures.get(Metric::jvm_metaspace_max);
    return limit > 0 && figures.get(Metric::jvm_metaspace_used) > 0.9 * limit;
  }
};

class MetaspaceForecast final : public ProcessRule {
 public:
  explicit MetaspaceForecast(const EntityTable& entities)
      : ProcessRule("metaspace_leak", entities) {}

 private:
  static constexpr DurationMs kPastMs = 6 * kHourMs;
  static constexpr DurationMs kAheadMs = 24 * kHourMs;
  static constexpr DurationMs kEveryMs = 5 * kMinuteMs;  // of samples kept; a slope needs no more

  bool holds(EntityId process, const Figures& figures, TimestampMs now) override {
    Past& past = pasts_.try_emplace(process).first->second;
    const double used = figures.get(Metric::jvm_metaspace_used);
    const double limit = figures.get(Metric::jvm_metaspace_max);
    if (now - past.taken_at >= kEveryMs) {
      past.recent.add(now, used);
      past.taken_at = now;
      past.firing = past.recent.covers() && used > 0.6 * limit &&
                    used + past.recent.slope_per_ms() * kAheadMs > limit;
    }
    return past.firing;
  }

  struct Past {
    Recent recent{kPastMs};
    TimestampMs taken_at{0};
    bool firing{false};
  };
  std::map<EntityId, Past> pasts_;
};

class FiveRisingSteps final : public ProcessRule {
 public:
  explicit FiveRisingSteps(const EntityTable& entities) : ProcessRule("metaspace_leak", entities) {}

 private:
  static constexpr double kStepMin = 1e6;

  bool holds(EntityId process, const Figures& figures, TimestampMs) override {
    Steps& steps = steps_[process];
    const double used = figures.get(Metric::jvm_metaspace_used);
    if (used > steps.level + kStepMin) {
      if (steps.level > 0) ++steps.rising;
      steps.level = used;
    } else if (used < steps.level - kStepMin) {
      steps = {used, 0};
    }
    return steps.rising >= 5;
  }

  struct Steps {
    double level{0};
    int rising{0};
  };
  std::map<EntityId, Steps> steps_;
};

class ManagedFull final : public ProcessRule {
 public:
  explicit ManagedFull(const EntityTable& entities) : ProcessRule("native_overrun", entities) {}

 private:
  bool holds(EntityId, const Figures& figures, TimestampMs) override {
    const double total = figures.get(Metric::managed_total);
    return total > 0 && figures.get(Metric::managed_used) > 0.95 * total;
  }
};

/// Block cache above its capacity, on any column family.
class CacheFull final : public Rule {
 public:
  explicit CacheFull(const EntityTable& entities) : Rule("native_overrun", entities) {}

 private:
  void take(const SeriesKey& key, double value, TimestampMs) override {
    if (key.metric == Metric::rocksdb_block_cache_usage) usage_[key.entity] = value;
    if (key.metric == Metric::rocksdb_block_cache_capacity) capacity_[key.entity] = value;
  }
  void take(const JobFacts&, TimestampMs) override {}
  void judge(TimestampMs now) override {
    std::map<std::string, bool> full;  // by host
    for (const auto& [id, job] : jobs()) {
      for (const VertexFacts& vertex : job->vertices) {
        for (const SubtaskFacts& subtask : vertex.subtasks) {
          bool& here = full[subtask.host];
          here = here || is_full(id, vertex.id, subtask.index);
        }
      }
    }
    for (const auto& [host, is] : full) {
      Subject subject;
      subject.host = host;
      state(subject, is, now);
    }
  }

  bool is_full(const std::string& job, const std::string& vertex, int index) const {
    const EntityId of_job = entities().find(Level::job, kClusterEntity, job);
    const EntityId of_vertex = entities().find(Level::vertex, of_job, vertex);
    const EntityId subtask =
        entities().find(Level::subtask, of_vertex, "", static_cast<std::uint32_t>(index));
    if (subtask == kNoEntity) return false;
    for (const EntityId op : entities().children(subtask, Level::operator_)) {
      for (const EntityId family : entities().children(op, Level::column_family)) {
        const auto usage = usage_.find(family);
        const auto capacity = capacity_.find(family);
        if (usage != usage_.end() && capacity != capacity_.end() &&
            usage->second > capacity->second) {
          return true;
        }
      }
    }
    return false;
  }

  std::map<EntityId, double> usage_, capacity_;
};

template <class T>
std::unique_ptr<Watch> make(const EntityTable& entities) {
  return std::make_unique<T>(entities);
}

}  // namespace

namespace baselines {
const Baseline metaspace_full{"metaspace > 90 %", "metaspace_leak",
                              "jvm-mixin, Google's Flink alerts", make<MetaspaceFull>};
const Baseline metaspace_forecast{"predict_linear 6h→24h, > 60 %", "metaspace_leak", "Prometheus",
                                  make<MetaspaceForecast>};
const Baseline five_rising_steps{"5 rising submissions", "metaspace_leak", "folklore",
                                 make<FiveRisingSteps>};
const Baseline managed_full{"managed memory > 95 %", "native_overrun", "folklore",
                            make<ManagedFull>};
const Baseline cache_full{"block cache > capacity", "native_overrun", "folklore", make<CacheFull>};
}  // namespace baselines

}  // namespace doctor::detection
