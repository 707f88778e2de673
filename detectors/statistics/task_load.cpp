#include "detectors/statistics/task_load.hpp"

#include <algorithm>
#include <cmath>

#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/task_times.hpp"

namespace doctor {
namespace {

// Less of a window than this says nothing about it.
constexpr double kCoverageMin = 0.5;
// A one-shot needs this much of a task's own time between its polls.
constexpr double kTaskTimeMinMs = 5000;
constexpr DurationMs kProcessSpanMs = 6 * kMinuteMs;

void raise(std::optional<double>& highest, std::optional<double> value) {
  if (value) highest = std::max(highest.value_or(*value), *value);
}

/// A counter's rise per millisecond over the samples in [from, to], begun anew where it fell.
std::optional<double> rate_in(const RawRing* ring, TimestampMs from, TimestampMs to) {
  if (ring == nullptr) return std::nullopt;
  std::optional<Sample> first;
  std::optional<Sample> last;
  for (std::size_t i = 0; i < ring->size(); ++i) {
    const Sample sample = ring->at(i);
    if (sample.at < from || sample.at > to || !std::isfinite(sample.value)) continue;
    if (!first || sample.value < last->value) first = sample;
    last = sample;
  }
  if (!first || last->at <= first->at) return std::nullopt;
  return (last->value - first->value) / static_cast<double>(last->at - first->at);
}

/// Goes through the tasks of one job.
class Loader {
 public:
  Loader(const Window& window, const WindowSpec& spec)
      : window_(window),
        spec_(spec),
        begin_(spec.end - static_cast<DurationMs>(spec.count) * spec.width_ms),
        covered_min_ms_(kCoverageMin * static_cast<double>(spec.width_ms)),
        shares_(spec.count) {}

  void add_subtask(EntityId entity, VertexLoad& load) {
    if (!times_.read(*window_.features, entity, kClocksOfTask, 1)) return;
    raise_windows(load);
    if (spec_.each_task) load.subtasks.push_back(subtask(entity));
  }

  /// Where its tasks were not read one by one lately: what all of them did together.
  void add_all_tasks(EntityId vertex, VertexLoad& load) {
    const int tasks = load.vertex->parallelism;
    if (times_.read(*window_.features, vertex, kClocksOfVertex, tasks)) raise_windows(load);
  }

 private:
  void raise_windows(VertexLoad& load) {
    const TaskShares life = times_.life();
    if (!load.life || life.backpressured > load.life->backpressured) load.life = life;
    times_.shares_of_each(begin_, spec_.width_ms, covered_min_ms_, shares_);
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      const bool is_early = begin_ + static_cast<DurationMs>(i) * spec_.width_ms < spec_.not_before;
      if (!shares_[i] || is_early) continue;
      raise(load.backpressured_max[i], shares_[i]->backpressured);
      raise(load.busy_max[i], shares_[i]->busy);
    }
  }

  SubtaskLoad subtask(EntityId entity) const {
    const TimestampMs from = std::max(spec_.not_before, begin_);
    SubtaskLoad subtask;
    subtask.index = static_cast<int>(window_.entities->at(entity).index);
    subtask.entity = entity;
    subtask.shares = times_.shares_in(from, spec_.end, std::min(covered_min_ms_, kTaskTimeMinMs));
    const RawRing* records = window_.features->raw(Metric::task_records_in, entity);
    if (const auto rate = rate_in(records, from, spec_.end)) subtask.records_in_s = 1000 * *rate;
    return subtask;
  }

