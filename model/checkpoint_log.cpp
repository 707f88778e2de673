#include "model/checkpoint_log.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace doctor {

void CheckpointLog::absorb(const JobFacts& job) {
  if (job.id != job_id_) {
    job_id_ = job.id;
    job_begin_ = records_.size();
  }
  for (const CheckpointRecord& record : job.checkpoints) merge(record);
  if (job.latest_completed) merge(*job.latest_completed);
  drop_lost(job);
  while (records_.size() > records_max_) shrink();
}

void CheckpointLog::merge(const CheckpointRecord& record) {
  const auto begin = records_.begin() + static_cast<std::ptrdiff_t>(job_begin_);
  const auto known = std::find_if(begin, records_.end(),
                                  [&](const CheckpointRecord& r) { return r.id == record.id; });
  if (known != records_.end()) {
    const bool goes_back = record.status == CheckpointRecord::Status::in_progress &&
                           known->status != CheckpointRecord::Status::in_progress;
    if (!goes_back) *known = record;
    return;
  }
  const auto later = std::find_if(begin, records_.end(),
                                  [&](const CheckpointRecord& r) { return r.id > record.id; });
  records_.insert(later, record);
}

// A checkpoint in progress that Flink does not list any more ended unseen, or its coordinator did.
void CheckpointLog::drop_lost(const JobFacts& job) {
  const auto listed = [&](const CheckpointRecord& record) {
    return std::any_of(job.checkpoints.begin(), job.checkpoints.end(),
                       [&](const CheckpointRecord& r) { return r.id == record.id; });
  };
  std::size_t index = 0;
  std::size_t dropped_before = 0;
  std::erase_if(records_, [&](const CheckpointRecord& record) {
    const bool of_present_job = index++ >= job_begin_;
    const bool lost = record.status == CheckpointRecord::Status::in_progress &&
                      !(of_present_job && listed(record));
    if (lost && !of_present_job) ++dropped_before;
    return lost;
  });
  job_begin_ -= dropped_before;
}

void CheckpointLog::shrink() {
  const std::size_t victim = least_informative();
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(victim));
  if (victim < job_begin_) --job_begin_;
}

std::size_t CheckpointLog::least_informative() const {
  const std::size_t thinned = records_.size() - std::max<std::size_t>(1, records_max_ / 3);
  std::size_t victim = 0;
  TimestampMs least = std::numeric_limits<TimestampMs>::max();
  for (std::size_t i = 0; i < thinned; ++i) {
    if (records_[i].status == CheckpointRecord::Status::failed) return i;
    if (i == 0 || i + 1 >= records_.size()) continue;
    const TimestampMs gap = records_[i + 1].triggered - records_[i - 1].triggered;
    if (gap < least) {
      least = gap;
      victim = i;
    }
  }
  return victim;
}

}  // namespace doctor
