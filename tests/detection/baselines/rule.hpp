// What rule-like baselines share: names of what series are about, and the debounce that all of them
// have. A condition that holds for five minutes is an alarm; it is over when it does not hold at
// one look. (The scorer counts the same incident once in 24 h, for the product as well.)
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/facts.hpp"
#include "tests/detection/watch.hpp"

namespace doctor::detection {

class Rule : public Watch {
 public:
  Rule(std::string detector, const EntityTable& entities)
      : detector_(std::move(detector)), entities_(entities) {}

  void absorb(const StreamItem& item) final;

 protected:
  /// One value of one series; absent ones do not come.
  virtual void take(const SeriesKey& key, double value, TimestampMs at) = 0;
  virtual void take(const JobFacts& job, TimestampMs at) = 0;
  /// All of one scrape has come.
  virtual void judge(TimestampMs now) = 0;

  /// Says whether the condition holds about that subject now.
  void state(const Subject& subject, bool holds, TimestampMs now, DurationMs hold_ms = kHoldMs);
  Subject subject_of_process(EntityId process) const;
  const EntityTable& entities() const { return entities_; }
  const std::map<std::string, JobFactsPtr>& jobs() const { return jobs_; }  // by id; live ones

  static constexpr DurationMs kHoldMs = 5 * kMinuteMs;

 private:
  struct Condition {
    TimestampMs since{};
    bool told{false};
  };

  std::string detector_;
  const EntityTable& entities_;
  std::map<std::string, std::string> hosts_;  // by TaskManager, as reporters name it
  std::map<std::string, JobFactsPtr> jobs_;
  std::map<std::string, Condition> conditions_;
};

/// Values of the last `span_ms`, oldest first.
class Recent {
 public:
  explicit Recent(DurationMs span_ms) : span_ms_(span_ms) {}
  void add(TimestampMs at, double value);
  bool covers() const;  // nearly all of the span
  double mean() const;
  double deviation() const;
  double slope_per_ms() const;  // least squares
  double rise() const;          // sum of the rises: Prometheus' increase()
  const std::vector<std::pair<TimestampMs, double>>& values() const { return values_; }

 private:
  DurationMs span_ms_;
  std::vector<std::pair<TimestampMs, double>> values_;
};

}  // namespace doctor::detection
