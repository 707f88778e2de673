// The errands of a RestSource: which path each one asks for, and where its answer goes.
#include <algorithm>
#include <set>
#include <utility>

#include "collectors/rest/parse.hpp"
#include "collectors/rest/requests.hpp"
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

/// "?get=" with the wanted metrics of a level, those of collectors spelled out.
std::string metrics_query(Level level, const std::vector<std::string>& collectors,
                          const rest::Wanted& wanted, bool of_job_manager) {
  std::string query;
  const auto add = [&](std::string_view id) {
    query.append(query.empty() ? "?get=" : ",").append(rest::percent_encoded(id));
  };
  for (const MetricInfo& about : metric_catalogue()) {
    const std::string_view id = about.rest_id;
    const std::size_t star = id.find('*');
    // The clock tells whether the rest was read anew.
    if (!wanted.contains(about.metric) && about.metric != Metric::jvm_cpu_time) continue;
    const bool here = about.level == level || (of_job_manager && about.level == Level::cluster);
    if (here && star == std::string_view::npos && !id.empty()) add(id);
    if (level != Level::process || about.level != Level::collector) continue;
    for (const std::string& collector : collectors) {
      add(std::string(id.substr(0, star)).append(collector).append(id.substr(star + 1)));
    }
  }
  return query;
}

bool is_job_errand(Ask ask) {
  return (ask >= Ask::job && ask <= Ask::job_config) || ask >= Ask::job_metrics;
}

/// The next of the vertex's requests, which take turns.
const std::string& query_of(const rest::KnownVertex& vertex) {
  static const std::string kNone;
  if (vertex.queries.empty()) return kNone;
  return vertex.queries[vertex.next_query % vertex.queries.size()];
}

bool is_task_manager_errand(Ask ask) {
  return ask == Ask::task_manager_metric_ids || ask == Ask::task_manager_metrics;
}

}  // namespace

boost::asio::awaitable<Result<std::string>> RestSource::get(std::string target) {
  Result<rest::Answer> answer = co_await connection_.get(std::move(target), health_);
  if (!answer.ok()) co_return answer.error();
  if (!answer->is_good()) co_return rest::classify_failure(answer->status, answer->body);
  co_return std::move(answer->body);
}

boost::asio::awaitable<void> RestSource::run(Errand errand) {
  rest::Part* part = part_of(errand);
  if (part == nullptr) co_return;  // its job or TaskManager went away during this poll
  part->asked_round = round_;
  part->asked_at = clock_();
  std::string target = target_of(errand);
  if (errand.ask == Ask::vertex_metrics) {
    ++known_.jobs.at(errand.subject).vertices.at(errand.vertex).next_query;
  }
  Result<rest::Answer> answer = co_await connection_.get(std::move(target), health_);
  if (connection_.cancelled()) co_return;
  if (!answer.ok()) {
    ++calls_failed_;
    note(answer.error());
    co_return;
  }
  calls_failed_ = 0;
  const Status taken = answer->is_good() ? take(errand, answer->body) : refuse(errand, *answer);
  if (!taken.ok()) note(taken.error());
}

std::string RestSource::target_of(const Errand& errand) const {
  std::string job = "/jobs/" + rest::percent_encoded(errand.subject);
  std::string vertex = job + "/vertices/" + rest::percent_encoded(errand.vertex);
  const std::string manager = "/taskmanagers/" + rest::percent_encoded(errand.subject);
  switch (errand.ask) {
    case Ask::task_managers:
      return "/taskmanagers";
    case Ask::configuration:
      return "/jobmanager/config";
    case Ask::jvm_options:
      return "/jobmanager/environment";
    case Ask::job:
      return job;
    case Ask::checkpoints:
      return job + "/checkpoints";
    case Ask::checkpoint_config:
      return job + "/checkpoints/config";
    case Ask::checkpoint_details:
      return job + "/checkpoints/details/" + std::to_string(errand.checkpoint);
    case Ask::exceptions:
      return job + "/exceptions?maxExceptions=" + std::to_string(limits_.exceptions_per_job_max);
    case Ask::job_config:
      return job + "/config";
    case Ask::job_metrics:
      return job + "/metrics" + metrics_query(Level::job, {}, wanted_, false);
    case Ask::vertex:
      return vertex;
    case Ask::vertex_metric_ids:
      return vertex + "/subtasks/metrics";
    case Ask::vertex_metrics:
      return vertex + "/metrics" +
             query_of(known_.jobs.at(errand.subject).vertices.at(errand.vertex));
    case Ask::job_manager_metric_ids:
      return "/jobmanager/metrics";
    case Ask::job_manager_metrics:
      return "/jobmanager/metrics" +
             metrics_query(Level::process, known_.job_manager.collectors, wanted_, true);
    case Ask::task_manager_metric_ids:
      return manager + "/metrics";
    case Ask::task_manager_metrics:
      return manager + "/metrics" +
             metrics_query(Level::process, known_.processes.at(errand.subject).collectors, wanted_,
                           false);
  }
  return {};
}

