#include "tests/scenarios/checkpoints.hpp"

#include <algorithm>

#include "tests/scenarios/expression.hpp"

namespace doctor::scenario {
namespace {

using Status = CheckpointRecord::Status;

constexpr std::size_t kRemembered = 10;  // web.checkpoints.history

CheckpointRecord draw_one(const CheckpointLine& line, const JobInstance& job, DurationMs at,
                          std::uint64_t serial) {
  CheckpointRecord record;
  record.triggered = kCaseStart + at;
  record.savepoint = line.savepoint;
  record.type = line.savepoint ? "SAVEPOINT" : "CHECKPOINT";
  const bool expires = line.status == Status::in_progress;
  const double jitter = 1 + line.noise * noise(std::hash<std::string>{}(line.job), serial);
  DurationMs lasts = expires ? job.line->timeout : kSecondMs;
  if (line.duration) {
    const DurationMs usual = *line.duration + line.slower * static_cast<DurationMs>(serial);
    lasts = static_cast<DurationMs>(static_cast<double>(usual) * jitter);
  }
  record.status = expires ? Status::failed : line.status;
  record.failure = line.failure;
  if (record.failure.empty() && record.status == Status::failed) {
    record.failure = expires ? "Checkpoint expired before completing."
                             : "Checkpoint was declined (tasks not ready)";
  }
  record.duration = lasts;
  record.ended = record.triggered + lasts;
  record.state_size = (line.size + line.growth * static_cast<double>(serial)) * jitter;
  record.checkpointed_size = line.delta ? *line.delta * jitter : *record.state_size;

  const auto restart = std::upper_bound(job.restarts.begin(), job.restarts.end(), at);
  if (restart != job.restarts.end() && kCaseStart + *restart < *record.ended) {
    record.status = Status::failed;
    record.failure = "Checkpoint Coordinator is suspending.";
    record.ended = kCaseStart + *restart;
    record.duration = *restart - at;
  }
  return record;
}

/// As REST shows it while it is not known how it will end.
CheckpointRecord unfinished(const CheckpointRecord& record) {
  CheckpointRecord shown;
  shown.triggered = record.triggered;
  shown.id = record.id;
  shown.savepoint = record.savepoint;
  shown.type = record.type;
  shown.status = Status::in_progress;
  return shown;
}

}  // namespace

void draw_checkpoints(const CheckpointLine& line, const Case& scenario, JobInstance& job) {
  const DurationMs begin = std::max(line.when.from, job.start);
  const DurationMs end = std::min({line.when.to, scenario.length + 1, job.listed.to});
  std::uint64_t serial = 0;
  for (DurationMs at = begin; at < end;) {
    if (job.state_at(at).name == "RUNNING") {
      job.checkpoints.push_back(draw_one(line, job, at, serial++));
      const DurationMs ended = *job.checkpoints.back().ended - kCaseStart;
      if (line.every && ended > at + *line.every) at = ended - *line.every;
    }
    if (!line.every) return;
    at += *line.every;
  }
}

void number_checkpoints(std::vector<CheckpointRecord>& records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.triggered < b.triggered; });
  std::int64_t id = 0;
  for (CheckpointRecord& record : records) record.id = ++id;
}

void remember_checkpoints(const JobInstance& job, DurationMs at, int subtasks, JobFacts& facts) {
  const TimestampMs now = kCaseStart + at;
  const auto show = [&](const CheckpointRecord& record) {
    CheckpointRecord shown = *record.ended <= now ? record : unfinished(record);
    shown.subtasks = subtasks;
    shown.acknowledged = shown.status == Status::completed ? subtasks : 0;
    return shown;
  };
  CheckpointCounts counts;
  std::optional<TimestampMs> first_completed;
  const CheckpointRecord* latest = nullptr;
  std::size_t triggered = 0;
  for (const CheckpointRecord& record : job.checkpoints) {
    if (record.triggered > now) break;
    ++triggered;
    if (*record.ended > now) {
      ++counts.in_progress;
    } else if (record.status == Status::failed) {
      ++counts.failed;
    } else {
      ++counts.completed;
      first_completed = std::min(first_completed.value_or(*record.ended), *record.ended);
      if (!record.savepoint) latest = &record;
    }
  }
  counts.total = static_cast<std::int64_t>(triggered);
  if (latest != nullptr) facts.latest_completed = show(*latest);
  for (std::size_t i = triggered - std::min(triggered, kRemembered); i < triggered; ++i) {
    facts.checkpoints.push_back(show(job.checkpoints[i]));
  }
  for (const DurationMs restart : job.restarts) {
    if (restart > at || !first_completed || kCaseStart + restart < *first_completed) continue;
    ++counts.restored;
    facts.restored_at = kCaseStart + restart;
  }
  facts.checkpoint_counts = counts;
}

}  // namespace doctor::scenario
