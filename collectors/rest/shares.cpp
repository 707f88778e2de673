#include "collectors/rest/shares.hpp"

#include <algorithm>
#include <string>

#include "collectors/rest/bodies.hpp"
#include "collectors/rest/telling.hpp"

namespace doctor::rest {
namespace {

/// Shares of the budget of calls. How vertices spend their time has one of its own: on a cluster
/// with hundreds of TaskManagers their pages would take it all.
constexpr double kVerticesShare = 0.35;
constexpr double kMetricsShare = 0.3;
constexpr double kStateShare = 0.16;  // column families take pages and pages, and change slowly
/// Where it screens, in place of the vertices' share.
constexpr double kScreenedJobsShare = 0.15;
constexpr double kSuspectsShare = 0.12;
constexpr double kOthersShare = 0.03;
constexpr double kStillShare = 0.15;
constexpr DurationMs kStillAgeMs = 20 * kSecondMs;
constexpr DurationMs kStillLooks = 8;  // over the time that it has stood
constexpr DurationMs kTroubledAgeMs = 10 * kSecondMs;
constexpr double kTroubledShare = 0.35;
constexpr double kListsShare = 0.20;  // before what screens
constexpr double kVerticesBytesShare = 0.7;
/// What a job itself counts is told by its other pages too: it is asked for so much more seldom.
constexpr double kJobMetricsTurns = 4;
/// The same of a vertex whose last answer told nothing of event time, state or a lag.
constexpr double kLittleTurns = 4;
/// Older than a minute, and with what else is due older than a value may be.
constexpr DurationMs kScreenFromMs = kMinuteMs;
constexpr double kSuspectMin = 0.05;  // half of what a task that is held up shows

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
    : calls_per_minute_(rules.calls_per_minute),
      bytes_per_minute_(rules.bytes_per_minute),
      now_(rules.now) {
  for (const auto& [id, job] : known.jobs) {
    if (job.ended()) continue;
    ++jobs_running_;
    if (is_troubled(job, now_)) ++jobs_troubled_;
    if (!rules.task_manager_reporters) count(job);
  }
  if (rules.task_manager_reporters) return;
  metrics_pages_ += static_cast<double>(known.processes.size());
  if (!rules.job_manager_reporter) metrics_pages_ += jobs_running_ / kJobMetricsTurns;
  screens_ = age_of(vertices_, kVerticesShare) > kScreenFromMs;
}

void Shares::count(const KnownJob& job) {
  const bool still = job.event_time_stands_still();
  for (const auto& [id, vertex] : job.vertices) {
    const auto pages = static_cast<double>(vertex.queries.size());
    (vertex.tells_state ? state_pages_ : metrics_pages_) +=
        vertex.tells_little ? pages / kLittleTurns : pages;
    if (still) still_pages_ += pages;
    if (vertex.metric_ids.asked() && now_ - vertex.metric_ids.asked_at < kMinuteMs) ++lists_lately_;
  }
  for (const VertexFacts& vertex : job.facts.vertices) {
    const auto add_to = [&](Pages& of) {
      ++of.count;
      of.bytes += Bodies::kBytesPerSubtask * vertex.parallelism;
    };
    add_to(vertices_);
    if (is_suspect(job, vertex)) add_to(suspects_);
  }
}

DurationMs Shares::age_of(double parts, double share) const {
  const double calls_per_minute = std::max(1.0, share * calls_per_minute_);
  return static_cast<DurationMs>(parts * static_cast<double>(kMinuteMs) / calls_per_minute);
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

DurationMs Shares::age_min_of_troubled() const {
  return min_of(std::max(kTroubledAgeMs, age_of(jobs_troubled_, kTroubledShare)));
}

DurationMs Shares::age_min_of_values() const {
  return min_of(std::max(kValuesAgeMs, age_of(metrics_pages_, kMetricsShare)));
}

DurationMs Shares::age_min_of_state() const {
  return min_of(std::max(kValuesAgeMs, age_of(state_pages_, kStateShare)));
}

DurationMs Shares::age_min_of_job_values() const {
  const DurationMs age = age_min_of_values();
  return age > kValuesAgeMs ? age * static_cast<DurationMs>(kJobMetricsTurns) : age;
}

DurationMs Shares::age_min_of_vertex_values(const KnownVertex& vertex,
                                            TimestampMs still_since) const {
  const DurationMs age = vertex.tells_state ? age_min_of_state() : age_min_of_values();
  if (still_since != 0) {
    const DurationMs wanted = std::max(kStillAgeMs, (now_ - still_since) / kStillLooks);
    return std::min(age, min_of(std::max(wanted, age_of(still_pages_, kStillShare))));
  }
  const bool seldom = vertex.tells_little && age > kValuesAgeMs;
  return seldom ? age * static_cast<DurationMs>(kLittleTurns) : age;
}

bool Shares::lists_had_theirs() const { return lists_lately_ >= kListsShare * calls_per_minute_; }

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
