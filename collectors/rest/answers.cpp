// Where the answers to the errands of a RestSource go.
#include <algorithm>
#include <set>
#include <utility>

#include "collectors/rest/parse.hpp"
#include "collectors/rest/source.hpp"
#include "collectors/rest/vertex_metrics.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

using Ask = rest::Errand::Ask;

constexpr std::string_view kCollectorPrefix = "Status.JVM.GarbageCollector.";
constexpr std::string_view kCollectorSuffix = ".Count";
constexpr std::size_t kCollectorsMax = 8;
constexpr std::size_t kCheckpointDetailsMax = 6;
constexpr std::size_t kVertexIdsMax = 200;
/// A vertex's values must all be read while the first of them are fresh.
constexpr std::size_t kVertexQueriesMax = 6;

/// Of a job that did not change: its tasks run where they ran.
void keep_placement(std::vector<VertexFacts>& before, std::vector<VertexFacts>& fresh) {
  for (VertexFacts& vertex : fresh) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const VertexFacts& v) { return v.id == vertex.id; });
    if (same == before.end() || same->parallelism != vertex.parallelism) continue;
    vertex.subtasks = std::move(same->subtasks);
  }
}

}  // namespace

Status RestSource::take(const Errand& errand, const std::string& body) {
  // Marked first: taking a job's answer may replace the parts of its vertices.
  rest::Part& part = *part_of(errand);
  const std::int64_t change_before = part.change;
  const auto found = known_.jobs.find(errand.subject);
  part.change = found == known_.jobs.end() ? 1 : found->second.changes;
  Status taken = Done{};
  switch (errand.ask) {
    case Ask::task_managers:
      return take_task_managers(body);
    case Ask::configuration:
    case Ask::jvm_options:
      taken = take_job_manager(errand.ask, body);
      break;
    case Ask::job:
      taken = take_job(found->second, body, change_before != part.change);
      break;
    case Ask::checkpoints:
      taken = rest::parse_checkpoints(body, limits_, found->second.facts);
      if (taken.ok()) found->second.facts.checkpoints_read_at = clock_();
      break;
    case Ask::checkpoint_config:
      taken = rest::parse_checkpoint_config(body, found->second.facts);
      break;
    case Ask::exceptions:
      taken = rest::parse_exceptions(body, limits_, found->second.facts);
      break;
    case Ask::checkpoint_details:
      taken = take_checkpoint_details(found->second, body);
      break;
    case Ask::checkpoint_subtasks:
      taken = take_checkpoint_subtasks(found->second, errand, body);
      break;
    case Ask::job_config:
      taken = rest::parse_job_config(body, found->second.facts);
      break;
    case Ask::vertex:
      taken = take_vertex(found->second, errand.vertex, body);
      break;
    case Ask::vertex_metric_ids:
      taken = take_vertex_metric_ids(found->second, errand, body);
      break;
    case Ask::vertex_metrics:
      return take_vertex_metrics(found->second, errand, body);
    default:
      return take_metrics(errand, body);
  }
  if (!taken.ok()) part.change = change_before;
  return taken;
}

Status RestSource::take_job_manager(Ask ask, const std::string& body) {
  if (ask == Ask::configuration) {
    auto configuration = rest::parse_configuration(body, limits_);
    if (!configuration.ok()) return configuration.error();
    known_.facts.configuration = *std::move(configuration);
    return Done{};
  }
  auto options = rest::parse_jvm_options(body, limits_);
  if (!options.ok()) return options.error();
  known_.facts.job_manager_jvm_options = *std::move(options);
  known_.facts.job_manager_metaspace_limit =
      rest::metaspace_limit(known_.facts.job_manager_jvm_options);
  return Done{};
}

Status RestSource::take_task_managers(const std::string& body) {
  auto managers = rest::parse_task_managers(body, limits_);
  if (!managers.ok()) return managers.error();
  std::map<std::string, rest::KnownProcess> processes;
  for (const TaskManagerFacts& manager : *managers) {
    entities_.intern(Level::process, kClusterEntity, reporter_filtered(manager.id));
    processes[manager.id] = std::move(known_.processes[manager.id]);
  }
  known_.processes = std::move(processes);
  known_.facts.task_managers = *std::move(managers);
  known_.facts.task_managers_known = true;
  task_managers_read_ = true;
  return Done{};
}

