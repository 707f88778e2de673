#include "detectors/statistics/task_load.hpp"

#include <algorithm>
#include <cmath>

#include "detectors/statistics/robust.hpp"

namespace doctor {
namespace {

/// Where the three times of something are told. Over a silence longer than `gap_max_ms` nothing is
/// spread.
struct Clocks {
  Metric busy, backpressured, idle;
  DurationMs gap_max_ms;
};
constexpr Clocks kOfTask{Metric::task_accumulated_busy, Metric::task_accumulated_backpressured,
                         Metric::task_accumulated_idle, 2 * kMinuteMs};
/// Of all tasks of a vertex together: screened from the job's page, on a large cluster minutes
/// apart.
constexpr Clocks kOfVertex{Metric::vertex_accumulated_busy,
                           Metric::vertex_accumulated_backpressured,
                           Metric::vertex_accumulated_idle, 5 * kMinuteMs};
// Less of a window than this says nothing about it.
constexpr double kCoverageMin = 0.5;
// A one-shot needs this much of a task's own time between its polls.
constexpr double kTaskTimeMinMs = 5000;
constexpr DurationMs kProcessSpanMs = 6 * kMinuteMs;

/// What so many tasks did between two samples.
struct Delta {
  TimestampMs from{}, to{};
  int tasks{1};
  std::optional<double> busy;
  double backpressured{}, idle{};
  double total() const {
    const double measured = busy.value_or(0) + backpressured + idle;
    return busy ? measured : std::max(measured, tasks * static_cast<double>(to - from));
  }
};

/// Looks up one sample after another of a ring, from the newest back.
class Backwards {
 public:
  explicit Backwards(const RawRing* ring)
      : ring_(ring), left_(ring == nullptr ? 0 : ring->size()) {}
  /// `at` never grows from call to call.
  std::optional<double> value_at(TimestampMs at) {
    while (left_ > 0 && ring_->at(left_ - 1).at > at) --left_;
    if (left_ == 0) return std::nullopt;
    const Sample sample = ring_->at(left_ - 1);
    if (sample.at != at || !std::isfinite(sample.value)) return std::nullopt;
    return sample.value;
  }

