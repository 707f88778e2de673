// The restarts of one job, with the faults behind them, remembered beyond the sixteen exceptions
// that Flink keeps. Survives a JobManager failover, where numRestarts and the history start anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/facts.hpp"

namespace doctor {

class RestartLog {
 public:
  explicit RestartLog(std::size_t faults_max = 32) : faults_max_(faults_max) {}

  /// Merges the exceptions that Flink remembers now. Flink tells the same ones at every poll; one
  /// is known by its time, class, task and message.
  void absorb(const JobFacts& job);
  /// numRestarts as a metric tells it; a fall is a new JobMaster. NaN is ignored.
  void absorb_count(TimestampMs at, double restarts);

  std::span<const ExceptionRecord> faults() const { return faults_; }  // oldest first
  /// The first fault ever seen of this job, kept when newer ones push it out of `faults`.
  const std::optional<ExceptionRecord>& first_fault() const { return first_; }
  std::uint64_t restarts_counted() const { return restarts_; }  // increments seen by us
  /// When the last increment was seen.
  const std::optional<TimestampMs>& last_counted_at() const { return last_counted_at_; }
  std::uint64_t faults_seen() const { return seen_; }

 private:
  void add(const ExceptionRecord& fault);

  std::size_t faults_max_;
  std::vector<ExceptionRecord> faults_;
  std::optional<ExceptionRecord> first_;
  std::optional<TimestampMs> forgotten_until_;  // time of the newest fault that was dropped
  std::optional<double> last_count_;
  std::optional<TimestampMs> last_counted_at_;
  std::uint64_t restarts_{0};
  std::uint64_t seen_{0};
};

}  // namespace doctor
