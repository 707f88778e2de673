#include "collectors/rest/telling.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace doctor::rest {
namespace {

constexpr double kSizeRatioMin = 1.5;
constexpr double kDetailsBytesMin = 16.0 * 1024 * 1024;  // below, growth is not worth calls
constexpr DurationMs kSlowAgeMinMs = 10 * kMinuteMs;     // where all of them are slow
constexpr double kSlowTimeoutShare = 0.5;

/// The newest completed checkpoint took half of what it may, or much longer than the one before. Of
/// a job whose checkpoints are all slow one now and then is enough.
std::optional<std::int64_t> slow_checkpoint(const KnownJob& job, TimestampMs now) {
  const CheckpointRecord* newest = nullptr;
  const CheckpointRecord* before = nullptr;
  for (const CheckpointRecord& record : job.facts.checkpoints) {
    if (record.savepoint || record.status != CheckpointRecord::Status::completed) continue;
    before = newest;
    newest = &record;
  }
  if (newest == nullptr || newest->duration.value_or(0) < kSlowMinMs) return std::nullopt;
  const auto took = static_cast<double>(*newest->duration);
  const auto& config = job.facts.checkpoint_config;
  const bool near = config && took >= kSlowTimeoutShare * static_cast<double>(config->timeout);
  const bool moved = before != nullptr && before->duration &&
                     took > kSizeRatioMin * static_cast<double>(*before->duration);
  if (!near && !moved) return std::nullopt;
  if (job.checkpoint_details.contains(newest->id)) return newest->id;
  for (const auto& [id, part] : job.checkpoint_details) {
    if (now - part.asked_at < kSlowAgeMinMs) return std::nullopt;
  }
  return newest->id;
}

}  // namespace

bool is_overdue(const KnownJob& job, TimestampMs now) {
  const auto& config = job.facts.checkpoint_config;
  if (!config || !config->interval || !job.facts.all_tasks_running_since) return false;
  TimestampMs since = *job.facts.all_tasks_running_since;
  if (job.facts.latest_completed) since = std::max(since, job.facts.latest_completed->triggered);
  const DurationMs allowed = std::max(*config->interval, config->timeout);
  return now - since > 2 * allowed && now - since < 20 * allowed;
}

bool is_troubled(const KnownJob& job, TimestampMs now) {
  return is_overdue(job, now) || size_moved(job);
}

bool size_moved(const KnownJob& job) {
  std::optional<double> newest;
  const auto& checkpoints = job.facts.checkpoints;
  for (auto record = checkpoints.rbegin(); record != checkpoints.rend(); ++record) {
    if (record->savepoint || !record->state_size) continue;
    if (!newest) {
      newest = *record->state_size;
      continue;
    }
    const auto [smaller, larger] = std::minmax(*newest, *record->state_size);
    return larger > kSizeRatioMin * smaller;
  }
  return false;
}

const VertexCheckpoint* last_vertex(const CheckpointDetails& details) {
  const auto rank = [](const VertexCheckpoint& vertex) {
    return std::pair(vertex.subtasks - vertex.acknowledged, vertex.duration.value_or(0));
  };
  const auto last =
      std::max_element(details.vertices.begin(), details.vertices.end(),
                       [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return last == details.vertices.end() ? nullptr : &*last;
}

std::vector<std::int64_t> telling_checkpoints(const KnownJob& job, TimestampMs now) {
  std::vector<std::int64_t> telling;
  const CheckpointRecord* before = nullptr;
  for (const CheckpointRecord& record : job.facts.checkpoints) {
    if (record.savepoint || !record.state_size) continue;
    const double size = *record.state_size;
    const bool moved = before != nullptr && size > kSizeRatioMin * *before->state_size;
    if (moved && size >= kDetailsBytesMin) telling = {before->id, record.id};
    before = &record;
  }
  if (const auto slow = slow_checkpoint(job, now)) telling.push_back(*slow);
  if (job.facts.checkpoints.empty()) return telling;
  const CheckpointRecord& newest = job.facts.checkpoints.back();
  const bool failed = newest.status == CheckpointRecord::Status::failed;
  const bool late = newest.status == CheckpointRecord::Status::in_progress && is_overdue(job, now);
  if (failed || late) telling.push_back(newest.id);
  return telling;
}

}  // namespace doctor::rest