 private:
  const RawRing* ring_;
  std::size_t left_;
};

struct Reading {
  TimestampMs at{};
  std::optional<double> busy;
  double backpressured{}, idle{};
};

/// Samples where all times were told together, oldest first.
std::vector<Reading> readings_of(const Features& features, EntityId entity, const Clocks& clocks) {
  const RawRing* backpressured = features.raw(clocks.backpressured, entity);
  const RawRing* busy = features.raw(clocks.busy, entity);
  if (busy != nullptr && busy->empty()) busy = nullptr;
  std::vector<Reading> readings;
  if (backpressured == nullptr) return readings;
  readings.reserve(backpressured->size());
  Backwards idle_back(features.raw(clocks.idle, entity));
  Backwards busy_back(busy);
  for (std::size_t i = backpressured->size(); i-- > 0;) {
    const Sample sample = backpressured->at(i);
    const std::optional<double> idle_then = idle_back.value_at(sample.at);
    const std::optional<double> busy_then = busy_back.value_at(sample.at);
    if (!std::isfinite(sample.value) || !idle_then || (busy != nullptr && !busy_then)) continue;
    readings.push_back({sample.at, busy_then, sample.value, *idle_then});
  }
  std::reverse(readings.begin(), readings.end());
  return readings;
}

std::vector<Delta> deltas_of(const std::vector<Reading>& readings, int tasks,
                             DurationMs gap_max_ms) {
  std::vector<Delta> deltas;
  deltas.reserve(readings.size());
  const Reading* last = nullptr;  // where the times last moved
  for (const Reading& reading : readings) {
    if (last == nullptr) {
      last = &reading;
      continue;
    }
    Delta delta{last->at,
                reading.at,
                tasks,
                std::nullopt,
                reading.backpressured - last->backpressured,
                reading.idle - last->idle};
    if (reading.busy && last->busy) delta.busy = *reading.busy - *last->busy;
    const double least = std::min({delta.backpressured, delta.idle, delta.busy.value_or(0)});
    const double sum = delta.busy.value_or(0) + delta.backpressured + delta.idle;
    if (least >= 0 && sum == 0) continue;  // frozen: REST repeats itself; not a new reading
    if (least >= 0 && delta.to - delta.from <= gap_max_ms) deltas.push_back(delta);
    last = &reading;  // a fall is a new attempt: counted from here
  }
  return deltas;
}

/// The shares within [from, to), from the parts of the deltas that lie in it.
std::optional<TaskShares> shares_in(const std::vector<Delta>& deltas, TimestampMs from,
                                    TimestampMs to, double covered_min_ms) {
  double covered = 0;
  double total = 0;
  double backpressured = 0;
  std::optional<double> busy;
  for (const Delta& delta : deltas) {
    const auto overlap = static_cast<double>(std::min(to, delta.to) - std::max(from, delta.from));
    if (overlap <= 0) continue;
    const double part = overlap / static_cast<double>(delta.to - delta.from);
    covered += overlap;
    total += part * delta.total();
    backpressured += part * delta.backpressured;
    if (delta.busy) busy = busy.value_or(0) + part * *delta.busy;
  }
  if (covered < covered_min_ms || total <= 0) return std::nullopt;
  TaskShares shares;
  shares.backpressured = std::min(1.0, backpressured / total);
  if (busy) shares.busy = std::min(1.0, *busy / total);
  return shares;
}

TaskShares life_of(const Reading& reading) {
  const double total = reading.busy.value_or(0) + reading.backpressured + reading.idle;
  TaskShares life;
  if (total <= 0) return life;
  life.backpressured = reading.backpressured / total;
  if (reading.busy) life.busy = *reading.busy / total;
  return life;
}

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

double covered_min_ms(const WindowSpec& spec) {
  return kCoverageMin * static_cast<double>(spec.width_ms);
}

void raise_life(const std::vector<Reading>& readings, VertexLoad& load) {
  if (readings.empty()) return;
  const TaskShares life = life_of(readings.back());
  if (!load.life || life.backpressured > load.life->backpressured) load.life = life;
}

void raise_windows(const std::vector<Delta>& deltas, const WindowSpec& spec, VertexLoad& load) {
  for (std::size_t i = 0; i < spec.count; ++i) {
    const TimestampMs to = spec.end - static_cast<DurationMs>(spec.count - 1 - i) * spec.width_ms;
    if (to - spec.width_ms < spec.not_before) continue;
    const auto shares = shares_in(deltas, to - spec.width_ms, to, covered_min_ms(spec));
    if (!shares) continue;
    raise(load.backpressured_max[i], shares->backpressured);
    raise(load.busy_max[i], shares->busy);
  }
}

void add_subtask(const Window& window, EntityId entity, const WindowSpec& spec, VertexLoad& load) {
  const std::vector<Reading> readings = readings_of(*window.features, entity, kOfTask);
  if (readings.empty()) return;
  raise_life(readings, load);
  const std::vector<Delta> deltas = deltas_of(readings, 1, kOfTask.gap_max_ms);
  raise_windows(deltas, spec, load);
  const TimestampMs from =
      std::max(spec.not_before, spec.end - static_cast<DurationMs>(spec.count) * spec.width_ms);
  SubtaskLoad subtask;
  subtask.index = static_cast<int>(window.entities->at(entity).index);
  subtask.entity = entity;
  subtask.shares =
      shares_in(deltas, from, spec.end, std::min(covered_min_ms(spec), kTaskTimeMinMs));
  if (const auto rate =
          rate_in(window.features->raw(Metric::task_records_in, entity), from, spec.end)) {
    subtask.records_in_s = 1000 * *rate;
  }
  load.subtasks.push_back(subtask);
}

/// Where its tasks were not read one by one lately: what all of them did together.
void add_all_tasks(const Window& window, EntityId vertex, const WindowSpec& spec,
                   VertexLoad& load) {
  const std::vector<Reading> readings = readings_of(*window.features, vertex, kOfVertex);
  raise_life(readings, load);
  raise_windows(deltas_of(readings, load.vertex->parallelism, kOfVertex.gap_max_ms), spec, load);
}

EntityId entity_of(const Window& window, const JobFacts& job, const VertexFacts& vertex) {
  const EntityTable& entities = *window.entities;
  const EntityId job_entity = entities.find(Level::job, kClusterEntity, job.id);
  if (job_entity == kNoEntity) return kNoEntity;
  return entities.find(Level::vertex, job_entity, vertex.id);
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

}  // namespace

std::vector<EntityId> subtasks_of(const Window& window, const JobFacts& job,
                                  const VertexFacts& vertex) {
  const EntityTable& entities = *window.entities;
  const EntityId vertex_entity = entity_of(window, job, vertex);
  if (vertex_entity == kNoEntity) return {};
  std::vector<EntityId> subtasks = entities.children(vertex_entity, Level::subtask);
  std::erase_if(subtasks, [&](EntityId subtask) {  // left over from before a rescale
    return vertex.parallelism > 0 &&
           entities.at(subtask).index >= static_cast<std::uint32_t>(vertex.parallelism);
  });
  return subtasks;
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
  VertexLoad load;
  load.vertex = &vertex;
  load.busy_max.resize(spec.count);
  load.backpressured_max.resize(spec.count);
  for (const EntityId subtask : subtasks_of(window, job, vertex)) {
    add_subtask(window, subtask, spec, load);
  }
  const EntityId whole = entity_of(window, job, vertex);
  if (load.windows_seen() == 0 && whole != kNoEntity) add_all_tasks(window, whole, spec, load);
  return load;
}

std::vector<VertexLoad> loads_of(const Window& window, const JobFacts& job,
                                 const WindowSpec& spec) {
  std::vector<VertexLoad> loads;
  for (const VertexFacts& vertex : job.vertices) {
    loads.push_back(load_of(window, job, vertex, spec));
  }
  return loads;
}

std::optional<SampleSpan> sample_span(const Window& window, const JobFacts& job) {
  std::optional<SampleSpan> span;
  for (const VertexFacts& vertex : job.vertices) {
    for (const EntityId subtask : subtasks_of(window, job, vertex)) {
      widen(span, window.features->raw(kOfTask.backpressured, subtask));
    }
  }
  return span;
}

std::optional<SampleSpan> sample_span_or_screened(const Window& window, const JobFacts& job) {
  std::optional<SampleSpan> span = sample_span(window, job);
  for (const VertexFacts& vertex : job.vertices) {
    const EntityId whole = entity_of(window, job, vertex);
    if (whole != kNoEntity) widen(span, window.features->raw(kOfVertex.backpressured, whole));
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
