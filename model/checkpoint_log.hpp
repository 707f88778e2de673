// The checkpoints of one job lineage, remembered beyond the ten that Flink keeps.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "model/facts.hpp"

namespace doctor {

/// The newest third of the log is complete. Older completed ones are thinned so that what remains
/// is spread evenly over the time since the first: a log of 96 spans minutes or weeks alike.
class CheckpointLog {
 public:
  explicit CheckpointLog(std::size_t records_max = 96) : records_max_(records_max) {}

  /// Merges what Flink remembers now; records are keyed by (job id, checkpoint id), oldest first.
  /// An empty history (a new JobManager) takes nothing away but what was in progress.
  void absorb(const JobFacts& job);
  std::span<const CheckpointRecord> records() const { return records_; }

 private:
  void merge(const CheckpointRecord& record);
  void drop_lost(const JobFacts& job);
  void shrink();
  std::size_t least_informative() const;

  std::size_t records_max_;
  std::string job_id_;
  std::size_t job_begin_{0};  // records of the present job id begin here; ids start anew with it
  std::vector<CheckpointRecord> records_;
};

}  // namespace doctor
