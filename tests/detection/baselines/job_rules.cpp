// Rules on a job's checkpoints and restarts.
#include <algorithm>
#include <map>
#include <set>

#include "tests/detection/baselines/baselines.hpp"
#include "tests/detection/baselines/rule.hpp"

namespace doctor::detection {
namespace {

constexpr DurationMs kAtOnceMs = 0;

Subject subject_of(const std::string& job_name) {
  Subject subject;
  subject.job_name = job_name;
  return subject;
}

/// Judges each newly completed checkpoint of a job against those of the last 24 h.
class SizeRule : public Rule {
 public:
  explicit SizeRule(const EntityTable& entities) : Rule("checkpoint_size_outlier", entities) {}

 protected:
  virtual bool stands_out(const Recent& past, double size) const = 0;

 private:
  static constexpr std::size_t kPastMin = 6;
  static constexpr int kRun = 3;  // as the product: that many in a row

  void take(const SeriesKey&, double, TimestampMs) override {}
  void take(const JobFacts& job, TimestampMs at) override {
    Past& past = pasts_.try_emplace(job.name).first->second;
    for (const CheckpointRecord& record : job.checkpoints) {
      if (record.status != CheckpointRecord::Status::completed || record.savepoint ||
          !record.state_size || record.triggered <= past.newest) {
        continue;
      }
      past.newest = record.triggered;
      const bool out =
          past.recent.values().size() >= kPastMin && stands_out(past.recent, *record.state_size);
      past.run = out ? past.run + 1 : 0;
      past.recent.add(record.triggered, *record.state_size);
      state(subject_of(job.name), past.run >= kRun, at, kAtOnceMs);
    }
  }
  void judge(TimestampMs) override {}

  struct Past {
    Recent recent{kDayMs};
    TimestampMs newest{0};
    int run{0};
  };
  std::map<std::string, Past> pasts_;
};

class SizeZScore final : public SizeRule {
  using SizeRule::SizeRule;
  bool stands_out(const Recent& past, double size) const override {
    return size > past.mean() + 4 * past.deviation();
  }
};

class SizeDoubled final : public SizeRule {
  using SizeRule::SizeRule;
  bool stands_out(const Recent& past, double size) const override { return size > 2 * past.mean(); }
};

class CheckpointRule : public Rule {
 public:
  explicit CheckpointRule(const EntityTable& entities) : Rule("checkpoint_absent", entities) {}

 protected:
  virtual bool holds(const JobFacts& job, TimestampMs now) const = 0;

 private:
  void take(const SeriesKey&, double, TimestampMs) override {}
  void take(const JobFacts&, TimestampMs) override {}
  void judge(TimestampMs now) override {
    for (const auto& [id, job] : jobs()) {
      if (job->checkpointing == Checkpointing::on) {
        state(subject_of(job->name), holds(*job, now), now, kAtOnceMs);
      }
    }
  }
};

class NoCheckpointHalfHour final : public CheckpointRule {
  using CheckpointRule::CheckpointRule;
  bool holds(const JobFacts& job, TimestampMs now) const override {
    const TimestampMs last = job.latest_completed && job.latest_completed->ended
                                 ? *job.latest_completed->ended
                                 : job.start;
    return now - last > 30 * kMinuteMs;
  }
};

class FiveFailed final : public CheckpointRule {
  using CheckpointRule::CheckpointRule;
  bool holds(const JobFacts& job, TimestampMs now) const override {
    const auto failed =
        std::count_if(job.checkpoints.begin(), job.checkpoints.end(), [&](const auto& record) {
          return record.status == CheckpointRecord::Status::failed &&
                 now - record.triggered < kHourMs;
        });
    return failed >= 5;
  }
};

/// increase(numRestarts[span]) ≥ count, by job name, over redeployments.
class RestartRule : public Rule {
 public:
  RestartRule(const EntityTable& entities, DurationMs span_ms, double count)
      : Rule("restart_loop", entities), span_ms_(span_ms), count_(count) {}

 private:
  void take(const SeriesKey& key, double value, TimestampMs at) override {
    if (key.metric != Metric::job_restarts) return;
    counts_.try_emplace(entities().name(key.entity), span_ms_).first->second.add(at, value);
  }
  void take(const JobFacts&, TimestampMs) override {}
  void judge(TimestampMs now) override {
    std::erase_if(counts_, [&](const auto& entry) { return !jobs().contains(entry.first); });
    for (const auto& [id, recent] : counts_) {
      double rise = 0;
      const auto& values = recent.values();
      for (std::size_t i = 1; i < values.size(); ++i) {
        if (values[i].first <= now - span_ms_) continue;
        rise += std::max(0.0, values[i].second - values[i - 1].second);
      }
      state(subject_of(jobs().at(id)->name), rise >= count_, now, kAtOnceMs);
    }
  }

  DurationMs span_ms_;
  double count_;
  std::map<std::string, Recent> counts_;  // by job id
};

template <class T>
std::unique_ptr<Watch> make(const EntityTable& entities) {
  return std::make_unique<T>(entities);
}
std::unique_ptr<Watch> make_any_restart(const EntityTable& entities) {
  return std::make_unique<RestartRule>(entities, 10 * kMinuteMs, 1);
}
std::unique_ptr<Watch> make_three_restarts(const EntityTable& entities) {
  return std::make_unique<RestartRule>(entities, 30 * kMinuteMs, 3);
}

}  // namespace

namespace baselines {
const Baseline size_z_score{"4 sigma of 24 h", "checkpoint_size_outlier", "Prometheus",
                            make<SizeZScore>};
const Baseline size_doubled{"2 × mean of 24 h", "checkpoint_size_outlier", "folklore",
                            make<SizeDoubled>};
const Baseline no_checkpoint_half_hour{"none for 30 min", "checkpoint_absent", "folklore",
                                       make<NoCheckpointHalfHour>};
const Baseline five_failed{"5 failed in 1 h", "checkpoint_absent", "Google's Flink alerts",
                           make<FiveFailed>};
const Baseline any_restart{"any restart in 10 min", "restart_loop", "common Prometheus rule",
                           make_any_restart};
const Baseline three_restarts{"3 restarts in 30 min", "restart_loop", "common Prometheus rule",
                              make_three_restarts};
}  // namespace baselines

}  // namespace doctor::detection