  const Window& window_;
  const WindowSpec& spec_;
  TimestampMs begin_;
  double covered_min_ms_;
  TaskTimes times_;
  std::vector<std::optional<TaskShares>> shares_;  // of the windows
};

EntityId entity_of(const Window& window, const JobFacts& job, const VertexFacts& vertex) {
  const EntityTable& entities = *window.entities;
  const EntityId job_entity = entities.find(Level::job, kClusterEntity, job.id);
  if (job_entity == kNoEntity) return kNoEntity;
  return entities.find(Level::vertex, job_entity, vertex.id);
}

/// Of all vertices, in their order.
std::vector<EntityId> entities_of(const Window& window, const JobFacts& job) {
  const EntityTable& entities = *window.entities;
  const EntityId job_entity = entities.find(Level::job, kClusterEntity, job.id);
  std::vector<EntityId> all(job.vertices.size(), kNoEntity);
  for (std::size_t i = 0; job_entity != kNoEntity && i < all.size(); ++i) {
    all[i] = entities.find(Level::vertex, job_entity, job.vertices[i].id);
  }
  return all;
}

/// The time that the samples in a ring span, and their usual distance.
void widen(std::optional<SampleSpan>& span, const RawRing* ring) {
  if (ring == nullptr || ring->empty()) return;
  const TimestampMs oldest = ring->at(0).at;
  const TimestampMs newest = ring->back().at;
  if (!span) span = SampleSpan{oldest, newest, 0};
  span->oldest = std::min(span->oldest, oldest);
  if (newest < span->newest) return;
  span->newest = newest;
  const auto steps = static_cast<DurationMs>(ring->size()) - 1;
  span->spacing_ms = steps > 0 ? (newest - oldest) / steps : 0;
}

std::optional<double> mean_of(const std::vector<std::optional<double>>& values) {
  std::vector<double> known;
  for (const auto& value : values) {
    if (value) known.push_back(*value);
  }
  if (known.empty()) return std::nullopt;
  return mean(known);
}

std::vector<EntityId> subtasks_below(const Window& window, const VertexFacts& vertex,
                                     EntityId entity) {
  if (entity == kNoEntity) return {};
  const EntityTable& entities = *window.entities;
  std::vector<EntityId> subtasks = entities.children(entity, Level::subtask);
  std::erase_if(subtasks, [&](EntityId subtask) {  // left over from before a rescale
    return vertex.parallelism > 0 &&
           entities.at(subtask).index >= static_cast<std::uint32_t>(vertex.parallelism);
  });
  return subtasks;
}

VertexLoad load_with(Loader& loader, const Window& window, const VertexFacts& vertex,
                     EntityId whole, const WindowSpec& spec) {
  VertexLoad load;
  load.vertex = &vertex;
  load.busy_max.resize(spec.count);
  load.backpressured_max.resize(spec.count);
  const std::vector<EntityId> subtasks = subtasks_below(window, vertex, whole);
  if (spec.each_task) load.subtasks.reserve(subtasks.size());
  for (const EntityId subtask : subtasks) loader.add_subtask(subtask, load);
  if (load.windows_seen() == 0 && whole != kNoEntity) loader.add_all_tasks(whole, load);
  return load;
}

std::optional<SampleSpan> span_of(const Window& window, const JobFacts& job,
                                  const std::vector<EntityId>& entities) {
  std::optional<SampleSpan> span;
  for (std::size_t i = 0; i < entities.size(); ++i) {
    for (const EntityId subtask : subtasks_below(window, job.vertices[i], entities[i])) {
      widen(span, window.features->raw(kClocksOfTask.backpressured, subtask));
    }
  }
  return span;
}

}  // namespace

std::vector<EntityId> subtasks_of(const Window& window, const JobFacts& job,
                                  const VertexFacts& vertex) {
  return subtasks_below(window, vertex, entity_of(window, job, vertex));
}

std::optional<double> VertexLoad::busy() const { return mean_of(busy_max); }
std::optional<double> VertexLoad::backpressured() const { return mean_of(backpressured_max); }

std::size_t VertexLoad::windows_with(double backpressured_min) const {
  return static_cast<std::size_t>(
      std::count_if(backpressured_max.begin(), backpressured_max.end(),
                    [&](const auto& value) { return value && *value >= backpressured_min; }));
}

std::size_t VertexLoad::windows_seen() const {
  return static_cast<std::size_t>(
      std::count_if(backpressured_max.begin(), backpressured_max.end(),
                    [](const auto& value) { return value.has_value(); }));
}

VertexLoad load_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                   const WindowSpec& spec) {
  Loader loader(window, spec);
  return load_with(loader, window, vertex, entity_of(window, job, vertex), spec);
}

std::vector<VertexLoad> loads_of(const Window& window, const JobFacts& job,
                                 const WindowSpec& spec) {
  Loader loader(window, spec);
  const std::vector<EntityId> entities = entities_of(window, job);
  std::vector<VertexLoad> loads;
  loads.reserve(entities.size());
  for (std::size_t i = 0; i < entities.size(); ++i) {
    loads.push_back(load_with(loader, window, job.vertices[i], entities[i], spec));
  }
  return loads;
}

std::optional<SampleSpan> sample_span(const Window& window, const JobFacts& job) {
  return span_of(window, job, entities_of(window, job));
}

std::optional<SampleSpan> sample_span_or_screened(const Window& window, const JobFacts& job) {
  const std::vector<EntityId> entities = entities_of(window, job);
  std::optional<SampleSpan> span = span_of(window, job, entities);
  for (const EntityId whole : entities) {
    if (whole != kNoEntity) widen(span, window.features->raw(kClocksOfVertex.backpressured, whole));
  }
  return span;
}

std::optional<double> gc_share(const Window& window, EntityId process) {
  if (process == kNoEntity) return std::nullopt;
  std::optional<double> share;
  for (const EntityId collector : window.entities->children(process, Level::collector)) {
    const auto rate = rate_in(window.features->raw(Metric::gc_time, collector),
                              window.now - kProcessSpanMs, window.now);
    if (rate) share = share.value_or(0) + *rate;
  }
  return share;
}

std::optional<double> cores_used(const Window& window, EntityId process) {
  if (process == kNoEntity) return std::nullopt;
  const auto rate = rate_in(window.features->raw(Metric::jvm_cpu_time, process),
                            window.now - kProcessSpanMs, window.now);
  if (!rate) return std::nullopt;
  return *rate / 1e6;  // nanoseconds per millisecond
}

}  // namespace doctor
