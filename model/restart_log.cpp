#include "model/restart_log.hpp"

#include <algorithm>
#include <cmath>

namespace doctor {
namespace {

bool is_same(const ExceptionRecord& a, const ExceptionRecord& b) {
  return a.at == b.at && a.name == b.name && a.task == b.task && a.message == b.message;
}

}  // namespace

void RestartLog::absorb(const JobFacts& job) {
  for (const ExceptionRecord& fault : job.exceptions) add(fault);
}

void RestartLog::add(const ExceptionRecord& fault) {
  // What was dropped comes again with every poll while Flink still lists it.
  if (forgotten_until_ && fault.at <= *forgotten_until_) return;
  const auto known = std::find_if(faults_.begin(), faults_.end(),
                                  [&](const ExceptionRecord& f) { return is_same(f, fault); });
  if (known != faults_.end()) return;
  ++seen_;
  if (!first_ || fault.at < first_->at) first_ = fault;
  const auto later = std::find_if(faults_.begin(), faults_.end(),
                                  [&](const ExceptionRecord& f) { return f.at > fault.at; });
  faults_.insert(later, fault);
  if (faults_.size() > faults_max_) {
    forgotten_until_ = faults_.front().at;
    faults_.erase(faults_.begin());
  }
}

void RestartLog::absorb_count(TimestampMs at, double restarts) {
  if (!std::isfinite(restarts) || restarts < 0) return;
  if (last_count_) {
    const double more = restarts < *last_count_ ? restarts : restarts - *last_count_;
    restarts_ += static_cast<std::uint64_t>(more);
    if (more > 0) last_counted_at_ = at;
  }
  last_count_ = restarts;
}

}  // namespace doctor
