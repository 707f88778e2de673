#include "detectors/statistics/backlog.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "detectors/job_times.hpp"
#include "detectors/statistics/task_load.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr std::array kTellers{Metric::source_pending_records, Metric::kafka_records_lag_max,
                              Metric::kafka_legacy_records_lag_max};
constexpr DurationMs kWatchedMaxMs = 10 * kMinuteMs;
constexpr DurationMs kWatchedMinMs = 2 * kMinuteMs;
constexpr DurationMs kStaleMs = 2 * kMinuteMs;  // two polls that were missed, of slow ones
constexpr std::size_t kPointsMin = 6;
constexpr double kGoneShare = 0.02;  // of the most that was seen: as good as drained

using Rings = std::vector<const RawRing*>;

/// Of every subtask of the sources; empty when one of them does not tell.
Rings rings_of(const Window& window, const JobFacts& job, Metric metric) {
  Rings rings;
  for (const VertexFacts& vertex : job.vertices) {
    if (!vertex.inputs.empty()) continue;
    const std::size_t before = rings.size();
    for (const EntityId subtask : subtasks_of(window, job, vertex)) {
      for (const EntityId op : window.entities->children(subtask, Level::operator_)) {
        const RawRing* ring = window.features->raw(metric, op);
        if (ring != nullptr && !ring->empty()) rings.push_back(ring);
      }
    }
    if (rings.size() - before < static_cast<std::size_t>(std::max(1, vertex.parallelism)))
      return {};
  }
  return rings;
}

std::optional<double> value_at(const RawRing& ring, TimestampMs at) {
  std::optional<double> value;
  for (std::size_t i = 0; i < ring.size() && ring.at(i).at <= at; ++i) {
    value.reset();
    if (at - ring.at(i).at <= kStaleMs) value = ring.at(i).value;
  }
  return value;
}

struct Course {
  std::vector<double> t, records;  // ms before the newest sample (negative)
};

/// The sum over all, at the moments at which the first was sampled.
Course course_of(const Rings& rings, TimestampMs since) {
  Course course;
  const RawRing& clock = *rings.front();
  for (std::size_t i = 0; i < clock.size(); ++i) {
    const TimestampMs at = clock.at(i).at;
    if (at < std::max(since, clock.back().at - kWatchedMaxMs)) continue;
    double sum = 0;
    const bool complete = std::all_of(rings.begin(), rings.end(), [&](const RawRing* ring) {
      const std::optional<double> value = value_at(*ring, at);
      sum += value.value_or(0);
      return value.has_value();
    });
    if (!complete) continue;
    course.t.push_back(static_cast<double>(at - clock.back().at));
    course.records.push_back(sum);
  }
  return course;
}

std::optional<Backlog> judge(const Course& course, TimestampMs to) {
  if (course.t.size() < kPointsMin || -course.t.front() < kWatchedMinMs) return std::nullopt;
  // One of the sources has fallen silent since: what waits before it may be anything.
  if (-course.t.back() > kStaleMs) return std::nullopt;
  // No correction for autocorrelation: a backlog adds up what is left over, so its bends are no
  // noise. What counts is that it fell, and still does.
  const std::span<const double> t(course.t), records(course.records);
  const std::optional<Slope> whole = theil_sen(t, records);
  const std::optional<Slope> late = theil_sen(t.last(t.size() / 2), records.last(t.size() / 2));
  if (!whole || !late) return std::nullopt;
  Backlog backlog;
  backlog.from = to + static_cast<DurationMs>(course.t.front());
  backlog.to = to;
  backlog.records = course.records.back();
  backlog.per_ms = whole->value;
  const double most = *std::max_element(course.records.begin(), course.records.end());
  const double slowest = std::max(whole->high, late->value);
  if (most > 0 && backlog.records <= kGoneShare * most) {
    backlog.drains = true;
    backlog.left_ms = 0;
  } else if (slowest < 0) {
    backlog.drains = true;
    backlog.left_ms = backlog.records / -slowest;
  }
  return backlog;
}

}  // namespace

std::optional<Backlog> backlog_of(const Window& window, const JobFacts& job) {
  const TimestampMs since = running_since(job);
  for (const Metric metric : kTellers) {
    const Rings rings = rings_of(window, job, metric);
    if (rings.empty()) continue;
    const TimestampMs newest = rings.front()->back().at;
    if (window.now - newest > kStaleMs) continue;
    if (auto backlog = judge(course_of(rings, since), newest)) {
      backlog->metric = metric;
      return backlog;
    }
  }
  return std::nullopt;
}

}  // namespace doctor
