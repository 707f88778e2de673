#include "collectors/rest/agenda.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "collectors/rest/due.hpp"
#include "collectors/rest/telling.hpp"

namespace doctor::rest {
namespace {

using Ask = Errand::Ask;

constexpr DurationMs kDetailsAgeMinMs = 30 * kSecondMs;  // while it is in progress

bool never_seen(Ask ask, const KnownJob& job) {
  return (ask == Ask::job && !job.job.asked()) ||
         (ask == Ask::checkpoints && !job.checkpoints.asked()) ||
         (ask == Ask::checkpoint_config && !job.checkpoint_config.asked());
}

Errand::Urgency urgency_of(Ask ask, const KnownJob& job, const std::string& vertex,
                           const Rules& rules) {
  if (job.ended()) return Errand::Urgency::regular;
  // A change is most often a fault, and the fault is what everybody wants to know first.
  if (ask == Ask::exceptions && job.exceptions.change != job.changes) return Errand::Urgency::fault;
  if (ask == Ask::checkpoints && is_troubled(job, rules.now)) return Errand::Urgency::trouble;
  if (ask == Ask::vertex_metrics && job.event_time_stands_still()) return Errand::Urgency::trouble;
  const bool late = never_seen(ask, job) || (ask == Ask::checkpoints && may_be_missed(job, rules));
  if (late) return Errand::Urgency::late;
  if (!rules.shares.screens()) return Errand::Urgency::regular;
  // The few that hold others up, or wait, within their share.
  if (ask == Ask::vertex && is_suspect(job, vertex)) return Errand::Urgency::late;
  // Hundreds of vertices whose metrics nobody knows yet would take all calls from what they do.
  const bool lists = ask == Ask::vertex_metric_ids && !rules.shares.lists_had_theirs() &&
                     list_is_missing(job, vertex);
  const bool screens = ask == Ask::job || ask == Ask::vertex_metrics || lists ||
                       (ask == Ask::vertex && placement_is_missing(job, vertex));
  return screens ? Errand::Urgency::screen : Errand::Urgency::regular;
}

/// Puts a thing on the list when its round has come.
class List {
 public:
  explicit List(const Rules& rules) : rules_(rules) {}

  void add(Ask ask, const std::optional<std::int64_t>& due_round, const KnownJob* job = nullptr,
           const std::string& subject = {}, const std::string& vertex = {}) {
    if (!due_round || *due_round > rules_.round) return;
    if (job == nullptr) {
      const auto urgency =
          rules_.shares.screens() ? Errand::Urgency::screen : Errand::Urgency::regular;
      errands_.push_back({ask, *due_round, false, urgency, subject, vertex});
    } else {
      errands_.push_back({ask, *due_round, job->ended(), urgency_of(ask, *job, vertex, rules_),
                          job->summary.id, vertex});
    }
  }
  void add_ahead(Ask ask, const std::optional<std::int64_t>& order, const KnownJob& job,
                 const std::string& vertex = {}) {
    if (!order) return;
    errands_.push_back({ask, *order, false, Errand::Urgency::ahead, job.summary.id, vertex});
  }
  void add_details(const KnownJob& job, std::int64_t checkpoint) {
    const auto known = job.checkpoint_details.find(checkpoint);
    const bool asked = known != job.checkpoint_details.end() && known->second.asked();
    const bool open = job.facts.checkpoints.back().id == checkpoint &&
                      job.facts.checkpoints.back().status == CheckpointRecord::Status::in_progress;
    if (asked && (!open || rules_.now - known->second.asked_at < kDetailsAgeMinMs)) {
      return add_subtasks(job, checkpoint);
    }
    errands_.push_back({Ask::checkpoint_details,
                        rules_.round,
                        job.ended(),
                        Errand::Urgency::regular,
                        job.summary.id,
                        {},
                        checkpoint});
  }
  std::vector<Errand> take() { return std::move(errands_); }

 private:
  /// Of what failed, is slow or overdue: which subtask it was.
  void add_subtasks(const KnownJob& job, std::int64_t checkpoint) {
    const CheckpointDetails* details = job.facts.details(checkpoint);
    const VertexCheckpoint* last = details == nullptr ? nullptr : last_vertex(*details);
    if (last == nullptr || job.checkpoint_subtasks.contains(checkpoint)) return;
    if (last->acknowledged == last->subtasks && last->duration.value_or(0) < kSlowMinMs) return;
    errands_.push_back({Ask::checkpoint_subtasks, rules_.round, job.ended(),
                        Errand::Urgency::regular, job.summary.id, last->vertex, checkpoint});
  }

