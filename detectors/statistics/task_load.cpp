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

/// Goes through the tasks of one job. Each is read once, whatever the number of specs.
class Loader {
 public:
  Loader(const Window& window, std::span<const WindowSpec> specs) : window_(window) {
    for (const WindowSpec& spec : specs) {
      series_.push_back({spec, spec.end - static_cast<DurationMs>(spec.count) * spec.width_ms,
                         kCoverageMin * static_cast<double>(spec.width_ms)});
    }
  }

  /// An entry for each spec.
  std::vector<VertexLoad> load(const VertexFacts& vertex, EntityId whole) {
    const std::vector<EntityId> subtasks = subtasks_below(window_, vertex, whole);
    std::vector<VertexLoad> loads(series_.size());
    for (std::size_t i = 0; i < loads.size(); ++i) {
      loads[i].vertex = &vertex;
      loads[i].busy_max.resize(series_[i].spec.count);
      loads[i].backpressured_max.resize(series_[i].spec.count);
      if (series_[i].spec.each_task) loads[i].subtasks.reserve(subtasks.size());
    }
    for (const EntityId subtask : subtasks) add_subtask(subtask, loads);
    if (whole != kNoEntity) add_all_tasks(whole, loads);
    return loads;
  }

 private:
  struct Series {
    WindowSpec spec;
    TimestampMs begin;
    double covered_min_ms;
  };

  void add_subtask(EntityId entity, std::vector<VertexLoad>& loads) {
    if (!times_.read(*window_.features, entity, kClocksOfTask, 1)) return;
    for (std::size_t i = 0; i < loads.size(); ++i) {
      raise_windows(series_[i], loads[i]);
      if (series_[i].spec.each_task) loads[i].subtasks.push_back(subtask(series_[i], entity));
    }
  }

  /// Where its tasks were not read one by one lately: what all of them did together.
  void add_all_tasks(EntityId whole, std::vector<VertexLoad>& loads) {
    const auto is_unseen = [](const VertexLoad& load) { return load.windows_seen() == 0; };
    if (std::none_of(loads.begin(), loads.end(), is_unseen)) return;
    const int tasks = loads.front().vertex->parallelism;
    if (!times_.read(*window_.features, whole, kClocksOfVertex, tasks)) return;
    for (std::size_t i = 0; i < loads.size(); ++i) {
      if (is_unseen(loads[i])) raise_windows(series_[i], loads[i]);
    }
  }

  void raise_windows(const Series& series, VertexLoad& load) {
    const TaskShares life = times_.life();
    if (!load.life || life.backpressured > load.life->backpressured) load.life = life;
    const WindowSpec& spec = series.spec;
    shares_.resize(spec.count);
    times_.shares_of_each(series.begin, spec.width_ms, series.covered_min_ms, shares_);
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      const TimestampMs from = series.begin + static_cast<DurationMs>(i) * spec.width_ms;
      if (!shares_[i] || from < spec.not_before) continue;
      raise(load.backpressured_max[i], shares_[i]->backpressured);
      raise(load.busy_max[i], shares_[i]->busy);
    }
  }

  SubtaskLoad subtask(const Series& series, EntityId entity) const {
    const WindowSpec& spec = series.spec;
    const TimestampMs from = std::max(spec.not_before, series.begin);
    SubtaskLoad subtask;
    subtask.index = static_cast<int>(window_.entities->at(entity).index);
    subtask.entity = entity;
    subtask.shares =
        times_.shares_in(from, spec.end, std::min(series.covered_min_ms, kTaskTimeMinMs));
    if (!spec.each_rate) return subtask;
    const RawRing* records = window_.features->raw(Metric::task_records_in, entity);
    if (const auto rate = rate_in(records, from, spec.end)) subtask.records_in_s = 1000 * *rate;
    return subtask;
  }

  const Window& window_;
  std::vector<Series> series_;
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
  return load_of_each(window, job, vertex, std::span(&spec, 1)).front();
}

std::vector<VertexLoad> load_of_each(const Window& window, const JobFacts& job,
                                     const VertexFacts& vertex, std::span<const WindowSpec> specs) {
  return Loader(window, specs).load(vertex, entity_of(window, job, vertex));
}

std::vector<VertexLoad> loads_of(const Window& window, const JobFacts& job,
                                 const WindowSpec& spec) {
  return std::move(loads_of_each(window, job, std::span(&spec, 1)).front());
}

std::vector<std::vector<VertexLoad>> loads_of_each(const Window& window, const JobFacts& job,
                                                   std::span<const WindowSpec> specs) {
  Loader loader(window, specs);
  const std::vector<EntityId> entities = entities_of(window, job);
  std::vector<std::vector<VertexLoad>> loads(specs.size());
  for (std::size_t i = 0; i < entities.size(); ++i) {
    std::vector<VertexLoad> of_each = loader.load(job.vertices[i], entities[i]);
    for (std::size_t k = 0; k < loads.size(); ++k) loads[k].push_back(std::move(of_each[k]));
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
