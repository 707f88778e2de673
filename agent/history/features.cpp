#include "agent/history/features.hpp"

#include <algorithm>
#include <tuple>

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

/// Where a counter is kept by the minute, its floors are of its rate (per second, over five
/// minutes): what it has counted up to says little, and begins anew with every attempt.
void add_floor(Floors& floors, const MinuteRises* minutes, const Sample& sample) {
  if (minutes == nullptr) return floors.add(sample);
  const TimestampMs end = sample.at / kMinuteMs * kMinuteMs;
  if (const auto rate = minutes->per_second(end - 5 * kMinuteMs, end)) {
    floors.add({sample.at, *rate});
  }
}

constexpr DurationMs kRawApartMs = 12 * kSecondMs;  // 32 of them are six minutes and more
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

FeatureStore::FeatureStore(const FeaturePlan& plan, EntityTable& entities, const Limits& limits)
    : plan_(plan), entities_(entities), limits_(limits) {}

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

void FeatureStore::submitted(TimestampMs at) {
  for (auto& [key, series] : series_) {
    if (series.plateaus) series.plateaus->cut(at);
  }
}

void FeatureStore::forget(TimestampMs before, std::span<const JobSummary> listed) {
  std::erase_if(series_, [&](const auto& entry) {
    const DurationMs longer = entry.second.floors ? kFloorsKeptMs : 0;
    return entry.second.latest.at < before - longer;
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
  for (const EntityId job : entities_.children(kClusterEntity, Level::job)) {
    if (is_listed(entities_.name(job))) continue;
    const bool in_use = std::any_of(series_.begin(), series_.end(), [&](const auto& entry) {
      return entities_.ancestor(entry.first.entity, Level::job) == job;
    });
    if (in_use) continue;
    std::erase_if(process_of_, [&](const auto& entry) {
      return entities_.ancestor(entry.first, Level::job) == job;
    });
    entities_.release(job);
  }
}

const FeatureStore::Series* FeatureStore::find(Metric metric, EntityId entity) const {
  const auto found = series_.find({metric, entity});
  return found == series_.end() ? nullptr : &found->second;
}

std::optional<Sample> FeatureStore::latest(Metric metric, EntityId entity) const {
  const Series* series = find(metric, entity);
  if (series == nullptr) return std::nullopt;
  return series->latest;
}

const RawRing* FeatureStore::raw(Metric metric, EntityId entity) const {
  const Series* series = find(metric, entity);
  return series == nullptr ? nullptr : series->raw.get();
}

const Plateaus* FeatureStore::plateaus(Metric metric, EntityId entity) const {
  const Series* series = find(metric, entity);
  return series == nullptr ? nullptr : series->plateaus.get();
}

const Floors* FeatureStore::floors(Metric metric, EntityId entity) const {
  const Series* series = find(metric, entity);
  return series == nullptr ? nullptr : series->floors.get();
}

std::span<const EpochSummary> FeatureStore::past_epochs(Metric metric, EntityId entity) const {
  const auto found = past_epochs_.find({metric, entity});
  if (found == past_epochs_.end()) return {};
  return found->second;
}

const MinuteRises* FeatureStore::minutes(Metric metric, EntityId entity) const {
  const Series* series = find(metric, entity);
  return series == nullptr ? nullptr : series->minutes.get();
}

const Moves* FeatureStore::moves(Metric metric, EntityId entity) const {
  const Series* series = find(metric, entity);
  return series == nullptr ? nullptr : series->moves.get();
}

TimestampMs FeatureStore::newest() const {
  TimestampMs newest = 0;
  for (const auto& [key, series] : series_) newest = std::max(newest, series.latest.at);
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
  all.reserve(series_.size());
  for (const auto& [key, series] : series_) all.emplace_back(key, series.latest);
  return all;
}

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

std::vector<FeatureStore::LearnedSeries> FeatureStore::learned_series() const {
  std::vector<LearnedSeries> all;
  for (const auto& [key, series] : series_) {
    const EntityId process = process_above(key.entity);
    if ((!series.plateaus && !series.floors) || process == kNoEntity) continue;
    LearnedSeries& learned = all.emplace_back();
    learned.process = entities_.name(process);
    if (process != key.entity) learned.collector = entities_.name(key.entity);
    learned.metric = key.metric;
    learned.source = series.source;
    learned.latest = series.latest;
    for (std::size_t i = 0; series.plateaus && i < series.plateaus->size(); ++i) {
      learned.plateaus.push_back(series.plateaus->at(i));
    }
    if (series.floors) learned.floors = *series.floors;
    const std::span<const EpochSummary> lives = past_epochs(key.metric, key.entity);
    learned.past_epochs.assign(lives.begin(), lives.end());
  }
  std::sort(all.begin(), all.end(), [](const LearnedSeries& a, const LearnedSeries& b) {
    return std::tie(a.process, a.collector, a.metric) < std::tie(b.process, b.collector, b.metric);
  });
  return all;
}

void FeatureStore::restore(const LearnedSeries& learned) {
  EntityId entity = entities_.intern(Level::process, kClusterEntity, learned.process);
  if (entity == kNoEntity) return;
  const TimestampMs seen =
      learned.plateaus.empty() ? learned.latest.at : learned.plateaus.front().from;
  const auto [epoch, is_first] = epochs_.try_emplace(entity, seen);
  if (!is_first) epoch->second = std::min(epoch->second, seen);
  if (!learned.collector.empty()) {
    entity = entities_.intern(Level::collector, entity, learned.collector);
  }
  Series* series = entity == kNoEntity ? nullptr : series_for({learned.metric, entity});
  if (series == nullptr || (!series->plateaus && !series->floors)) return;
  series->latest = learned.latest;
  series->source = learned.source;
  if (series->plateaus) {
    for (const Plateau& plateau : learned.plateaus) series->plateaus->restore(plateau);
  }
  if (!series->floors) return;
  *series->floors = learned.floors;
  if (!learned.past_epochs.empty()) past_epochs_[{learned.metric, entity}] = learned.past_epochs;
}

bool FeatureStore::begins_epoch(const Batch& batch, std::size_t index) const {
  const SeriesKey& key = batch.layout->keys[index];
  if (!is_present(batch.values[index]) || !is_epoch_witness(key.metric)) return false;
  const auto known = series_.find(key);
  return known != series_.end() && follows(known->second.source, batch.source) &&
         batch.values[index] < known->second.latest.value;
}

void FeatureStore::begin_epoch(EntityId process, TimestampMs at) {
  if (process == kNoEntity) return;
  epochs_[process] = at;
  std::erase_if(series_, [&](const auto& entry) {
    if (process_above(entry.first.entity) != process) return false;
    if (entry.second.floors) remember_epoch(entry.first, *entry.second.floors);
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
  Series* series = series_for(key);
  if (series == nullptr) return;
  const MetricInfo& metric = info(key.metric);
  const bool other_source = series->latest.at != 0 && !follows(series->source, batch.source);
  const bool older = other_source && metric.kind == Kind::counter && value < series->latest.value;
  if (older) return;
  const Sample sample{batch.at, value};
  series->latest = sample;
  series->source = batch.source;
  if (key.metric == Metric::job_restarts) {
    const auto logs = logs_.find(entities_.name(key.entity));
    if (logs != logs_.end()) logs->second.restarts.absorb_count(batch.at, value);
  }
  if (series->raw) series->raw->push_apart(sample, kRawApartMs);
  if (series->plateaus) series->plateaus->add(sample);
  if (series->minutes) series->minutes->add(sample);
  if (series->floors) add_floor(*series->floors, series->minutes.get(), sample);
  if (series->moves) series->moves->add(sample);
  if (metric.level == Level::process) epochs_.try_emplace(key.entity, batch.at);
  if (batch.layout->process == kNoEntity) return;
  if (const EntityId subtask = entities_.ancestor(key.entity, Level::subtask);
      subtask != kNoEntity) {
    process_of_[subtask] = batch.layout->process;
  }
}

FeatureStore::Series* FeatureStore::series_for(const SeriesKey& key) {
  if (const auto known = series_.find(key); known != series_.end()) return &known->second;
  if (series_.size() >= limits_.series_per_cluster_max) {
    ++dropped_;
    return nullptr;
  }
  Series series;
  if (plan_.keeps(key.metric, Feature::raw)) series.raw = std::make_unique<RawRing>();
  if (plan_.keeps(key.metric, Feature::plateaus)) series.plateaus = std::make_unique<Plateaus>();
  if (plan_.keeps(key.metric, Feature::floors)) series.floors = std::make_unique<Floors>();
  if (plan_.keeps(key.metric, Feature::minutes)) series.minutes = std::make_unique<MinuteRises>();
  if (plan_.keeps(key.metric, Feature::moves)) series.moves = std::make_unique<Moves>();
  return &series_.emplace(key, std::move(series)).first->second;
}

EntityId FeatureStore::process_above(EntityId entity) const {
  return entities_.ancestor(entity, Level::process);
}

}  // namespace doctor
