// The errands of a RestSource: which path each one asks for. Where the answers go: answers.cpp.
#include <algorithm>
#include <utility>

#include "collectors/percent_encoding.hpp"
#include "collectors/rest/parse.hpp"
#include "collectors/rest/requests.hpp"
#include "collectors/rest/source.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

using Ask = rest::Errand::Ask;

/// "?get=" with the wanted metrics of a level, those of collectors spelled out.
std::string metrics_query(Level level, const std::vector<std::string>& collectors,
                          const rest::Wanted& wanted, bool of_job_manager) {
  std::string query;
  const auto add = [&](std::string_view id) {
    query.append(query.empty() ? "?get=" : ",").append(percent_encoded(id));
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
  const TimestampMs asked_before = part->asked_at;
  part->ask(round_, clock_());
  std::string target = target_of(errand);
  if (errand.ask == Ask::vertex_metrics) {
    rest::KnownVertex& vertex = known_.jobs.at(errand.subject).vertices.at(errand.vertex);
    ++vertex.next_query;
    const auto turns = static_cast<DurationMs>(vertex.queries.size());
    if (asked_before != 0) vertex.pace.take(turns * (part->asked_at - asked_before));
  }
  if (asked_before != 0 && errand.ask == Ask::job_manager_metrics) {
    known_.job_manager.pace.take(part->asked_at - asked_before);
  }
  if (asked_before != 0 && errand.ask == Ask::task_manager_metrics) {
    known_.processes.at(errand.subject).pace.take(part->asked_at - asked_before);
  }
  const int parts = parts_of(errand);
  const std::uint64_t bytes_before = health_.bytes;
  Result<rest::Answer> answer = co_await connection_.get(std::move(target), health_);
  if (connection_.cancelled()) co_return;
  bodies_.learn(errand.ask, parts, static_cast<double>(health_.bytes - bytes_before));
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
  std::string job = "/jobs/" + percent_encoded(errand.subject);
  std::string vertex = job + "/vertices/" + percent_encoded(errand.vertex);
  const std::string manager = "/taskmanagers/" + percent_encoded(errand.subject);
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
    case Ask::checkpoint_subtasks:
      return job + "/checkpoints/details/" + std::to_string(errand.checkpoint) + "/subtasks/" +
             percent_encoded(errand.vertex);
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

/// What its answer grows with: the subtasks on a vertex's page.
int RestSource::parts_of(const Errand& errand) const {
  if (errand.ask != Ask::vertex) return 1;
  const auto job = known_.jobs.find(errand.subject);
  const VertexFacts* vertex =
      job == known_.jobs.end() ? nullptr : job->second.facts.vertex(errand.vertex);
  return vertex == nullptr ? 1 : std::max(1, vertex->parallelism);
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
    if (ask == Ask::checkpoint_subtasks) return &job.checkpoint_subtasks[errand.checkpoint];
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
  if (ask == Ask::checkpoint_details || ask == Ask::checkpoint_subtasks) {
    // Flink has forgotten it meanwhile.
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
