// The part of FeatureStore that outlives the agent: what took long to learn, by names instead of
// ids, and back.
#include <algorithm>
#include <tuple>

#include "agent/history/features.hpp"
#include "agent/history/series_names.hpp"

namespace doctor {

std::vector<JobFacts> FeatureStore::learned_jobs() const {
  std::vector<JobFacts> jobs;
  for (const auto& [id, logs] : logs_) {
    JobFacts& job = jobs.emplace_back();
    job.id = id;
    job.state = "RUNNING";
    job.checkpoints.assign(logs.checkpoints.records().begin(), logs.checkpoints.records().end());
    if (logs.restarts.first_fault()) job.exceptions.push_back(*logs.restarts.first_fault());
    for (const ExceptionRecord& fault : logs.restarts.faults()) job.exceptions.push_back(fault);
  }
  std::sort(jobs.begin(), jobs.end(),
            [](const JobFacts& a, const JobFacts& b) { return a.id < b.id; });
  return jobs;
}

void FeatureStore::each_learned(const std::function<void(const LearnedSeries&)>& visit) const {
  struct Named {
    std::string entity;
    Metric metric;
    Row row;
  };
  std::vector<Named> places;
  std::size_t of_tasks = 0;
  each_series([&](Metric metric, const SeriesColumn& column, Row row) {
    if (column.plateaus(row) == nullptr && column.floors(row) == nullptr) return;
    const EntityId entity = column.at(row).entity;
    if (process_above(entity) == kNoEntity && ++of_tasks > limits_.learned_tasks_max) return;
    places.push_back({entity_path(entities_, entity), metric, row});
  });
  std::sort(places.begin(), places.end(), [](const Named& a, const Named& b) {
    return std::tie(a.entity, a.metric) < std::tie(b.entity, b.metric);
  });
  for (Named& place : places) {
    LearnedSeries series = learned(place.metric, place.row);
    series.entity = std::move(place.entity);
    visit(series);
  }
}

/// All but its name.
FeatureStore::LearnedSeries FeatureStore::learned(Metric metric, Row row) const {
  const SeriesColumn& column = *columns_[static_cast<std::size_t>(metric)];
  const SeriesColumn::Series& series = column.at(row);
  LearnedSeries learned;
  learned.metric = metric;
  learned.source = series.source;
  learned.latest = series.latest;
  const Plateaus* plateaus = column.plateaus(row);
  for (std::size_t i = 0; plateaus != nullptr && i < plateaus->size(); ++i) {
    learned.plateaus.push_back(plateaus->at(i));
  }
  if (const Floors* floors = column.floors(row)) learned.floors = *floors;
  const std::span<const EpochSummary> lives = past_epochs(metric, series.entity);
  learned.past_epochs.assign(lives.begin(), lives.end());
  return learned;
}

void FeatureStore::restore(const LearnedSeries& learned) {
  const EntityId entity = intern_path(entities_, learned.entity);
  if (entity == kNoEntity) return;
  if (const EntityId process = process_above(entity); process != kNoEntity) {
    const TimestampMs seen =
        learned.plateaus.empty() ? learned.latest.at : learned.plateaus.front().from;
    const auto [epoch, is_first] = epochs_.try_emplace(process, seen);
    if (!is_first) epoch->second = std::min(epoch->second, seen);
  }
  const std::optional<Row> row = row_for({learned.metric, entity}, learned.latest.at);
  if (!row) return;
  SeriesColumn& column = *columns_[static_cast<std::size_t>(learned.metric)];
  Plateaus* plateaus = column.plateaus(*row);
  column.restore(*row, learned.floors);
  if (plateaus == nullptr && column.floors(*row) == nullptr) return;
  column.at(*row).latest = learned.latest;
  column.at(*row).source = learned.source;
  if (plateaus != nullptr) {
    for (const Plateau& plateau : learned.plateaus) plateaus->restore(plateau);
  }
  if (!learned.past_epochs.empty()) past_epochs_[{learned.metric, entity}] = learned.past_epochs;
}

void FeatureStore::inherit(const std::string& predecessor, const std::string& job) {
  const EntityId before = entities_.find(Level::job, kClusterEntity, predecessor);
  if (before == kNoEntity || before == entities_.find(Level::job, kClusterEntity, job)) return;
  const std::string above = entity_path(entities_, before);
  std::vector<LearnedSeries> left;
  each_series([&](Metric metric, const SeriesColumn& column, Row row) {
    const EntityId entity = column.at(row).entity;
    if (column.floors(row) == nullptr) return;
    if (entities_.ancestor(entity, Level::job) != before) return;
    left.push_back(learned(metric, row));
    left.back().entity = entity_path(entities_, entity).substr(above.size());
  });
  if (left.empty()) return;
  const EntityId heir = entities_.intern(Level::job, kClusterEntity, job);
  if (heir == kNoEntity) return;
  for (LearnedSeries& learned : left) {
    learned.entity.insert(0, entity_path(entities_, heir));
    take_over(learned);
  }
}

/// What has an hour of its own keeps it, and what has samples keeps the last.
void FeatureStore::take_over(const LearnedSeries& learned) {
  const EntityId entity = intern_path(entities_, learned.entity);
  if (entity == kNoEntity) return;
  const std::optional<Row> row = row_for({learned.metric, entity}, learned.latest.at);
  if (!row) return;
  SeriesColumn& column = *columns_[static_cast<std::size_t>(learned.metric)];
  const Floors* own = column.floors(*row);
  if (own != nullptr && own->hour(own->newest_hour())) return;
  column.restore(*row, learned.floors);
  SeriesColumn::Series& series = column.at(*row);
  if (series.latest.at != 0) return;
  series.latest = learned.latest;
  series.source = learned.source;
}

}  // namespace doctor
