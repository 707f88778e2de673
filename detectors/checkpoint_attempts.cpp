#include "detectors/checkpoint_attempts.hpp"

#include <algorithm>
#include <iterator>
#include <span>

#include "detectors/checkpoint_clock.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/fault.hpp"

namespace doctor {
namespace {

using Status = CheckpointRecord::Status;
using KnownFromNewest = std::span<const CheckpointRecord>::reverse_iterator;

/// Visits all that is known to have completed.
template <class Visit>
void each_completed(const Window& window, const JobFacts& job, Visit visit) {
  for (const CheckpointRecord& record : known_checkpoints(window, job)) {
    if (record.status == Status::completed) visit(record);
  }
  if (job.latest_completed) visit(*job.latest_completed);
}

/// When the job last became RUNNING by anything but failed checkpoints: restarts for those are a
/// part of the same story.
TimestampMs story_begin(const Window& window, const JobFacts& job) {
  const TimestampMs running = running_since(job);
  const std::vector<Restart> restarts = restarts_of(known_faults(window, job));
  TimestampMs begin = running;
  for (auto restart = restarts.rbegin(); restart != restarts.rend(); ++restart) {
    if (restart->at > begin) continue;
    if (!exceeded_tolerance(*restart->fault)) break;
    // A checkpoint since then: what made it run at `running` was something else.
    bool ran_between = false;
    each_completed(window, job, [&](const CheckpointRecord& record) {
      const TimestampMs ended = end_or_trigger(record);
      ran_between = ran_between || (ended > restart->at && ended < running);
    });
    if (begin == running && ran_between) break;
    const auto before = std::next(restart);
    begin = before == restarts.rend() ? job.start : before->at;
  }
  return begin;
}

/// What fails after a start before anything completed is checkpoint_absent's, or warming up.
std::optional<TimestampMs> first_completed(const Window& window, const JobFacts& job,
                                           TimestampMs from) {
  std::optional<TimestampMs> first;
  each_completed(window, job, [&](const CheckpointRecord& record) {
    if (record.triggered < from) return;
    first = std::min(first.value_or(record.triggered), record.triggered);
  });
  return first;
}

/// Nothing for what tells nothing: savepoints, which people make, those in progress, consequences.
std::optional<Attempt> attempt_of(const CheckpointRecord& record, TimestampMs running) {
  if (record.savepoint || record.status == Status::in_progress) return std::nullopt;
  if (record.status == Status::completed) return Attempt{&record, std::nullopt};
  const CheckpointFailure failure = checkpoint_failure(record.failure);
  if (failure == CheckpointFailure::consequence) return std::nullopt;
  // A restart can show itself in these words too.
  const bool vague = failure == CheckpointFailure::trigger || failure == CheckpointFailure::other;
  if (vague && record.triggered < running) return std::nullopt;
  return Attempt{&record, failure};
}

/// Whether so many follow each other that Flink's history told them: its latest completed, latest
/// failed and latest savepoint are three at most.
bool begins_page(KnownFromNewest record, KnownFromNewest end) {
  constexpr int kMoreThanLatest = 3;
  for (int i = 0; i < kMoreThanLatest; ++i) {
    const auto older = std::next(record);
    if (older == end || record->id - older->id != 1) return false;
    record = older;
  }
  return true;
}

}  // namespace

TimestampMs end_or_trigger(const CheckpointRecord& record) {
  return std::max(record.triggered, record.ended.value_or(record.triggered));
}

Attempts newest_attempts(const Window& window, const JobFacts& job, std::size_t attempts_max) {
  Attempts attempts;
  const std::optional<TimestampMs> from = first_completed(window, job, story_begin(window, job));
  if (!from || *from <= 0) return attempts;
  const TimestampMs running = running_since(job);
  const std::span<const CheckpointRecord> records = known_checkpoints(window, job);
  std::size_t seen = 0;
  bool has_hole = false;
  std::int64_t after = 0;
  for (auto record = records.rbegin(); record != records.rend(); ++record, ++seen) {
    if (record->id <= 0 || record->triggered < *from) break;
    const std::int64_t missing = after == 0 ? 0 : after - record->id - 1;
    if (missing != 0) {
      const bool small = missing > 0 && missing <= static_cast<std::int64_t>(seen);
      if (!small || !begins_page(record, records.rend())) break;
      if (!attempts.empty()) attempts.back().after_hole = true;
      has_hole = true;
    }
    // Further back the log is thinned, and of failed ones first.
    if (has_hole && seen >= attempts_max) break;
    after = record->id;
    if (const auto attempt = attempt_of(*record, running)) attempts.push_back(*attempt);
    if (attempts.size() >= attempts_max) break;
  }
  std::reverse(attempts.begin(), attempts.end());
  return attempts;
}

}  // namespace doctor