  const Rules& rules_;
  std::vector<Errand> errands_;
};

void add_vertices(const KnownJob& job, const Rules& rules, List& list) {
  const bool for_values = rules.one_shot || !rules.task_manager_reporters;
  // With reporters only the placement is wanted, which is settled once all tasks run.
  if (for_values ? job.summary.state != "RUNNING" : !job.all_tasks_run()) return;
  const TimestampMs still_since = job.still_since();
  for (const VertexFacts& facts : job.facts.vertices) {
    const std::string& id = facts.id;
    const KnownVertex& vertex = job.vertices.at(id);
    list.add(Ask::vertex,
             for_values ? vertex_due(job, facts, rules) : placement_due(job, facts, rules), &job,
             {}, id);
    if (for_values && is_suspect(job, facts)) {
      list.add_ahead(Ask::vertex,
                     ahead(vertex.page, rules, rules.shares.age_min_of_vertex(job, facts)), job,
                     id);
    }
    if (rules.task_manager_reporters || !rules.vertex_metrics_wanted) continue;
    list.add(Ask::vertex_metric_ids, vertex_ids_due(vertex, job, rules), &job, {}, id);
    if (vertex.queries.empty()) continue;
    // A single diagnosis has no time for turns.
    const bool more = rules.one_shot && vertex.next_query % vertex.queries.size() != 0;
    const DurationMs age_min = age_min_of_turn(vertex, still_since, rules);
    list.add(Ask::vertex_metrics,
             more ? rules.round : values_due(vertex.metrics, job.changed_round, rules, age_min),
             &job, {}, id);
    list.add_ahead(Ask::vertex_metrics, ahead(vertex.metrics, rules, age_min), job, id);
  }
}

void add_job(const KnownJob& job, const Rules& rules, List& list) {
  if (job.gone_round == rules.round) return;
  list.add(Ask::job, job_due(job, rules), &job);
  if (rules.shares.screens() && !job.ended()) {
    list.add_ahead(Ask::job, ahead(job.job, rules, rules.shares.age_min_of_screened_jobs()), job);
  }
  list.add(Ask::exceptions, exceptions_due(job, rules), &job);
  // A job without tasks is a stub: Flink would answer that it has no checkpoints.
  if (job.summary.tasks_total == 0) return;
  list.add(Ask::checkpoints, checkpoints_due(job, rules), &job);
  for (const std::int64_t checkpoint : telling_checkpoints(job, rules.now)) {
    list.add_details(job, checkpoint);
  }
  if (job.facts.checkpointing != Checkpointing::off) {
    list.add(Ask::checkpoint_config, once(job.checkpoint_config, job.changed_round), &job);
  }
  list.add(Ask::job_config, once(job.config, job.changed_round), &job);
  if (job.ended()) return;
  if (!rules.job_manager_reporter) {
    list.add(
        Ask::job_metrics,
        values_due(job.metrics, job.changed_round, rules, rules.shares.age_min_of_job_values()),
        &job);
  }
  add_vertices(job, rules, list);
}

void add_process(const KnownProcess& process, Ask ids, const std::string& id, const Rules& rules,
                 List& list) {
  const auto metrics = static_cast<Ask>(static_cast<int>(ids) + 1);
  if (process.metric_ids.have()) {
    list.add(metrics,
             values_due(process.metrics, rules.round, rules, rules.shares.age_min_of_values()),
             nullptr, id);
  } else {
    list.add(ids, once(process.metric_ids, rules.round), nullptr, id);
  }
}

/// The placement of tasks and a job's own configuration sharpen a diagnosis but make none: they
/// wait until the rest has had its turn. Where vertices carry the values, they are no mere
/// placement.
bool can_wait(const Errand& errand, const Rules& rules) {
  if (errand.ask == Ask::job_config) return true;
  return errand.ask == Ask::vertex && rules.task_manager_reporters && !rules.one_shot;
}

bool before(const Errand& a, const Errand& b, const Rules& rules) {
  const auto rank = [&](const Errand& errand) {
    const bool of_the_cluster = errand.ask <= Ask::jvm_options;
    return std::tuple(can_wait(errand, rules), !of_the_cluster, errand.urgency,
                      of_the_cluster ? 0 : errand.due_round, errand.ended, errand.ask);
  };
  const auto a_rank = rank(a);
  const auto b_rank = rank(b);
  if (a_rank != b_rank) return a_rank < b_rank;
  return std::tie(a.subject, a.vertex) < std::tie(b.subject, b.vertex);
}

}  // namespace

std::vector<Errand> agenda(const KnownCluster& known, const AgendaRules& given,
                           std::size_t errands_max) {
  const Rules rules(known, given);
  List list(rules);
  list.add(Ask::task_managers, task_managers_due(known, rules));
  list.add(Ask::configuration, once(known.configuration, rules.round));
  list.add(Ask::jvm_options, once(known.jvm_options, rules.round));
  if (!rules.job_manager_reporter) {
    add_process(known.job_manager, Ask::job_manager_metric_ids, {}, rules, list);
  }
  if (!rules.task_manager_reporters) {
    for (const auto& [id, process] : known.processes) {
      add_process(process, Ask::task_manager_metric_ids, id, rules, list);
    }
  }
  for (const auto& [id, job] : known.jobs) add_job(job, rules, list);
  std::vector<Errand> errands = list.take();
  const std::size_t count = std::min(errands.size(), errands_max);
  std::partial_sort(errands.begin(), errands.begin() + static_cast<std::ptrdiff_t>(count),
                    errands.end(),
                    [&](const Errand& a, const Errand& b) { return before(a, b, rules); });
  errands.resize(count);
  return errands;
}

}  // namespace doctor::rest
