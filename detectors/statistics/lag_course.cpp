#include "detectors/statistics/lag_course.hpp"

#include <algorithm>
#include <array>

#include "detectors/statistics/task_load.hpp"

namespace doctor {
namespace {

constexpr std::array kTellers{Metric::source_pending_records, Metric::kafka_records_lag_max,
                              Metric::kafka_legacy_records_lag_max, Metric::kinesis_millis_behind,
                              Metric::kinesis_legacy_millis_behind};
constexpr DurationMs kStaleMs = 5 * kMinuteMs;
constexpr DurationMs kPaceMs = 15 * kMinuteMs;

/// Of that metric, below all sources of the job, that are told now.
std::vector<EntityId> told_by(const Window& window, const JobFacts& job, Metric metric) {
  std::vector<EntityId> told;
  const auto take = [&](EntityId entity) {
    const auto latest = window.features->latest(metric, entity);
    if (latest && window.fresh(metric, *latest, kStaleMs)) told.push_back(entity);
  };
  for (const VertexFacts& vertex : job.vertices) {
    if (!vertex.inputs.empty()) continue;
    for (const EntityId subtask : subtasks_of(window, job, vertex)) {
      for (const EntityId op : window.entities->children(subtask, Level::operator_)) {
        take(op);
        if (info(metric).level != Level::split) continue;
        for (const EntityId split : window.entities->children(op, Level::split)) take(split);
      }
    }
  }
  return told;
}

/// A floor from then or earlier is still remembered.
bool reaches_back(const Floors& floors, TimestampMs to) {
  for (std::int64_t hour = floors.newest_hour() - kHourlyFloors + 1; hour * kHourMs <= to; ++hour) {
    if (floors.hour(hour)) return true;
  }
  return false;
}

}  // namespace

std::optional<LagCourse> LagCourse::of(const Window& window, const JobFacts& job,
                                       DurationMs watched_ms) {
  for (const Metric metric : kTellers) {
    LagCourse course;
    course.metric_ = metric;
    for (const EntityId entity : told_by(window, job, metric)) {
      const Floors* floors = window.features->floors(metric, entity);
      if (floors == nullptr || floors->empty()) continue;
      if (reaches_back(*floors, window.now - watched_ms)) course.floors_.push_back(floors);
    }
    if (!course.floors_.empty()) return course;
  }
  return std::nullopt;
}

bool LagCourse::is_time() const { return info(metric_).unit == Unit::milliseconds; }

template <class Look>
std::optional<double> LagCourse::together(Look look) const {
  double all = 0;
  for (const Floors* floors : floors_) {
    const std::optional<double> floor = look(*floors);
    if (!floor) return std::nullopt;
    all = is_time() ? std::max(all, *floor) : all + *floor;
  }
  return all;
}

std::int64_t LagCourse::newest(FloorScale scale) const {
  std::int64_t newest = floors_.front()->newest(scale);
  for (const Floors* floors : floors_) newest = std::min(newest, floors->newest(scale));
  return newest;
}

std::int64_t LagCourse::newest_hour() const {
  std::int64_t newest = floors_.front()->newest_hour();
  for (const Floors* floors : floors_) newest = std::min(newest, floors->newest_hour());
  return newest;
}

std::optional<double> LagCourse::at(FloorScale scale, std::int64_t bin) const {
  return together([&](const Floors& floors) { return floors.at(scale, bin); });
}

std::optional<double> LagCourse::hour(std::int64_t hour) const {
  return together([&](const Floors& floors) { return floors.hour(hour); });
}

bool tells_lag(const Window& window, const JobFacts& job) {
  return std::any_of(kTellers.begin(), kTellers.end(),
                     [&](Metric metric) { return !told_by(window, job, metric).empty(); });
}

std::optional<ReadPace> read_pace(const Window& window, const JobFacts& job) {
  ReadPace pace;
  for (const VertexFacts& vertex : job.vertices) {
    if (!vertex.inputs.empty()) continue;
    for (const EntityId subtask : subtasks_of(window, job, vertex)) {
      const MinuteRises* minutes = window.features->minutes(Metric::task_records_out, subtask);
      if (minutes == nullptr) continue;
      const double now_s = minutes->per_second(window.now - kPaceMs, window.now).value_or(0);
      double highest_s = now_s;
      const Floors* floors = window.features->floors(Metric::task_records_out, subtask);
      if (floors != nullptr && !floors->empty()) {
        const std::int64_t newest = floors->newest_hour();
        for (std::int64_t hour = newest - 23; hour <= newest; ++hour) {
          highest_s = std::max(highest_s, floors->hour(hour).value_or(0));
        }
      }
      pace.now_s += now_s;
      pace.highest_s += highest_s;
    }
  }
  return pace.highest_s > 0 ? std::optional(pace) : std::nullopt;
}

}  // namespace doctor
