// The features of one cluster: what detectors read instead of raw history. Fed with batches, facts
// and submissions in stream order; loop thread only. Only series that a detector reads or that are
// re-exported are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/history/series_budget.hpp"
#include "agent/history/series_column.hpp"
#include "model/batch.hpp"
#include "model/detector.hpp"
#include "model/facts.hpp"
#include "model/limits.hpp"
#include "model/series_limit.hpp"
#include "model/window.hpp"

namespace doctor {

/// Per metric: which features are kept of it. Compiled once from what detectors read.
class FeaturePlan {
 public:
  /// `exported`: kept for /metrics, whether a detector reads them or not.
  explicit FeaturePlan(std::span<const Detector* const> detectors,
                       std::span<const Metric> exported = {});
  bool keeps(Metric metric, Feature feature) const;
  /// A bit for each.
  std::uint8_t features(Metric metric) const { return features_[static_cast<std::size_t>(metric)]; }
  /// Every metric that anybody reads.
  std::vector<Metric> metrics() const;

 private:
  std::vector<std::uint8_t> features_;  // bit per Feature, by metric
};

class FeatureStore final : public Features {
 public:
  /// `budget`: shared with the stores of other clusters; null: only the cluster's own limit counts.
  FeatureStore(const FeaturePlan& plan, EntityTable& entities, const Limits& limits,
               std::shared_ptr<SeriesBudget> budget = nullptr);

  void absorb(const Batch& batch);
  void absorb(const JobFacts& job, TimestampMs at);
  /// A job was submitted: plateaus of all processes are cut.
  void submitted(TimestampMs at);
  /// Drops what was not updated since `before`, floors half a day later (their JVM may only be out
  /// of reach), and the entities of jobs that are no more.
  void forget(TimestampMs before, std::span<const JobSummary> listed);

  std::optional<Sample> latest(Metric metric, EntityId entity) const override;
  const RawRing* raw(Metric metric, EntityId entity) const override;
  const Plateaus* plateaus(Metric metric, EntityId entity) const override;
  const Floors* floors(Metric metric, EntityId entity) const override;
  std::span<const EpochSummary> past_epochs(Metric metric, EntityId entity) const override;
  const MinuteRises* minutes(Metric metric, EntityId entity) const override;
  const Moves* moves(Metric metric, EntityId entity) const override;
  TimestampMs epoch_start(EntityId process) const override;
  EntityId process_of(EntityId subtask) const override;
  const CheckpointLog* checkpoints(const std::string& job_id) const override;
  const RestartLog* restarts(const std::string& job_id) const override;

  /// What took long to learn, to be kept over a restart of the agent. Jobs carry what was
  /// remembered of their checkpoints and faults; series carry names instead of entity ids.
  struct LearnedSeries {
    std::string entity;  // entity_path()
    Metric metric{};
    SourceId source{};
    Sample latest;
    std::vector<Plateau> plateaus;
    Floors floors;  // empty when none are kept
    std::vector<EpochSummary> past_epochs;
  };
  std::vector<JobFacts> learned_jobs() const;
  /// One at a time, in order of their names: all together would be many times what is kept.
  void each_learned(const std::function<void(const LearnedSeries&)>& visit) const;
  void restore(const LearnedSeries& learned);
  /// `job` is the next run of `predecessor`, under another id: it begins with the floors of the
  /// same vertices, subtasks and operators.
  void inherit(const std::string& predecessor, const std::string& job);

  std::size_t series() const { return share_.size(); }
  const SeriesBudget& budget() const { return share_.budget(); }
  /// When the newest sample is from; 0 when there is none.
  TimestampMs newest() const;
  /// The cluster's own limit, and the one that all clusters share. Who had a row keeps it.
  SeriesLimit own_limit() const;
  SeriesLimit shared_limit() const;
  /// Every kept series with its last sample, for re-export; unordered.
  std::vector<std::pair<SeriesKey, Sample>> all_latest() const;

 private:
  using Row = SeriesColumn::Row;
  struct Place {
    const SeriesColumn* column;
    Row row;
  };
  struct JobLogs {
    CheckpointLog checkpoints;
    RestartLog restarts;
    TimestampMs updated{};
    std::vector<std::string> fed_vertices{};  // ids of those with inputs, sorted: no sources
  };

  bool begins_epoch(const Batch& batch, std::size_t index) const;
  void begin_epoch(EntityId process, TimestampMs at);
  void remember_epoch(const SeriesKey& key, const Floors& floors);
  void absorb_value(const Batch& batch, std::size_t index);
  void note_place(const Batch& batch, const SeriesKey& key);
  void take_over(const LearnedSeries& learned);
  void learn_places(const JobFacts& job);
  void learn_sources(const JobFacts& job, JobLogs& logs);
  LearnedSeries learned(Metric metric, Row row) const;
  SeriesColumn::Keep keep_of(const SeriesKey& key) const;
  std::optional<Place> find(Metric metric, EntityId entity) const;
  const SeriesColumn* column(Metric metric) const;
  std::optional<Row> row_for(const SeriesKey& key, TimestampMs at);
  template <class Visit>
  void each_series(Visit visit) const;
  template <class Leaves>
  void erase_series_if(Leaves leaves);
  EntityId process_above(EntityId entity) const;

  const FeaturePlan& plan_;
  EntityTable& entities_;
  const Limits& limits_;
  std::vector<std::unique_ptr<SeriesColumn>> columns_;  // by metric; null: no series
  SeriesShare share_;                                   // the rows of all columns
  std::unordered_map<EntityId, TimestampMs> epochs_;
  std::unordered_map<SeriesKey, std::vector<EpochSummary>, SeriesKeyHash> past_epochs_;
  std::unordered_map<EntityId, EntityId> process_of_;
  std::unordered_map<std::string, JobLogs> logs_;
  SeriesLimit own_, shared_;  // what each has left out
};

template <class Visit>
void FeatureStore::each_series(Visit visit) const {
  for (std::size_t metric = 0; metric < columns_.size(); ++metric) {
    const std::size_t rows = columns_[metric] ? columns_[metric]->size() : 0;
    for (Row row = 0; row < rows; ++row) {
      visit(static_cast<Metric>(metric), *columns_[metric], row);
    }
  }
}

}  // namespace doctor
