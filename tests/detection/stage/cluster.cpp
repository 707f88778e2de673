#include "tests/detection/stage/cluster.hpp"

#include <algorithm>
#include <utility>

#include "collectors/rest/changes.hpp"
#include "model/text.hpp"

namespace doctor::detection {
namespace {

constexpr DurationMs kEndedListedMs = kHourMs;  // jobstore.expiration-time
constexpr SourceId kRest = 0;

}  // namespace

Cluster::Cluster(Stage& stage, Random random, DurationMs scrape_ms)
    : stage_(stage), random_(random), scrape_ms_(scrape_ms) {
  facts_.name = "simulated";
  facts_.url = "http://jobmanager:8081";
  facts_.version = FlinkVersion{1, 20, "1.20.1"};
  facts_.task_managers_known = facts_.jobs_known = true;
  Process& manager = processes_.emplace_back();
  manager.entity = stage_.entities().intern(Level::process, kClusterEntity, "jobmanager");
  manager.health_.id = next_source_++;
  manager.health_.kind = SourceKind::reporter;
  manager.health_.address = "jobmanager:9249";
  manager.health_.process = manager.entity;
}

double Cluster::weeks() const {
  return static_cast<double>(now_ - kCaseStart) / static_cast<double>(kWeekMs);
}

Process& Cluster::add_task_manager(TaskManagerFacts sizes, const std::string& host) {
  Process& process = processes_.emplace_back();
  process.facts = std::move(sizes);
  process.facts.host = host;
  process.facts.id = host + ":6122-" + hex_id().substr(0, 6);
  process.entity =
      stage_.entities().intern(Level::process, kClusterEntity, reporter_filtered(process.facts.id));
  process.health_.id = next_source_++;
  process.health_.kind = SourceKind::reporter;
  process.health_.address = host + ":9249";
  process.health_.process = process.entity;
  told_.reset();
  return process;
}

void Cluster::remove(Process& task_manager) {
  SourceHealth gone = task_manager.health_;
  gone.retired = true;
  send(gone);
  processes_.remove_if([&](const Process& process) { return &process == &task_manager; });
  told_.reset();
}

std::vector<Process*> Cluster::task_managers() {
  std::vector<Process*> all;
  for (Process& process : processes_) {
    if (&process != &job_manager()) all.push_back(&process);
  }
  return all;
}

Job& Cluster::submit(JobPlan plan, std::size_t first) {
  Job& job = jobs_.emplace_back(std::move(plan), hex_id(), now_, skew_ms_);
  const EntityId entity = stage_.entities().intern(Level::job, kClusterEntity, job.id());
  job_manager().add({{{Metric::job_restarts, entity}},
                     [&job](TimestampMs, double* values) { values[0] = job.attempt(); },
                     &job});
  place(job, first);
  return job;
}

void Cluster::end(Job& job, const std::string& state) {
  job.end(now_, state);
  remove_series(job);
  std::erase_if(job_manager().blocks_, [&](const Block& block) { return block.owner == &job; });
  job_manager().layout_.reset();
}

void Cluster::lose_jobs() {
  for (Job& job : jobs_) end(job, "FAILED");
  jobs_.clear();
  told_.reset();
}

void Cluster::remove_series(const Job& job) {
  for (Process* process : task_managers()) {
    if (std::erase_if(process->blocks_, [&](const Block& b) { return b.owner == &job; }) > 0) {
      process->layout_.reset();
    }
  }
}

void Cluster::place(Job& job, std::size_t first) {
  remove_series(job);
  const std::vector<Process*> hosts = task_managers();
  if (hosts.empty()) return;
  EntityTable& entities = stage_.entities();
  const EntityId of_job = entities.intern(Level::job, kClusterEntity, job.id());
  std::vector<Place> places;
  for (std::size_t v = 0; v < job.plan().vertices.size(); ++v) {
    const EntityId of_vertex = entities.intern(Level::vertex, of_job, job.facts().vertices[v].id);
    for (int s = 0; s < job.plan().vertices[v].parallelism; ++s) {
      Process& host = *hosts[(first + static_cast<std::size_t>(s)) % hosts.size()];
      places.push_back({host.facts.id, host.facts.host});
      const EntityId subtask =
          entities.intern(Level::subtask, of_vertex, "", static_cast<std::uint32_t>(s));
      for (const SubtaskSeries& series : job.plan().series) {
        if (series.vertex == v) add_series(host, job, subtask, series, s);
      }
    }
  }
  job.place(places);
}

void Cluster::add_series(Process& process, const Job& job, EntityId subtask,
                         const SubtaskSeries& series, int index) {
  EntityId entity = subtask;
  if (!series.operator_.empty()) {
    entity = stage_.entities().intern(Level::operator_, entity, series.operator_);
  }
  if (!series.column_family.empty()) {
    entity = stage_.entities().intern(Level::column_family, entity, series.column_family);
  }
  Block block;
  for (const Metric metric : series.metrics) block.keys.push_back({metric, entity});
  block.owner = &job;
  block.fill = [&job, &series, index](TimestampMs at, double* values) {
    if (job.is_running()) {
      series.fill(index, at, values);
    } else {
      std::fill_n(values, series.metrics.size(), kAbsent);
    }
  };
  process.add(std::move(block));
}

Process& Cluster::replace(Process& task_manager, DurationMs down_ms) {
  const TaskManagerFacts old = task_manager.facts;
  remove(task_manager);
  TaskManagerFacts sizes = old;
  Process& fresh = add_task_manager(std::move(sizes), old.host);
  for (Job& job : jobs_) {
    if (job.has_ended() || !job.uses(old.id)) continue;
    job.restart(now_, lost_task_manager_fault(old.id), down_ms);
    place(job);
  }
  return fresh;
}

void Cluster::set_clock_skew(DurationMs skew_ms) {
  skew_ms_ = skew_ms;
  for (Job& job : jobs_) job.set_clock_skew(skew_ms);
}

void Cluster::run_until(TimestampMs until, const std::function<void(TimestampMs)>& before_each) {
  while (now_ < until) {
    if (before_each) before_each(now_ + scrape_ms_);
    scrape();
  }
}

void Cluster::skip_scrape() {
  now_ += scrape_ms_;
  for (Job& job : jobs_) job.advance(now_);
}

void Cluster::scrape() {
  skip_scrape();
  expire_jobs();
  tell_facts();
  for (Process& process : processes_) tell(process);
  send(Tick{now_});
}

void Cluster::expire_jobs() {
  jobs_.remove_if(
      [&](const Job& job) { return job.has_ended() && now_ - job.ended_at() > kEndedListedMs; });
}

/// As the REST collector does: events first, then the cluster, then the jobs that changed.
void Cluster::tell_facts() {
  std::vector<JobFactsPtr> changed;
  for (Job& job : jobs_) {
    if (JobFactsPtr facts = job.take_changed()) changed.push_back(std::move(facts));
  }
  if (!seen_) {
    SourceHealth rest;
    rest.id = kRest;
    rest.address = "jobmanager:8081";
    rest.up = rest.ever_up = true;
    rest.since = now_;
    send(rest);
  }
  const bool same_jobs = told_ && told_->jobs.size() == jobs_.size();
  if (!same_jobs || !changed.empty()) {
    facts_.task_managers.clear();
    for (const Process* process : task_managers()) facts_.task_managers.push_back(process->facts);
    facts_.jobs.clear();
    for (const Job& job : jobs_) facts_.jobs.push_back(job.summary());
    auto fresh = std::make_shared<const ClusterFacts>(facts_);
    if (seen_) {
      for (Event& event : rest::job_changes(seen_->jobs, fresh->jobs, kRest, now_, true)) {
        send(std::move(event));
      }
      std::vector<TaskManagerFacts> after = fresh->task_managers;
      for (Event& event :
           rest::task_manager_changes(seen_->task_managers, after, kRest, now_, false)) {
        send(std::move(event));
      }
    }
    seen_ = told_ = std::move(fresh);
  }
  send(told_);
  for (JobFactsPtr& facts : changed) send(std::move(facts));
}

void Cluster::lay_out(Process& process) {
  Layout layout;
  layout.source = process.health_.id;
  layout.version = ++layouts_;
  layout.process = process.entity;
  process.kept_.clear();
  for (const Block& block : process.blocks_) {
    for (const SeriesKey& key : block.keys) {
      process.kept_.push_back(stage_.selected(key.metric));
      if (process.kept_.back()) layout.keys.push_back(key);
    }
  }
  process.values_.resize(process.kept_.size());
  process.layout_ = std::make_shared<const Layout>(std::move(layout));
}

void Cluster::tell(Process& process) {
  if (process.answers != process.told_up_ || process.health_.since == 0) {
    process.told_up_ = process.answers;
    process.health_.up = process.answers;
    process.health_.ever_up |= process.answers;
    process.health_.since = now_;
    process.health_.last_error.reset();
    if (!process.answers) process.health_.last_error = Error{ErrorCode::timeout, "simulated"};
    send(process.health_);
  }
  if (!process.answers) return;
  if (!process.layout_) lay_out(process);
  std::size_t next = 0;
  for (const Block& block : process.blocks_) {
    block.fill(now_, process.values_.data() + next);
    next += block.keys.size();
  }
  Batch batch;
  batch.source = process.health_.id;
  batch.at = now_;
  batch.layout = process.layout_;
  batch.values.reserve(process.layout_->keys.size());
  for (std::size_t i = 0; i < process.values_.size(); ++i) {
    if (!process.kept_[i]) continue;
    if (process.spoiler_) process.spoiler_(process.values_[i]);
    batch.values.push_back(process.values_[i]);
  }
  send(std::move(batch));
}

void Cluster::send(decltype(StreamItem::what) what) { stage_.send({0, now_, std::move(what)}); }

std::string Cluster::hex_id() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string id;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = random_.bits();
    for (int i = 0; i < 16; ++i, bits >>= 4U) id.push_back(kHex[bits & 15U]);
  }
  return id;
}

ExceptionRecord task_fault(const Job& job, const std::string& root_cause,
                           const std::string& frame) {
  ExceptionRecord fault;
  fault.name = "java.lang.RuntimeException";
  fault.message = "Exception occurred while processing a record";
  fault.root_cause = root_cause;
  fault.frames = {frame, "org.apache.flink.streaming.api.operators.StreamMap.processElement"};
  const VertexPlan& vertex = job.plan().vertices.back();
  fault.task = vertex.name + " (1/" + std::to_string(vertex.parallelism) + ") - execution #" +
               std::to_string(job.attempt());
  fault.task_manager = job.facts().vertices.back().subtasks.front().task_manager;
  return fault;
}

ExceptionRecord lost_task_manager_fault(const std::string& task_manager) {
  ExceptionRecord fault;
  fault.name = "java.util.concurrent.TimeoutException";
  fault.message = "Heartbeat of TaskManager with id " + task_manager + " timed out.";
  return fault;
}

}  // namespace doctor::detection
