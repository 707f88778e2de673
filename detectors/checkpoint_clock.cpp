#include "detectors/checkpoint_clock.hpp"

#include <algorithm>

#include "detectors/advice.hpp"
#include "detectors/job_times.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kBacklogOption = "execution.checkpointing.interval-during-backlog";
constexpr std::string_view kThresholdText = "tolerable failure threshold";

TimestampMs present(const Window& window, const JobFacts& job) {
  TimestampMs now = std::max(job.checkpoints_read_at.value_or(window.now), running_since(job));
  for (const CheckpointRecord& record : job.checkpoints) now = std::max(now, record.triggered);
  return now;
}

DurationMs allowed_interval(const Window& window, const CheckpointConfig& config) {
  return std::max(*config.interval, interval_during_backlog(window).value_or(0));
}

DurationMs tolerated(const CheckpointConfig& config, double tolerated_max) {
  return static_cast<DurationMs>(
      std::min(static_cast<double>(std::max(config.tolerable_failures, 0)), tolerated_max));
}

}  // namespace

CheckpointClock checkpoint_clock(const Window& window, const JobFacts& job, double tolerated_max) {
  CheckpointClock clock;
  clock.now = present(window, job);
  clock.completed = last_completed(window, job);
  const CheckpointConfig& config = *job.checkpoint_config;
  const auto failures = tolerated(config, tolerated_max);
  // Flink pauses after a failure as well as after a success.
  clock.allowed_ms = std::max(allowed_interval(window, config), config.timeout) * (failures + 2) +
                     config.min_pause * (failures + 1);
  const TimestampMs from = clock.completed.value_or(job.start);
  for (const ExceptionRecord& fault : job.exceptions) {
    if (fault.at > from && exceeded_tolerance(fault)) ++clock.threshold_restarts;
  }
  clock.since = clock.threshold_restarts > 0 ? from : std::max(from, running_since(job));
  const bool stands = job.checkpoints_read_at || clock.since > kForEver - clock.allowed_ms;
  clock.stands_until = stands ? kForEver : clock.since + clock.allowed_ms;
  return clock;
}

std::string clock_arithmetic(const Window& window, const JobFacts& job, double tolerated_max) {
  const CheckpointConfig& config = *job.checkpoint_config;
  const auto text = [](DurationMs ms) { return format_duration_ms(static_cast<double>(ms)); };
  const auto failures = tolerated(config, tolerated_max);
  const std::string times = failures > 0 ? " × " + std::to_string(failures + 1) : "";
  return "max(interval " + text(allowed_interval(window, config)) + ", timeout " +
         text(config.timeout) + ") × (" + std::to_string(failures) + " tolerated failures + 2)" +
         (config.min_pause > 0 ? " + min-pause " + text(config.min_pause) + times : "");
}

std::optional<DurationMs> interval_during_backlog(const Window& window) {
  const std::optional<std::string> text = first_option(window.cluster, {kBacklogOption});
  return text ? parse_duration_ms(*text) : std::nullopt;
}

bool exceeded_tolerance(const ExceptionRecord& fault) {
  return fault.message.find(kThresholdText) != std::string::npos ||
         fault.root_cause.find(kThresholdText) != std::string::npos;
}

std::optional<Evidence> waiting_evidence(const JobFacts& job, const CheckpointRecord& attempt) {
  const CheckpointDetails* details = job.details(attempt.id);
  if (details == nullptr) return std::nullopt;
  const auto missing = [](const VertexCheckpoint& vertex) {
    return vertex.subtasks - vertex.acknowledged;
  };
  const auto worst =
      std::max_element(details->vertices.begin(), details->vertices.end(),
                       [&](const auto& a, const auto& b) { return missing(a) < missing(b); });
  if (worst == details->vertices.end() || missing(*worst) <= 0) return std::nullopt;
  std::size_t others = 0;
  for (const VertexCheckpoint& vertex : details->vertices) others += missing(vertex) > 0 ? 1 : 0;
  const VertexFacts* facts = job.vertex(worst->vertex);
  Evidence evidence;
  evidence.metric = "subtasks that have not acknowledged checkpoint " + std::to_string(details->id);
  evidence.value = missing(*worst);
  evidence.unit = "count";
  evidence.sentence =
      "checkpoint " + std::to_string(details->id) + " waits for " +
      std::to_string(missing(*worst)) + " of " + std::to_string(worst->subtasks) + " subtasks of " +
      (facts == nullptr ? worst->vertex : printable(facts->name, 80)) +
      (worst->waits_for ? ", the first is subtask " + std::to_string(*worst->waits_for) : "") +
      (others > 1 ? ", and for some of " + std::to_string(others - 1) + " other vertices" : "");
  return evidence;
}

}  // namespace doctor
