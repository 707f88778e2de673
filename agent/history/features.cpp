#include "agent/history/features.hpp"

#include <algorithm>
#include <unordered_set>

#include "model/text.hpp"

namespace doctor {
namespace {

/// Counters of a JVM that only ever rise: a fall means another JVM.
bool is_epoch_witness(Metric metric) {
  return metric == Metric::jvm_cpu_time || metric == Metric::jvm_classes_loaded ||
         metric == Metric::jvm_classes_unloaded || metric == Metric::gc_count;
}

/// REST lags behind the reporter: a fall between two sources proves nothing. What a store knew is
/// older than what came after it, whoever tells.
bool follows(SourceId before, SourceId after) {
  return before == after || is_history(before) || is_history(after);
}

constexpr DurationMs kFloorsKeptMs = 12 * kHourMs;
constexpr DurationMs kPastEpochsKeptMs = 8 * kDayMs;

}  // namespace

FeaturePlan::FeaturePlan(std::span<const Detector* const> detectors,
                         std::span<const Metric> exported)
    : features_(metric_catalogue().size(), 0) {
  for (const Detector* detector : detectors) {
    for (const Read& read : detector->reads) {
      features_[static_cast<std::size_t>(read.metric)] |=
          static_cast<std::uint8_t>(1U << static_cast<unsigned>(read.feature));
    }
  }
  for (const Metric metric : exported) {
    features_[static_cast<std::size_t>(metric)] |=
        static_cast<std::uint8_t>(1U << static_cast<unsigned>(Feature::latest));
  }
}

bool FeaturePlan::keeps(Metric metric, Feature feature) const {
  return ((features_[static_cast<std::size_t>(metric)] >> static_cast<unsigned>(feature)) & 1U) !=
         0;
}

std::vector<Metric> FeaturePlan::metrics() const {
  std::vector<Metric> read;
  for (const MetricInfo& metric : metric_catalogue()) {
    if (features_[static_cast<std::size_t>(metric.metric)] != 0) read.push_back(metric.metric);
  }
  return read;
}

FeatureStore::FeatureStore(const FeaturePlan& plan, EntityTable& entities, const Limits& limits,
                           std::shared_ptr<SeriesBudget> budget)
    : plan_(plan),
      entities_(entities),
      limits_(limits),
      columns_(metric_catalogue().size()),
      share_(std::move(budget)) {}

template <class Leaves>
void FeatureStore::erase_series_if(Leaves leaves) {
  for (std::size_t metric = 0; metric < columns_.size(); ++metric) {
    const auto& column = columns_[metric];
    if (!column) continue;
    share_.give_back(column->erase_if(
        [&](Row row) { return leaves(static_cast<Metric>(metric), *column, row); }));
    if (column->size() == 0) columns_[metric].reset();
  }
}

void FeatureStore::absorb(const Batch& batch) {
  for (std::size_t i = 0; i < batch.values.size(); ++i) {
    if (!begins_epoch(batch, i)) continue;
    begin_epoch(process_above(batch.layout->keys[i].entity), batch.at);
    break;
  }
  for (std::size_t i = 0; i < batch.values.size(); ++i) absorb_value(batch, i);
}

void FeatureStore::absorb(const JobFacts& job, TimestampMs at) {
  if (job.is_terminal() && !logs_.contains(job.id) && job.exceptions.empty()) return;
  JobLogs& logs = logs_
                      .try_emplace(job.id, JobLogs{CheckpointLog(limits_.checkpoints_per_job_max),
                                                   RestartLog(limits_.exceptions_per_job_max), at})
                      .first->second;
  logs.checkpoints.absorb(job);
  logs.restarts.absorb(job);
  logs.updated = at;
  learn_places(job);
  learn_sources(job, logs);
}

void FeatureStore::learn_places(const JobFacts& job) {
  for (const VertexFacts& vertex : job.vertices) {
    for (const SubtaskFacts& subtask : vertex.subtasks) {
      const EntityId job_entity = entities_.find(Level::job, kClusterEntity, job.id);
      const EntityId vertex_entity = entities_.find(Level::vertex, job_entity, vertex.id);
      const EntityId entity = entities_.find(Level::subtask, vertex_entity, "",
                                             static_cast<std::uint32_t>(subtask.index));
      const EntityId process =
          entities_.find(Level::process, kClusterEntity, reporter_filtered(subtask.task_manager));
      if (entity != kNoEntity && process != kNoEntity) process_of_[entity] = process;
    }
  }
}

/// Floors of what vertices hand on are of nobody's interest, and a big job has many of them.
void FeatureStore::learn_sources(const JobFacts& job, JobLogs& logs) {
  std::vector<std::string> fed;
  for (const VertexFacts& vertex : job.vertices) {
    if (!vertex.inputs.empty()) fed.push_back(vertex.id);
  }
  std::sort(fed.begin(), fed.end());
  if (fed == logs.fed_vertices) return;
  logs.fed_vertices = std::move(fed);
  for (std::size_t metric = 0; metric < columns_.size(); ++metric) {
    if (!columns_[metric] || !plan_.keeps(static_cast<Metric>(metric), Feature::source_floors)) {
      continue;
    }
    SeriesColumn& column = *columns_[metric];
    for (Row row = 0; row < column.size(); ++row) {
      const EntityId entity = column.at(row).entity;
      if (entities_.name(entities_.ancestor(entity, Level::job)) != job.id) continue;
      column.keep(row, keep_of({static_cast<Metric>(metric), entity}));
    }
  }
}

SeriesColumn::Keep FeatureStore::keep_of(const SeriesKey& key) const {
  if (!plan_.keeps(key.metric, Feature::source_floors)) return SeriesColumn::Keep::all;
  const EntityId job = entities_.ancestor(key.entity, Level::job);
  const EntityId vertex = entities_.ancestor(key.entity, Level::vertex);
  if (job == kNoEntity || vertex == kNoEntity) return SeriesColumn::Keep::all;
  const auto logs = logs_.find(entities_.name(job));
  if (logs == logs_.end()) return SeriesColumn::Keep::all;
  const std::vector<std::string>& fed = logs->second.fed_vertices;
  const bool is_fed = std::binary_search(fed.begin(), fed.end(), entities_.name(vertex));
  return is_fed ? SeriesColumn::Keep::no_floors : SeriesColumn::Keep::all;
}

void FeatureStore::submitted(TimestampMs at) {
  for (const auto& column : columns_) {
    for (Row row = 0; column && row < column->size(); ++row) {
      if (Plateaus* plateaus = column->plateaus(row)) plateaus->cut(at);
    }
  }
}

void FeatureStore::forget(TimestampMs before, std::span<const JobSummary> listed) {
  erase_series_if([&](Metric, const SeriesColumn& column, Row row) {
    const DurationMs longer = column.floors(row) != nullptr ? kFloorsKeptMs : 0;
    return column.at(row).latest.at < before - longer;
  });
  std::erase_if(past_epochs_, [&](const auto& entry) {
    return entry.second.back().to < before - kPastEpochsKeptMs;
  });
  const auto is_listed = [&](const std::string& id) {
    return std::any_of(listed.begin(), listed.end(),
                       [&](const JobSummary& job) { return job.id == id; });
  };
  std::erase_if(logs_, [&](const auto& entry) {
    return entry.second.updated < before && !is_listed(entry.first);
  });
  std::unordered_set<EntityId> in_use;
  each_series([&](Metric, const SeriesColumn& column, Row row) {
    in_use.insert(entities_.ancestor(column.at(row).entity, Level::job));
  });
  for (const EntityId job : entities_.children(kClusterEntity, Level::job)) {
    if (is_listed(entities_.name(job)) || in_use.contains(job)) continue;
    std::erase_if(process_of_, [&](const auto& entry) {
      return entities_.ancestor(entry.first, Level::job) == job;
    });
    entities_.release(job);
  }
}

const SeriesColumn* FeatureStore::column(Metric metric) const {
  return columns_[static_cast<std::size_t>(metric)].get();
}

std::optional<FeatureStore::Place> FeatureStore::find(Metric metric, EntityId entity) const {
  const SeriesColumn* of_metric = column(metric);
  if (of_metric == nullptr) return std::nullopt;
  const std::optional<Row> row = of_metric->find(entity);
  if (!row) return std::nullopt;
  return Place{of_metric, *row};
}

std::optional<Sample> FeatureStore::latest(Metric metric, EntityId entity) const {
  const std::optional<Place> place = find(metric, entity);
  if (!place) return std::nullopt;
  return place->column->at(place->row).latest;
}

const RawRing* FeatureStore::raw(Metric metric, EntityId entity) const {
  const std::optional<Place> place = find(metric, entity);
  return place ? place->column->raw(place->row) : nullptr;
}

const Plateaus* FeatureStore::plateaus(Metric metric, EntityId entity) const {
  const std::optional<Place> place = find(metric, entity);
  return place ? place->column->plateaus(place->row) : nullptr;
}

const Floors* FeatureStore::floors(Metric metric, EntityId entity) const {
  const std::optional<Place> place = find(metric, entity);
  return place ? place->column->floors(place->row) : nullptr;
}

std::span<const EpochSummary> FeatureStore::past_epochs(Metric metric, EntityId entity) const {
  const auto found = past_epochs_.find({metric, entity});
  if (found == past_epochs_.end()) return {};
  return found->second;
}

const MinuteRises* FeatureStore::minutes(Metric metric, EntityId entity) const {
  const std::optional<Place> place = find(metric, entity);
  return place ? place->column->minutes(place->row) : nullptr;
}

const Moves* FeatureStore::moves(Metric metric, EntityId entity) const {
  const std::optional<Place> place = find(metric, entity);
  return place ? place->column->moves(place->row) : nullptr;
}

TimestampMs FeatureStore::newest() const {
  TimestampMs newest = 0;
  each_series([&](Metric, const SeriesColumn& column, Row row) {
    newest = std::max(newest, column.at(row).latest.at);
  });
  return newest;
}

TimestampMs FeatureStore::epoch_start(EntityId process) const {
  const auto found = epochs_.find(process);
  return found == epochs_.end() ? 0 : found->second;
}

EntityId FeatureStore::process_of(EntityId subtask) const {
  const auto found = process_of_.find(subtask);
  return found == process_of_.end() ? kNoEntity : found->second;
}

const CheckpointLog* FeatureStore::checkpoints(const std::string& job_id) const {
  const auto found = logs_.find(job_id);
  return found == logs_.end() ? nullptr : &found->second.checkpoints;
}

const RestartLog* FeatureStore::restarts(const std::string& job_id) const {
  const auto found = logs_.find(job_id);
  return found == logs_.end() ? nullptr : &found->second.restarts;
}

std::vector<std::pair<SeriesKey, Sample>> FeatureStore::all_latest() const {
  std::vector<std::pair<SeriesKey, Sample>> all;
  all.reserve(share_.size());
  each_series([&](Metric metric, const SeriesColumn& column, Row row) {
    const SeriesColumn::Series& series = column.at(row);
    all.emplace_back(SeriesKey{metric, series.entity}, series.latest);
  });
  return all;
}

bool FeatureStore::begins_epoch(const Batch& batch, std::size_t index) const {
  const SeriesKey& key = batch.layout->keys[index];
  if (!is_present(batch.values[index]) || !is_epoch_witness(key.metric)) return false;
  const std::optional<Place> place = find(key.metric, key.entity);
  if (!place) return false;
  const SeriesColumn::Series& known = place->column->at(place->row);
  return follows(known.source, batch.source) && batch.values[index] < known.latest.value;
}

void FeatureStore::begin_epoch(EntityId process, TimestampMs at) {
  if (process == kNoEntity) return;
  epochs_[process] = at;
  erase_series_if([&](Metric metric, const SeriesColumn& column, Row row) {
    const EntityId entity = column.at(row).entity;
    if (process_above(entity) != process) return false;
    const Floors* floors = column.floors(row);
    if (floors != nullptr) remember_epoch({metric, entity}, *floors);
    return true;
  });
}

void FeatureStore::remember_epoch(const SeriesKey& key, const Floors& floors) {
  const std::optional<EpochSummary> life = summarize(floors);
  if (!life) return;
  std::vector<EpochSummary>& lives = past_epochs_[key];
  if (lives.size() == kEpochsMax) lives.erase(lives.begin());
  lives.push_back(*life);
}

void FeatureStore::absorb_value(const Batch& batch, std::size_t index) {
  const SeriesKey& key = batch.layout->keys[index];
  const double value = batch.values[index];
  if (!is_present(value)) return;
  const std::optional<Row> row = row_for(key, batch.at);
  if (!row) return;
  SeriesColumn& column = *columns_[static_cast<std::size_t>(key.metric)];
  SeriesColumn::Series& series = column.at(*row);
  const MetricInfo& metric = info(key.metric);
  const bool other_source = series.latest.at != 0 && !follows(series.source, batch.source);
  const bool older = other_source && metric.kind == Kind::counter && value < series.latest.value;
  if (older) return;
  series.source = batch.source;
  column.add_sample(*row, {batch.at, value});
  if (key.metric == Metric::job_restarts) {
    const auto logs = logs_.find(entities_.name(key.entity));
    if (logs != logs_.end()) logs->second.restarts.absorb_count(batch.at, value);
  }
  if (metric.level == Level::process) epochs_.try_emplace(key.entity, batch.at);
  note_place(batch, key);
}

void FeatureStore::note_place(const Batch& batch, const SeriesKey& key) {
  if (batch.layout->process == kNoEntity) return;
  const EntityId subtask = entities_.ancestor(key.entity, Level::subtask);
  if (subtask != kNoEntity) process_of_[subtask] = batch.layout->process;
}

/// Makes the series if there is room.
std::optional<FeatureStore::Row> FeatureStore::row_for(const SeriesKey& key, TimestampMs at) {
  std::unique_ptr<SeriesColumn>& column = columns_[static_cast<std::size_t>(key.metric)];
  if (column) {
    if (const std::optional<Row> known = column->find_next(key.entity)) return known;
  }
  const bool has_room = share_.size() < limits_.series_per_cluster_max;
  if (!has_room || !share_.take()) {
    SeriesLimit& reached = has_room ? shared_ : own_;
    ++reached.samples_dropped;
    reached.last_dropped = at;
    return std::nullopt;
  }
  if (!column) column = std::make_unique<SeriesColumn>(plan_.features(key.metric));
  return column->add(key.entity, keep_of(key));
}

SeriesLimit FeatureStore::own_limit() const {
  return {limits_.series_per_cluster_max, own_.samples_dropped, own_.last_dropped};
}

SeriesLimit FeatureStore::shared_limit() const {
  return {budget().series_max(), shared_.samples_dropped, shared_.last_dropped};
}

EntityId FeatureStore::process_above(EntityId entity) const {
  return entities_.ancestor(entity, Level::process);
}

}  // namespace doctor
