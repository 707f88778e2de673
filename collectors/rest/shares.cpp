#include "collectors/rest/shares.hpp"

#include <algorithm>
#include <string>

namespace doctor::rest {
namespace {

/// Shares of the budget of calls. How vertices spend their time has one of its own: on a cluster
/// with hundreds of TaskManagers their pages would take it all.
constexpr double kVerticesShare = 0.35;
constexpr double kMetricsShare = 0.3;
/// Where it screens, in place of the vertices' share.
constexpr double kScreenedJobsShare = 0.15;
constexpr double kSuspectsShare = 0.2;
constexpr double kOthersShare = 0.03;
constexpr double kStillShare = 0.15;
constexpr DurationMs kStillAgeMs = 20 * kSecondMs;
constexpr double kVerticesBytesShare = 0.7;
/// What a job itself counts is told by its other pages too: it is asked for so much more seldom.
constexpr std::size_t kJobMetricsTurns = 4;
/// Older than a minute, and with what else is due older than a value may be.
constexpr DurationMs kScreenFromMs = kMinuteMs;
constexpr double kSuspectMin = 0.05;  // half of what a task that is held up shows
/// Of a vertex's page, as Flink 1.16 … 2.3 write it.
constexpr double kBytesPerSubtask = 640;

/// A little early, by about a poll, is better than a whole poll late.
DurationMs min_of(DurationMs age_ms) { return std::max(age_ms * 3 / 4, age_ms - 5 * kSecondMs); }

}  // namespace

bool is_suspect(const KnownJob& job, const VertexFacts& vertex) {
  const auto waits = [&](const std::string& id) {
    const auto known = job.vertices.find(id);
    return known != job.vertices.end() && known->second.backpressured >= kSuspectMin;
  };
  return waits(vertex.id) || std::any_of(vertex.inputs.begin(), vertex.inputs.end(),
                                         [&](const Edge& input) { return waits(input.from); });
}

bool is_suspect(const KnownJob& job, const std::string& vertex_id) {
  const VertexFacts* vertex = job.facts.vertex(vertex_id);
  return vertex != nullptr && is_suspect(job, *vertex);
}

Shares::Shares(const KnownCluster& known, const AgendaRules& rules)
    : calls_per_minute_(rules.calls_per_minute), bytes_per_minute_(rules.bytes_per_minute) {
  for (const auto& [id, job] : known.jobs) {
    if (job.ended()) continue;
    ++jobs_running_;
    if (!rules.task_manager_reporters) count(job);
  }
  if (rules.task_manager_reporters) return;
  metrics_pages_ += known.processes.size();
  if (!rules.job_manager_reporter) metrics_pages_ += jobs_running_ / kJobMetricsTurns;
  screens_ = age_of(vertices_, kVerticesShare) > kScreenFromMs;
}

void Shares::count(const KnownJob& job) {
  std::size_t pages = 0;
  for (const auto& [id, vertex] : job.vertices) pages += vertex.queries.size();
  metrics_pages_ += pages;
  if (job.event_time_stands_still()) still_pages_ += pages;
  for (const VertexFacts& vertex : job.facts.vertices) {
    const auto add_to = [&](Pages& of) {
      ++of.count;
      of.bytes += kBytesPerSubtask * vertex.parallelism;
    };
    add_to(vertices_);
    if (is_suspect(job, vertex)) add_to(suspects_);
  }
}

DurationMs Shares::age_of(std::size_t parts, double share) const {
  const double calls_per_minute = std::max(1.0, share * calls_per_minute_);
  return static_cast<DurationMs>(static_cast<double>(parts) * static_cast<double>(kMinuteMs) /
                                 calls_per_minute);
}

DurationMs Shares::age_of(const Pages& pages, double calls_share) const {
  const double minutes_of_bytes = pages.bytes / (kVerticesBytesShare * bytes_per_minute_);
  return std::max(age_of(pages.count, calls_share),
                  static_cast<DurationMs>(minutes_of_bytes * static_cast<double>(kMinuteMs)));
}

DurationMs Shares::age_of_jobs(double share) const { return age_of(jobs_running_, share); }

DurationMs Shares::age_min_of_jobs(double share, DurationMs wanted_ms) const {
  return min_of(std::max(wanted_ms, age_of_jobs(share)));
}

DurationMs Shares::age_min_of_values() const {
  return min_of(std::max(kValuesAgeMs, age_of(metrics_pages_, kMetricsShare)));
}

DurationMs Shares::age_min_of_job_values() const {
  const DurationMs age = age_min_of_values();
  return age > kValuesAgeMs ? age * static_cast<DurationMs>(kJobMetricsTurns) : age;
}

DurationMs Shares::age_min_of_vertex_values(const KnownJob& job) const {
  const DurationMs age = age_min_of_values();
  if (!job.event_time_stands_still()) return age;
  return std::min(age, min_of(std::max(kStillAgeMs, age_of(still_pages_, kStillShare))));
}

DurationMs Shares::age_min_of_screened_jobs() const {
  return age_min_of_jobs(kScreenedJobsShare, kValuesAgeMs);
}

DurationMs Shares::age_min_of_vertex(const KnownJob& job, const VertexFacts& vertex) const {
  DurationMs age = age_of(vertices_, kVerticesShare);
  if (screens_) {
    age = is_suspect(job, vertex) ? age_of(suspects_, kSuspectsShare)
                                  : age_of(vertices_, kOthersShare);
  }
  return min_of(std::max(kValuesAgeMs, age));
}

}  // namespace doctor::rest