/// nullptr when its subject is not known (any more).
rest::Part* RestSource::part_of(const Errand& errand) {
  const Ask ask = errand.ask;
  if (is_job_errand(ask)) {
    const auto found = known_.jobs.find(errand.subject);
    if (found == known_.jobs.end() || found->second.gone_round == round_) return nullptr;
    rest::KnownJob& job = found->second;
    if (ask >= Ask::vertex) {
      const auto vertex = job.vertices.find(errand.vertex);
      if (vertex == job.vertices.end()) return nullptr;
      if (ask == Ask::vertex) return &vertex->second.page;
      return ask == Ask::vertex_metrics ? &vertex->second.metrics : &vertex->second.metric_ids;
    }
    if (ask == Ask::job) return &job.job;
    if (ask == Ask::checkpoints) return &job.checkpoints;
    if (ask == Ask::checkpoint_config) return &job.checkpoint_config;
    if (ask == Ask::exceptions) return &job.exceptions;
    if (ask == Ask::checkpoint_details) return &job.checkpoint_details[errand.checkpoint];
    return ask == Ask::job_config ? &job.config : &job.metrics;
  }
  if (is_task_manager_errand(ask)) {
    const auto process = known_.processes.find(errand.subject);
    if (process == known_.processes.end()) return nullptr;
    return ask == Ask::task_manager_metrics ? &process->second.metrics
                                            : &process->second.metric_ids;
  }
  if (ask == Ask::task_managers) return &known_.task_managers;
  if (ask == Ask::configuration) return &known_.configuration;
  if (ask == Ask::jvm_options) return &known_.jvm_options;
  return ask == Ask::job_manager_metrics ? &known_.job_manager.metrics
                                         : &known_.job_manager.metric_ids;
}

// --- answers

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
      taken = take_job(found->second, body);
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

Status RestSource::take_job(rest::KnownJob& job, const std::string& body) {
  Result<JobFacts> fresh = rest::parse_job(body, limits_);
  if (!fresh.ok()) return fresh.error();
  if (fresh->id != job.summary.id) return Error{ErrorCode::malformed, "$.jid is another job's"};
  job.facts.type = std::move(fresh->type);
  job.facts.state_since = std::move(fresh->state_since);
  // Without subtasks: after a change they may run elsewhere.
  job.facts.vertices = std::move(fresh->vertices);
  std::map<std::string, rest::KnownVertex> vertices;
  for (const VertexFacts& vertex : job.facts.vertices) {
    rest::KnownVertex& known = vertices[vertex.id];
    known = std::move(job.vertices[vertex.id]);
    known.page.change = 0;
  }
  job.vertices = std::move(vertices);
  return Done{};
}

Status RestSource::take_checkpoint_details(rest::KnownJob& job, const std::string& body) {
  Result<CheckpointDetails> details = rest::parse_checkpoint_details(body, limits_);
  if (!details.ok()) return details.error();
  auto& known = job.facts.checkpoint_details;
  std::erase_if(known, [&](const CheckpointDetails& other) { return other.id == details->id; });
  known.push_back(*std::move(details));
  std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  if (known.size() > kCheckpointDetailsMax) known.erase(known.begin());
  while (job.checkpoint_details.size() > 2 * kCheckpointDetailsMax) {
    job.checkpoint_details.erase(job.checkpoint_details.begin());
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
  vertex.queries =
      rest::vertex_queries(rest::wanted_vertex_ids(*ids, wanted_, kVertexIdsMax, with_watermarks),
                           parallelism, kVertexQueriesMax);
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
  if (taken.ok()) batch_.add(std::move(values));
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

/// An answer that is not 2xx. A job or TaskManager that went away between two calls is no trouble:
/// it is left alone until the next overview.
Status RestSource::refuse(const Errand& errand, const rest::Answer& answer) {
  const Ask ask = errand.ask;
  const auto job = known_.jobs.find(errand.subject);
  const bool of_checkpoints = ask == Ask::checkpoints || ask == Ask::checkpoint_config;
  if (of_checkpoints && answer.status == 404 && rest::says_checkpointing_off(answer.body)) {
    job->second.facts.checkpointing = Checkpointing::off;
    part_of(errand)->change = job->second.changes;
    return Done{};
  }
  const Error error = rest::classify_failure(answer.status, answer.body);
  if (error.code != ErrorCode::gone) return error;
  if (ask == Ask::checkpoint_details) {  // Flink has forgotten it meanwhile
    part_of(errand)->change = job->second.changes;
    return Done{};
  }
  // Without a vertex the job may well live on, rescaled.
  const bool of_a_part = is_task_manager_errand(ask) || ask >= Ask::vertex;
  if (is_job_errand(ask) && !of_a_part) {
    job->second.gone_round = round_;
    ++health_.errors[ErrorCode::gone];
    return Done{};
  }
  if (of_a_part) {
    ++health_.errors[ErrorCode::gone];
    return Done{};
  }
  // A page that this version does not have (/jobmanager/environment before 1.16).
  if (ask == Ask::jvm_options) {
    part_of(errand)->change = 1;
    return Done{};
  }
  return error;
}

}  // namespace doctor