Status RestSource::take_job(rest::KnownJob& job, const std::string& body, bool changed) {
  Result<rest::JobPage> page = rest::parse_job(body, limits_);
  if (!page.ok()) return page.error();
  JobFacts& fresh = page->job;
  if (fresh.id != job.summary.id) return Error{ErrorCode::malformed, "$.jid is another job's"};
  job.facts.type = std::move(fresh.type);
  job.facts.state_since = std::move(fresh.state_since);
  if (!changed) keep_placement(job.facts.vertices, fresh.vertices);
  job.facts.vertices = std::move(fresh.vertices);
  std::map<std::string, rest::KnownVertex> vertices;
  for (const VertexFacts& vertex : job.facts.vertices) {
    rest::KnownVertex& known = vertices[vertex.id];
    known = std::move(job.vertices[vertex.id]);
    if (vertex.subtasks.empty()) known.page.change = 0;
  }
  job.vertices = std::move(vertices);
  if (!task_manager_reporters_) take_times(job, page->times);
  return Done{};
}

/// How the vertices spent their time, of all their tasks together, in the order of the facts.
void RestSource::take_times(rest::KnownJob& job,
                            const std::vector<std::optional<rest::TaskTimes>>& times) {
  const EntityId of_job = entities_.intern(Level::job, kClusterEntity, job.summary.id);
  rest::KeyedValues values;
  for (std::size_t i = 0; i < times.size(); ++i) {
    rest::KnownVertex& known = job.vertices.at(job.facts.vertices[i].id);
    if (!times[i]) continue;
    known.backpressured = rest::backpressured_between(known.times, *times[i]);
    known.times = times[i];
    if (of_job == kNoEntity) continue;
    const EntityId vertex = entities_.intern(Level::vertex, of_job, job.facts.vertices[i].id);
    if (vertex == kNoEntity) continue;
    const auto add = [&](Metric metric, double ms) {
      values.emplace_back(SeriesKey{metric, vertex}, ms);
    };
    if (times[i]->busy) add(Metric::vertex_accumulated_busy, *times[i]->busy);
    add(Metric::vertex_accumulated_backpressured, times[i]->backpressured);
    add(Metric::vertex_accumulated_idle, times[i]->idle);
  }
  batch_.add(std::move(values));
}

Status RestSource::take_checkpoint_details(rest::KnownJob& job, const std::string& body) {
  Result<CheckpointDetails> details = rest::parse_checkpoint_details(body, limits_);
  if (!details.ok()) return details.error();
  auto& known = job.facts.checkpoint_details;
  std::erase_if(known, [&](const CheckpointDetails& other) { return other.id == details->id; });
  known.push_back(*std::move(details));
  std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  if (known.size() > kCheckpointDetailsMax) known.erase(known.begin());
  for (auto* asked : {&job.checkpoint_details, &job.checkpoint_subtasks}) {
    while (asked->size() > 2 * kCheckpointDetailsMax) asked->erase(asked->begin());
  }
  return Done{};
}

Status RestSource::take_checkpoint_subtasks(rest::KnownJob& job, const Errand& errand,
                                            const std::string& body) {
  for (CheckpointDetails& details : job.facts.checkpoint_details) {
    if (details.id != errand.checkpoint) continue;
    for (VertexCheckpoint& vertex : details.vertices) {
      if (vertex.vertex != errand.vertex) continue;
      return rest::parse_checkpoint_subtasks(body, limits_, vertex);
    }
  }
  return Done{};
}

Status RestSource::take_vertex(rest::KnownJob& job, const std::string& id,
                               const std::string& body) {
  auto& vertices = job.facts.vertices;
  const auto vertex =
      std::find_if(vertices.begin(), vertices.end(), [&](const auto& v) { return v.id == id; });
  if (vertex == vertices.end()) return Done{};
  rest::KeyedValues values;
  Status taken = rest::parse_vertex(body, limits_, job.summary.id, entities_, *vertex, values);
  if (taken.ok() && !task_manager_reporters_) batch_.add(std::move(values));
  return taken;
}

