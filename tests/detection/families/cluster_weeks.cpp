// A whole cluster for weeks without any fault: load by day and week, deploys, failovers,
// savepoints, nightly batch jobs, all detectors on. What is pushed here is the figure that wins
// over all others: false incidents per cluster-week. The disturbed twin (N6, N7, N12, N13) also
// loses scrapes, reporters and TaskManagers, and its JobManager's clock steps.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/stage/flow.hpp"
#include "tests/detection/stage/worker.hpp"

namespace doctor::detection {
namespace {

constexpr auto kClusterRanges = joined(
    kWorkerRanges,
    std::to_array<Range>({
        {"task_managers", 12, 12, Scale::linear, "", 1},
        {"jobs", 5, 5, Scale::linear, "that stream", 1},
        {"weeks", 1, 1, Scale::linear, "", 0.01},
        {"scrape_s", 30, 30, Scale::linear, "", 1},
        {"parallelism", 1, 8, Scale::log, "of a vertex", 1},
        {"vertices", 3, 7, Scale::linear, "", 2},
        {"load", 0.2, 0.6, Scale::linear, "mean arrivals / capacity of the fullest vertex", 0.05,
         0.65},
        {"season", 0.1, 0.35, Scale::linear, "day against night", 0, 0.45},
        {"deploys_per_week", 1, 5, Scale::log, "of each job"},
        {"down_s", 5, 90, Scale::log, "of a restart or deploy"},
        {"faults_per_week", 0.2, 1.5, Scale::log, "of each job, unrelated"},
        {"lost_per_week", 0.01, 0.05, Scale::log, "TaskManagers, of each"},
        {"batches_per_day", 1, 6, Scale::log, "short jobs that load classes and end"},
        {"batch_min", 2, 40, Scale::log, ""},
        {"checkpoint_s", 30, 600, Scale::log, "interval", 5},
        {"gaps_per_week", 0, 0, Scale::linear, "times nothing at all is heard", 0},
        {"gap_min", 1, 720, Scale::log, "", 0.5},
        {"reporter_gaps_per_week", 0, 0, Scale::linear, "of any one TaskManager's reporter", 0},
        {"clock_steps_per_week", 0, 0, Scale::linear, "of the JobManager's clock", 0},
        {"clock_step_s", 1, 300, Scale::log, "forwards or back"},
        {"nan_share", 0, 0, Scale::linear, "of process samples that read NaN", 0, 0.5},
    }));

constexpr auto kDisturbedRanges =
    joined(kWorkerRanges,
           std::to_array<Range>({
               {"task_managers", 2, 6, Scale::linear, "", 1},
               {"jobs", 1, 4, Scale::linear, "that stream", 1},
               {"weeks", 0.4, 1, Scale::linear, "", 0.01},
               {"scrape_s", 15, 60, Scale::log, "", 1},
               {"parallelism", 1, 8, Scale::log, "of a vertex", 1},
               {"vertices", 3, 7, Scale::linear, "", 2},
               {"load", 0.2, 0.6, Scale::linear, "mean arrivals / capacity of the fullest vertex",
                0.05, 0.65},
               {"season", 0.1, 0.35, Scale::linear, "day against night", 0, 0.45},
               {"deploys_per_week", 1, 5, Scale::log, "of each job"},
               {"down_s", 5, 90, Scale::log, "of a restart or deploy"},
               {"faults_per_week", 0.2, 1.5, Scale::log, "of each job, unrelated"},
               {"lost_per_week", 0.2, 1, Scale::log, "TaskManagers, of each"},
               {"batches_per_day", 1, 24, Scale::log, "short jobs that load classes and end"},
               {"batch_min", 2, 40, Scale::log, ""},
               {"checkpoint_s", 30, 600, Scale::log, "interval", 5},
               {"gaps_per_week", 2, 10, Scale::log, "times nothing at all is heard"},
               {"gap_min", 1, 720, Scale::log, "", 0.5},
               {"reporter_gaps_per_week", 2, 20, Scale::log, "of any one TaskManager's reporter"},
               {"clock_steps_per_week", 1, 4, Scale::log, "of the JobManager's clock"},
               {"clock_step_s", 1, 300, Scale::log, "forwards or back"},
               {"nan_share", 0.001, 0.05, Scale::log, "of process samples that read NaN", 0, 0.5},
           }));

struct Streaming {
  std::string name;
  std::vector<VertexPlan> vertices;
  std::unique_ptr<Flow> flow;
  CheckpointPlan checkpoints;
  double class_bytes{};
  Job* job{nullptr};
  TimestampMs back_at{0};
};

struct NightlyJob {
  Job* job{nullptr};
  TimestampMs ends{};
};

class ClusterLife {
 public:
  ClusterLife(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        ranges_(ranges),
        stage_(stage),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        nan_share_(ranges.draw("nan_share", random_)) {
    const int hosts = ranges.draw_count("task_managers", random_);
    for (int i = 0; i < hosts; ++i)
      start(cluster_.add_task_manager(plain_task_manager(), host_name(i)));
    start(cluster_.job_manager());
    const int jobs = ranges.draw_count("jobs", random_);
    for (int i = 0; i < jobs; ++i) add_job("stream-" + std::to_string(i));
    const auto rate = [&](std::string_view name, int each, DurationMs per) {
      return Schedule(std::max(1e-9, ranges.draw(name, random_) * each), per, random_);
    };
    deploys_ = rate("deploys_per_week", jobs, kWeekMs);
    faults_ = rate("faults_per_week", jobs, kWeekMs);
    losses_ = rate("lost_per_week", hosts, kWeekMs);
    batches_due_ = rate("batches_per_day", 1, kDayMs);
    gaps_ = rate("gaps_per_week", 1, kWeekMs);
    reporter_gaps_ = rate("reporter_gaps_per_week", 1, kWeekMs);
    clock_steps_ = rate("clock_steps_per_week", 1, kWeekMs);
  }

  Truth run() {
    const auto length = static_cast<DurationMs>(ranges_.draw("weeks", random_) * kWeekMs);
    double process_weeks = 0;
    while (cluster_.now() < kCaseStart + length) {
      happen(cluster_.now() + cluster_.scrape_ms());
      if (cluster_.now() < silent_until_) {
        cluster_.skip_scrape();
      } else {
        cluster_.scrape();
      }
      process_weeks += static_cast<double>(1 + cluster_.task_managers().size()) *
                       static_cast<double>(cluster_.scrape_ms()) / kWeekMs;
    }
    Truth truth;
    truth.cluster_weeks = cluster_.weeks();
    truth.job_weeks = cluster_.weeks() * static_cast<double>(jobs_.size());
    truth.process_weeks = process_weeks;
    return truth;
  }

 private:
  void start(Process& process) {
    JvmSpec spec;
    static constexpr Collector kCollectors[] = {Collector::g1, Collector::g1_counted,
                                                Collector::parallel};
    spec.collector = kCollectors[random_.below(std::size(kCollectors))];
    spec.base_bytes = random_.log_uniform(60e6, 120e6);
    spec.concurrent_cycle_hours = random_.log_uniform(6, 100);
    workers_.push_back(std::make_unique<Worker>(spec, ranges_, random_.fork(), process,
                                                stage_.entities(), cluster_.now(),
                                                cluster_.scrape_ms()));
    by_process_[&process] = workers_.back().get();
    spoil(process);
  }

  /// Some of its samples read NaN, as a gauge that throws does: told apart from "gone" by nobody.
  void spoil(Process& process) {
    if (nan_share_ <= 0) return;
    process.spoil([random = random_.fork(), share = nan_share_](double& value) mutable {
      if (random.chance(share)) value = kAbsent;
    });
  }

  void add_job(const std::string& name) {
    Streaming& job = *jobs_.emplace_back(std::make_unique<Streaming>());
    job.name = name;
    const int count = ranges_.draw_count("vertices", random_);
    std::vector<FlowVertex> flow;
    const std::size_t fullest = random_.below(static_cast<std::size_t>(count));
    double demand = 1;
    for (int v = 0; v < count; ++v) {
      FlowVertex vertex;
      if (v > 0) vertex.inputs = {static_cast<std::size_t>(v) - 1};
      vertex.out_ratio = random_.log_uniform(0.6, 1.5);
      const auto parallelism = static_cast<std::size_t>(ranges_.draw_count("parallelism", random_));
      vertex.shares.assign(parallelism, 1.0 / static_cast<double>(parallelism));
      vertex.speeds.assign(parallelism, 1);
      const double used = static_cast<std::size_t>(v) == fullest ? 1 : random_.uniform(0.1, 0.9);
      vertex.capacity = demand / used;
      demand *= vertex.out_ratio;
      job.vertices.push_back({v == 0 ? "Source" : "Step-" + std::to_string(v),
                              static_cast<int>(parallelism), vertex.inputs});
      flow.push_back(std::move(vertex));
    }
    const double load = ranges_.draw("load", random_);
    const double amplitude = ranges_.draw("season", random_);
    const double weekend = random_.uniform(0, 0.5);
    job.flow = std::make_unique<Flow>(
        std::move(flow), [=](TimestampMs at) { return load * season(at, amplitude, weekend); },
        true, random_.fork());
    job.checkpoints = plain_checkpoints(
        static_cast<DurationMs>(1000 * ranges_.draw("checkpoint_s", random_)), random_.fork());
    const double tide = random_.uniform(0, 0.4);
    job.checkpoints.full_bytes = [size = job.checkpoints.full_bytes, tide](TimestampMs at) {
      return size(at) * season(at, tide, tide / 2);
    };
    job.class_bytes = random_.log_uniform(1e6, 10e6);
    submit(job, false);
  }

  void submit(Streaming& streaming, bool again) {
    JobPlan plan;
    plan.name = streaming.name;
    plan.vertices = streaming.vertices;
    plan.checkpoints = streaming.checkpoints;
    plan.from_savepoint = again;
    for (std::size_t v = 0; v < plan.vertices.size(); ++v) {
      plan.series.push_back(streaming.flow->series(v));
    }
    streaming.job = &cluster_.submit(std::move(plan), random_.below(64));
    load_classes(*streaming.job, streaming.class_bytes);
  }

  /// Wherever its subtasks run, until it ends.
  void load_classes(const Job& job, double bytes) {
    auto& held = loaders_[&job];
    for (Process* process : cluster_.task_managers()) {
      if (!job.uses(process->facts.id)) continue;
      Jvm& jvm = by_process_.at(process)->jvm();
      held.emplace_back(&jvm, jvm.load(bytes, std::floor(bytes * 2.5e-4), 0, cluster_.now()));
    }
  }

  void settle_anew(const Job& job) {
    for (Process* process : cluster_.task_managers()) {
      if (job.uses(process->facts.id)) by_process_.at(process)->settle_anew(cluster_.now());
    }
  }

  void release_classes(const Job& job) {
    for (const auto& [jvm, loader] : loaders_[&job]) jvm->release(loader, cluster_.now());
    loaders_.erase(&job);
  }

  void end(Job& job, const std::string& state) {
    release_classes(job);
    cluster_.end(job, state);
  }

  DurationMs down() { return static_cast<DurationMs>(1000 * ranges_.draw("down_s", random_)); }

  void happen(TimestampMs at) {
    for (const auto& job : jobs_) {
      job->flow->advance(at, job->job != nullptr && job->job->is_running());
      if (job->job == nullptr && at >= job->back_at) submit(*job, true);
    }
    Streaming& any = *jobs_[random_.below(jobs_.size())];
    if (deploys_.due(at) && any.job != nullptr) deploy(any);
    if (faults_.due(at) && any.job != nullptr) {
      const std::string place = "org.acme.Step" + std::to_string(random_.below(1000)) + ".run";
      any.flow->reset();
      settle_anew(*any.job);
      any.job->restart(cluster_.now(), task_fault(*any.job, "java.io.IOException: reset", place),
                       down());
    }
    if (losses_.due(at)) lose_task_manager();
    happen_to_batches(at);
    disturb(at);
  }

  void deploy(Streaming& streaming) {
    streaming.job->savepoint(cluster_.now());
    end(*streaming.job, random_.chance(0.5) ? "FINISHED" : "CANCELED");
    streaming.job = nullptr;
    streaming.flow->reset();
    streaming.back_at = cluster_.now() + down();
  }

  void lose_task_manager() {
    const std::vector<Process*> all = cluster_.task_managers();
    Process& lost = *all[random_.below(all.size())];
    const std::string id = lost.facts.id;
    const Jvm* jvm = &by_process_.at(&lost)->jvm();
    by_process_.erase(&lost);
    std::vector<Job*> hit;
    for (Job& job : cluster_.jobs()) {
      if (!job.has_ended() && job.uses(id)) hit.push_back(&job);
    }
    Process& fresh = cluster_.replace(lost, down());
    start(fresh);
    for (auto& [job, held] : loaders_) {
      std::erase_if(held, [&](const auto& entry) { return entry.first == jvm; });
    }
    for (const auto& streaming : jobs_) {
      if (std::find(hit.begin(), hit.end(), streaming->job) != hit.end()) streaming->flow->reset();
    }
    for (Job* job : hit) {
      const auto bytes = random_.log_uniform(1e6, 10e6);
      Jvm& of_fresh = by_process_.at(&fresh)->jvm();
      loaders_[job].emplace_back(
          &of_fresh, of_fresh.load(bytes, std::floor(bytes * 2.5e-4), 0, cluster_.now()));
    }
  }

  void happen_to_batches(TimestampMs at) {
    std::erase_if(batches_, [&](const NightlyJob& batch) {
      if (at < batch.ends) return false;
      end(*batch.job, "FINISHED");
      return true;
    });
    if (!batches_due_.due(at)) return;
    JobPlan plan = chain_plan("nightly-" + std::to_string(random_.below(3)), 2, 2);
    plan.type = "BATCH";
    NightlyJob batch;
    batch.job = &cluster_.submit(std::move(plan), random_.below(64));
    load_classes(*batch.job, random_.log_uniform(1e6, 8e6));
    batch.ends = at + static_cast<DurationMs>(ranges_.draw("batch_min", random_) * kMinuteMs);
    batches_.push_back(batch);
  }

  void disturb(TimestampMs at) {
    const auto gap = [&] {
      return static_cast<DurationMs>(ranges_.draw("gap_min", random_) * kMinuteMs);
    };
    if (gaps_.due(at)) silent_until_ = std::max(silent_until_, at + gap());
    const std::vector<Process*> all = cluster_.task_managers();
    if (reporter_gaps_.due(at)) {
      Process& process = *all[random_.below(all.size())];
      process.answers = false;
      mute_until_[process.facts.id] = at + gap();
    }
    for (Process* process : all) {
      const auto muted = mute_until_.find(process->facts.id);
      if (muted != mute_until_.end() && at >= muted->second) process->answers = true;
    }
    if (clock_steps_.due(at)) {
      const auto step = static_cast<DurationMs>(1000 * ranges_.draw("clock_step_s", random_));
      cluster_.set_clock_skew(random_.chance(0.5) ? step : -step);
    }
  }

  Random random_;
  const Ranges& ranges_;
  Stage& stage_;
  Cluster cluster_;
  double nan_share_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::map<const Process*, Worker*> by_process_;
  std::map<const Job*, std::vector<std::pair<Jvm*, Jvm::Loader>>> loaders_;
  std::vector<std::unique_ptr<Streaming>> jobs_;
  std::vector<NightlyJob> batches_;
  Schedule deploys_, faults_, losses_, batches_due_, gaps_, reporter_gaps_, clock_steps_;
  std::map<std::string, TimestampMs> mute_until_;  // by TaskManager
  TimestampMs silent_until_{0};
};

Truth play_weeks(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  return ClusterLife(seed, ranges, stage).run();
}

}  // namespace

namespace families {
extern const Family cluster_weeks{
    "cluster_weeks", "whole cluster, no fault", Kind::negative, kClusterRanges, 10, play_weeks};
extern const Family disturbed_weeks{
    "disturbed_weeks", "N6, N7, N12, N13", Kind::negative, kDisturbedRanges, 5, play_weeks};
}  // namespace families

}  // namespace doctor::detection
