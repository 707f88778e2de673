#include "model/window.hpp"

#include <algorithm>

#include "model/reporter_name.hpp"

namespace doctor {
namespace {

/// The host names a TaskManager over its restarts. Where several share one host, or once did, the
/// RPC port from the id ("host:port-hash") tells them apart.
std::string stable_host(const Window& window, const TaskManagerFacts& tm) {
  const auto& listed = window.cluster->task_managers;
  const auto neighbours =
      std::count_if(listed.begin(), listed.end(),
                    [&](const TaskManagerFacts& other) { return other.host == tm.host; });
  const TaskManagerPast* past = window.task_manager_past;
  const bool shared = neighbours > 1 || (past != nullptr && past->shares(tm.host));
  const std::size_t dash = tm.id.rfind('-');
  const std::size_t colon = tm.id.rfind(':', dash);
  if (!shared || colon == std::string::npos || dash == std::string::npos) return tm.host;
  return tm.host + tm.id.substr(colon, dash - colon);
}

/// What the page of a process tells comes in the turns of processes, the rest in those of jobs.
/// What only the host knows does not come through REST and has no turns.
DurationMs pace_of(const Window& window, Metric metric) {
  const MetricInfo& about = info(metric);
  const bool on_page = about.level == Level::process || about.level == Level::collector ||
                       about.level == Level::cluster;
  if (!on_page) return window.pace_ms;
  return about.rest_id.empty() ? 0 : window.process_pace_ms;
}

}  // namespace

bool Window::has_reporter(std::string_view process_kind) const {
  return std::any_of(sources.begin(), sources.end(), [&](const SourceHealth& source) {
    if (source.kind != SourceKind::reporter || !source.up) return false;
    if (process_kind.empty()) return true;
    if (source.process == kNoEntity) return false;
    const bool is_job_manager = entities->name(source.process) == "jobmanager";
    return is_job_manager == (process_kind == "jobmanager");
  });
}

bool Window::fresh(Metric metric, const Sample& sample, DurationMs age_max_ms) const {
  const auto until = [&](TimestampMs at) {
    if (fresh_until != nullptr) *fresh_until = std::min(*fresh_until, at);
  };
  if (sample.at > now + kMinuteMs) {  // by a clock that is ahead of ours
    until(sample.at - kMinuteMs - 1);
    return false;
  }
  const TimestampMs last = sample.at + std::max(age_max_ms, 2 * pace_of(*this, metric));
  if (now > last) return false;
  until(last);
  return true;
}

std::optional<double> Window::latest(Metric metric, EntityId entity) const {
  const std::optional<Sample> sample = features->latest(metric, entity);
  if (!sample || !fresh(metric, *sample)) return std::nullopt;
  return sample->value;
}

Subject Window::subject() const {
  Subject subject;
  subject.cluster = cluster == nullptr ? "" : cluster->name;
  subject.namespace_ = namespace_;
  return subject;
}

Subject Window::subject(const JobFacts& job) const {
  Subject of_job = subject();
  of_job.job_name = lineage(job);
  of_job.job_id = job.id;
  return of_job;
}

std::string Window::lineage(const JobFacts& job) const {
  if (job.is_terminal()) return job.name;
  const auto elder = [&](const JobFactsPtr& other) {
    return other->name == job.name && !other->is_terminal() &&
           (other->start < job.start || (other->start == job.start && other->id < job.id));
  };
  const auto elders = std::count_if(jobs.begin(), jobs.end(), elder);
  return elders == 0 ? job.name : job.name + " #" + std::to_string(elders + 1);
}

Subject Window::subject(const JobFacts& job, const VertexFacts& vertex) const {
  Subject of_vertex = subject(job);
  of_vertex.vertex = vertex.name;
  of_vertex.vertex_id = vertex.id;
  return of_vertex;
}

Subject Window::subject_of_process(EntityId process) const {
  Subject of_process = subject();
  const std::string& name = entities->name(process);
  if (name == "jobmanager") {
    of_process.process = "jobmanager";
    return of_process;
  }
  of_process.process = "taskmanager";
  of_process.task_manager = name;
  const TaskManagerFacts* tm = task_manager_of(process);
  if (tm == nullptr && task_manager_past != nullptr) tm = task_manager_past->departed(name);
  if (tm != nullptr && cluster != nullptr) {
    of_process.task_manager = tm->id;
    of_process.host = stable_host(*this, *tm);
  }
  return of_process;
}

const TaskManagerFacts* Window::task_manager_of(EntityId process) const {
  if (cluster == nullptr || process == kNoEntity) return nullptr;
  const std::string& name = entities->name(process);
  // The reporter filters ids, REST does not: meet on the filtered form.
  for (const TaskManagerFacts& tm : cluster->task_managers) {
    if (is_filtered_to(tm.id, name)) return &tm;
  }
  return nullptr;
}

const PodFacts* Window::pod_of(EntityId process) const {
  if (process == kNoEntity) return nullptr;
  const std::string& name = entities->name(process);
  const TaskManagerFacts* tm = task_manager_of(process);
  for (const KubernetesFactsPtr& facts : kubernetes) {
    const PodFacts* pod = name == "jobmanager" ? facts->job_manager()
                          : tm != nullptr      ? facts->task_manager(tm->id, tm->host)
                                               : facts->task_manager(name, "");
    if (pod != nullptr) return pod;
  }
  return nullptr;
}

}  // namespace doctor