Status RestSource::take_metrics(const Errand& errand, const std::string& body) {
  if (errand.ask == Ask::job_manager_metric_ids) {
    return take_metric_ids(known_.job_manager, body);
  }
  if (errand.ask == Ask::task_manager_metric_ids) {
    return take_metric_ids(known_.processes.at(errand.subject), body);
  }
  const bool of_job = errand.ask == Ask::job_metrics;
  const bool of_job_manager = errand.ask == Ask::job_manager_metrics;
  const std::string name =
      of_job_manager ? "jobmanager" : (of_job ? errand.subject : reporter_filtered(errand.subject));
  const EntityId entity =
      entities_.intern(of_job ? Level::job : Level::process, kClusterEntity, name);
  if (entity == kNoEntity) return Done{};  // the table is full; its owner counts that
  rest::KeyedValues values;
  Status taken = rest::parse_metrics(body, entity, entities_, values);
  if (taken.ok()) batch_.add(std::move(values));
  return taken;
}

Status RestSource::take_vertex_metric_ids(const rest::KnownJob& job, const Errand& errand,
                                          const std::string& body) {
  const auto ids = rest::parse_metric_ids(body, limits_);
  if (!ids.ok()) return ids.error();
  rest::KnownVertex& vertex = known_.jobs.at(errand.subject).vertices.at(errand.vertex);
  // An empty list: the JobManager has not fetched anything of that vertex yet.
  if (ids->empty()) vertex.metric_ids.change = 0;
  const VertexFacts* facts = job.facts.vertex(errand.vertex);
  const int parallelism = facts == nullptr ? 0 : facts->parallelism;
  const bool with_watermarks = rest::makes_or_merges_watermarks(job.facts, errand.vertex);
  std::vector<std::string> asked =
      rest::wanted_vertex_ids(*ids, wanted_, kVertexIdsMax, with_watermarks);
  vertex.queries = rest::vertex_queries(asked, parallelism, kVertexQueriesMax);
  const auto add_if_one_request_takes_it = [&](const std::vector<std::string>& more) {
    std::vector<std::string> with = asked;
    with.insert(with.end(), more.begin(), more.end());
    std::vector<std::string> queries = rest::vertex_queries(with, parallelism, kVertexQueriesMax);
    if (queries.size() != 1) return;
    vertex.queries = std::move(queries);
    asked = std::move(with);
  };
  if (with_watermarks && vertex.queries.size() == 1) {
    // A watermark that stands still says little without what its maker does meanwhile.
    add_if_one_request_takes_it(rest::page_vertex_ids(*ids, wanted_));
    add_if_one_request_takes_it(rest::split_vertex_ids(*ids, wanted_));
  }
  vertex.tells_state = rest::tell_state(asked);
  vertex.barren = vertex.tells_state ? 0 : vertex.barren + 1;
  return Done{};
}

Status RestSource::take_vertex_metrics(const rest::KnownJob& job, const Errand& errand,
                                       const std::string& body) {
  const EntityId of_job = entities_.intern(Level::job, kClusterEntity, job.summary.id);
  if (of_job == kNoEntity) return Done{};
  const EntityId vertex = entities_.intern(Level::vertex, of_job, errand.vertex);
  if (vertex == kNoEntity) return Done{};
  rest::KeyedValues values;
  Status taken = rest::parse_vertex_metrics(body, limits_, vertex, entities_, values);
  rest::KnownVertex& known = known_.jobs.at(errand.subject).vertices.at(errand.vertex);
  if (!taken.ok()) return taken;
  if (const auto lowest = rest::lowest_watermark(values)) known.take_watermark(*lowest, clock_());
  const bool tells = known.queries.size() > 1 || rest::tell_more_than_checkpoints(values);
  known.tells_little = !tells;
  batch_.add(std::move(values));
  return taken;
}

Status RestSource::take_metric_ids(rest::KnownProcess& process, const std::string& body) {
  const auto ids = rest::parse_metric_ids(body, limits_);
  // An empty list: the JobManager has not fetched anything of that process yet.
  process.metric_ids.change = ids.ok() && !ids->empty() ? 1 : 0;
  if (!ids.ok()) return ids.error();
  std::set<std::string> collectors;
  for (const std::string& id : *ids) {
    if (!id.starts_with(kCollectorPrefix) || !id.ends_with(kCollectorSuffix)) continue;
    if (id.size() <= kCollectorPrefix.size() + kCollectorSuffix.size()) continue;
    const std::size_t length = id.size() - kCollectorPrefix.size() - kCollectorSuffix.size();
    const std::string name = id.substr(kCollectorPrefix.size(), length);
    if (name != "All" && collectors.size() < kCollectorsMax) collectors.insert(name);
  }
  process.collectors.assign(collectors.begin(), collectors.end());
  return Done{};
}

}  // namespace doctor
