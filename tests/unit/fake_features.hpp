// A hand-filled cluster for detector tests: put samples, facts and jobs in, take a Window out.
//   FakeCluster fake;
//   const EntityId tm = fake.task_manager("tm-1", "host-1");
//   fake.features.put(Metric::jvm_metaspace_used, tm, fake.now, 60e6);
//   const Verdict verdict = fake.judge(detectors::metaspace_leak);
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/detector.hpp"
#include "model/text.hpp"
#include "model/window.hpp"

namespace doctor {

class FakeFeatures : public Features {
 public:
  /// A sample: newest value, raw ring, plateaus and floors at once, as the history would keep it.
  void put(Metric metric, EntityId entity, TimestampMs at, double value) {
    const SeriesKey key{metric, entity};
    latest_[key] = Sample{at, value};
    raw_[key].push(Sample{at, value});
    plateaus_[key].add(Sample{at, value});
    floors_[key].add(Sample{at, value});
    minutes_[key].add(Sample{at, value});
    moves_[key].add(Sample{at, value});
  }
  /// A job submission: cuts the plateaus of every series that has one.
  void submit(TimestampMs at) {
    for (auto& [key, plateaus] : plateaus_) plateaus.cut(at);
  }
  /// A new JVM: its series begin anew.
  void restart(EntityId process, TimestampMs at, const EntityTable& entities) {
    epoch_start_[process] = at;
    const auto is_of_it = [&](const auto& entry) {
      return entities.ancestor(entry.first.entity, Level::process) == process;
    };
    for (const auto& entry : floors_) {
      if (!is_of_it(entry)) continue;
      if (const auto life = summarize(entry.second)) past_epochs_[entry.first].push_back(*life);
    }
    std::erase_if(plateaus_, is_of_it);
    std::erase_if(floors_, is_of_it);
  }
  void place(EntityId subtask, EntityId process) { process_of_[subtask] = process; }
  void set_epoch_start(EntityId process, TimestampMs at) { epoch_start_[process] = at; }
  CheckpointLog& checkpoint_log(const std::string& job_id) { return checkpoints_[job_id]; }
  RestartLog& restart_log(const std::string& job_id) { return restarts_[job_id]; }

  std::optional<Sample> latest(Metric metric, EntityId entity) const override {
    const Sample* sample = find(latest_, SeriesKey{metric, entity});
    return sample == nullptr ? std::nullopt : std::optional<Sample>(*sample);
  }
  const RawRing* raw(Metric metric, EntityId entity) const override {
    return find(raw_, SeriesKey{metric, entity});
  }
  const Plateaus* plateaus(Metric metric, EntityId entity) const override {
    return find(plateaus_, SeriesKey{metric, entity});
  }
  const Floors* floors(Metric metric, EntityId entity) const override {
    return find(floors_, SeriesKey{metric, entity});
  }
  std::span<const EpochSummary> past_epochs(Metric metric, EntityId entity) const override {
    const auto* lives = find(past_epochs_, SeriesKey{metric, entity});
    return lives == nullptr ? std::span<const EpochSummary>{} : *lives;
  }
  const MinuteRises* minutes(Metric metric, EntityId entity) const override {
    return find(minutes_, SeriesKey{metric, entity});
  }
  const Moves* moves(Metric metric, EntityId entity) const override {
    return find(moves_, SeriesKey{metric, entity});
  }
  TimestampMs epoch_start(EntityId process) const override {
    const TimestampMs* at = find(epoch_start_, process);
    return at == nullptr ? 0 : *at;
  }
  EntityId process_of(EntityId subtask) const override {
    const EntityId* process = find(process_of_, subtask);
    return process == nullptr ? kNoEntity : *process;
  }
  const CheckpointLog* checkpoints(const std::string& job_id) const override {
    return find(checkpoints_, job_id);
  }
  const RestartLog* restarts(const std::string& job_id) const override {
    return find(restarts_, job_id);
  }

 private:
  template <typename Map>
  static const typename Map::mapped_type* find(const Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }

  std::map<SeriesKey, Sample> latest_;
  std::map<SeriesKey, RawRing> raw_;
  std::map<SeriesKey, Plateaus> plateaus_;
  std::map<SeriesKey, Floors> floors_;
  std::map<SeriesKey, std::vector<EpochSummary>> past_epochs_;
  std::map<SeriesKey, MinuteRises> minutes_;
  std::map<SeriesKey, Moves> moves_;
  std::map<EntityId, TimestampMs> epoch_start_;
  std::map<EntityId, EntityId> process_of_;
  std::map<std::string, CheckpointLog> checkpoints_;
  std::map<std::string, RestartLog> restarts_;
};

struct FakeCluster {
  FakeCluster() {
    facts.name = "test";
    facts.url = "http://jm:8081";
    facts.version = FlinkVersion{1, 20, "1.20.5"};
    facts.task_managers_known = true;
    facts.jobs_known = true;
  }

  EntityId job_manager() { return entities.intern(Level::process, kClusterEntity, "jobmanager"); }
  EntityId task_manager(const std::string& id, const std::string& host, int slots = 1) {
    TaskManagerFacts tm;
    tm.id = id;
    tm.host = host;
    tm.slots = slots;
    facts.task_managers.push_back(std::move(tm));
    return entities.intern(Level::process, kClusterEntity, reporter_filtered(id));
  }
  EntityId collector(EntityId process, const std::string& name) {
    return entities.intern(Level::collector, process, reporter_filtered(name));
  }
  EntityId job_entity(const std::string& job_id) {
    return entities.intern(Level::job, kClusterEntity, job_id);
  }
  EntityId subtask(const std::string& job_id, const std::string& vertex_id, std::uint32_t index) {
    const EntityId vertex = entities.intern(Level::vertex, job_entity(job_id), vertex_id);
    return entities.intern(Level::subtask, vertex, "", index);
  }
  EntityId column_family(EntityId of_subtask, const std::string& op, const std::string& name) {
    const EntityId operator_entity = entities.intern(Level::operator_, of_subtask, op);
    return entities.intern(Level::column_family, operator_entity, name);
  }

  /// Adds a job to the overview and to the facts; change what it returns before window().
  JobFacts& job(const std::string& id, const std::string& name, const std::string& state,
                TimestampMs start) {
    auto job_facts = std::make_shared<JobFacts>();
    job_facts->id = id;
    job_facts->name = name;
    job_facts->state = state;
    job_facts->type = "STREAMING";
    job_facts->start = start;
    job_facts->state_since[state] = start;
    JobSummary summary;
    summary.id = id;
    summary.name = name;
    summary.state = state;
    summary.start = start;
    summary.last_modification = start;
    summary.tasks_total = summary.tasks_running = state == "RUNNING" ? 1 : 0;
    facts.jobs.push_back(std::move(summary));
    jobs.push_back(job_facts);
    return *job_facts;
  }
  JobSummary& summary(const std::string& id) {
    for (JobSummary& row : facts.jobs) {
      if (row.id == id) return row;
    }
    return facts.jobs.emplace_back();
  }

  Window window() {
    published_.assign(jobs.begin(), jobs.end());
    Window w;
    w.now = now;
    w.one_shot = one_shot;
    w.status = status;
    w.status_since = status_since;
    w.watched_since = watched_since;
    w.cluster = has_cluster ? &facts : nullptr;
    w.expected_jobs = expected_jobs;
    w.entities = &entities;
    w.features = &features;
    w.jobs = published_;
    w.vanished = vanished;
    w.sources = sources;
    return w;
  }
  Verdict judge(const Detector& detector,
                const std::map<std::string, double>* overrides = nullptr) {
    return detector.detect(window(), Params(detector.params, overrides));
  }

  EntityTable entities{100'000};
  FakeFeatures features;
  ClusterFacts facts;
  bool has_cluster{true};
  std::vector<std::shared_ptr<JobFacts>> jobs;
  std::vector<LastSeenJob> vanished;
  std::vector<SourceHealth> sources;
  std::vector<std::string> expected_jobs;
  TimestampMs now{1'000'000'000'000};
  TimestampMs status_since{1'000'000'000'000 - kHourMs};
  TimestampMs watched_since{1'000'000'000'000 - kHourMs};
  ClusterStatus status{ClusterStatus::ok};
  bool one_shot{false};

 private:
  std::vector<JobFactsPtr> published_;
};

}  // namespace doctor
