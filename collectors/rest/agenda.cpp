#include "collectors/rest/agenda.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "collectors/rest/shares.hpp"
#include "collectors/rest/telling.hpp"

namespace doctor::rest {
namespace {

using Ask = Errand::Ask;

constexpr std::int64_t kTaskManagerRounds = 3;
constexpr std::int64_t kTaskManagerRoundsScreened = 12;  // where calls are short; changes aside
constexpr DurationMs kCheckpointsAgeMaxMs = kMinuteMs;
constexpr DurationMs kExceptionsAgeMs = 50 * kSecondMs;  // unless the overview said something new
/// A job that changes at every poll (a restart loop) is not looked at in full each time, or it
/// would take the calls that all others need.
constexpr int kRestless = 4 * kRestlessChange;
constexpr int kRestlessForLong = kRestlessMax;  // its first restarts are the news
constexpr DurationMs kFaultsAgeMinMs = 10 * kSecondMs;
constexpr DurationMs kDetailsAgeMinMs = 30 * kSecondMs;  // while it is in progress
constexpr DurationMs kJobAgeMinMs = 30 * kSecondMs;
constexpr DurationMs kPlacementAgeMinMs = kMinuteMs;
/// Shares of the budget of calls that regular looks at running jobs may take, so that what is
/// due because something happened always finds room.
constexpr double kCheckpointsShare = 0.5;
constexpr double kCheckpointsShareAlone = 0.2;  // in place of reporters there is more to ask
constexpr DurationMs kVertexIdsAgeMinMs = kMinuteMs;
constexpr int kVertexIdsDoublings = 4;  // of that age, while there is nothing that anybody wants
constexpr int kVertexIdsDoublingsWithSome = 1;  // at least, where there is something already
constexpr int kRetryDoublings = 5;              // of a poll, after failures
constexpr double kExceptionsShare = 0.15;
constexpr double kExceptionsShareAlone = 0.05;

struct Rules : AgendaRules {
  Rules(const KnownCluster& known, const AgendaRules& given)
      : AgendaRules(given), shares(known, given) {}
  double checkpoints_share() const {
    return task_manager_reporters ? kCheckpointsShare : kCheckpointsShareAlone;
  }
  double exceptions_share() const {
    return task_manager_reporters ? kExceptionsShare : kExceptionsShareAlone;
  }
  Shares shares;
};

DurationMs checkpoints_age_min(const KnownJob& job, const Rules& rules) {
  if (is_troubled(job, rules.now)) return rules.shares.age_min_of_troubled();
  const auto& config = job.facts.checkpoint_config;
  const DurationMs interval = config ? config->interval.value_or(kCheckpointsAgeMaxMs) : 0;
  return rules.shares.age_min_of_jobs(rules.checkpoints_share(),
                                      std::min(interval, kCheckpointsAgeMaxMs));
}

/// Flink remembers the last ten: with a few more they are gone before they were seen.
bool may_be_missed(const KnownJob& job, const Rules& rules) {
  const auto& config = job.facts.checkpoint_config;
  if (!config || !config->interval) return false;
  const DurationMs fair = rules.shares.age_of_jobs(rules.checkpoints_share());
  return rules.now - job.checkpoints.asked_at >= std::max(3 * *config->interval, fair);
}

bool never_seen(Ask ask, const KnownJob& job) {
  return (ask == Ask::job && !job.job.asked()) ||
         (ask == Ask::checkpoints && !job.checkpoints.asked()) ||
         (ask == Ask::checkpoint_config && !job.checkpoint_config.asked());
}

/// Metrics of state come when it is restored, which may take long. Of heap backends there are none.
bool state_may_come(const KnownVertex& vertex, const KnownJob& job) {
  if (vertex.tells_state || !job.facts.checkpoint_config) return false;
  const std::string& backend = job.facts.checkpoint_config->state_backend;
  constexpr std::string_view kHeapBackends[] = {"HashMap", "MemoryState", "FsState"};
  return std::none_of(
      std::begin(kHeapBackends), std::end(kHeapBackends),
      [&](std::string_view of_heap) { return backend.find(of_heap) != backend.npos; });
}

/// Metrics of state count for the process that its task runs in, which only the vertex's page
/// tells.
bool placement_is_missing(const KnownJob& job, const std::string& vertex) {
  const auto known = job.vertices.find(vertex);
  return known != job.vertices.end() && known->second.tells_state &&
         known->second.page.change != job.changes;
}

/// Nobody knows yet which metrics the vertex has, or those of its state.
bool list_is_missing(const KnownJob& job, const std::string& vertex) {
  const auto known = job.vertices.find(vertex);
  if (known == job.vertices.end()) return false;
  return !known->second.metric_ids.asked() || state_may_come(known->second, job);
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
  // Hundreds of vertices whose metrics nobody knows yet would take all calls from what they do.
  const bool lists = ask == Ask::vertex_metric_ids && !rules.shares.lists_had_theirs() &&
                     list_is_missing(job, vertex);
  const bool screens =
      ask == Ask::job || ask == Ask::vertex_metrics || lists ||
      (ask == Ask::vertex && (is_suspect(job, vertex) || placement_is_missing(job, vertex)));
  return rules.shares.screens() && screens ? Errand::Urgency::screen : Errand::Urgency::regular;
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

/// Once, and again after a failure, ever more seldom: what is refused for good, by a proxy for
/// example, must not take the calls of the others.
std::optional<std::int64_t> once(const Part& part, std::int64_t noticed_round) {
  if (part.have()) return std::nullopt;
  if (!part.asked()) return noticed_round;
  return part.asked_round + (std::int64_t{1} << std::clamp(part.tries - 1, 0, kRetryDoublings));
}

std::int64_t every(const Part& part, std::int64_t rounds, std::int64_t noticed_round) {
  return part.asked() ? part.asked_round + rounds : noticed_round;
}

/// When the overview said something new since the last good answer.
std::optional<std::int64_t> on_change(const Part& part, const KnownJob& job) {
  if (part.change == job.changes) return std::nullopt;
  return std::max(job.changed_round, part.asked() ? part.asked_round + 1 : 0);
}

/// A change; of a restless job it is looked at only when the last look is old enough.
std::optional<std::int64_t> on_change_after(const Part& part, const KnownJob& job,
                                            const Rules& rules, DurationMs age_min_ms) {
  const bool recent = part.have() && rules.now - part.asked_at < age_min_ms;
  if (recent && job.restless >= kRestless && !rules.one_shot && !job.ended()) return std::nullopt;
  return on_change(part, job);
}

std::optional<std::int64_t> checkpoints_due(const KnownJob& job, const Rules& rules) {
  const std::optional<std::int64_t> change =
      on_change_after(job.checkpoints, job, rules, kJobAgeMinMs);
  if (change || job.ended() || job.facts.checkpointing == Checkpointing::off) return change;
  const bool recent = rules.now - job.checkpoints.asked_at < checkpoints_age_min(job, rules);
  if (recent && !rules.one_shot) return std::nullopt;
  return every(job.checkpoints, 1, job.changed_round);
}

std::optional<std::int64_t> exceptions_due(const KnownJob& job, const Rules& rules) {
  const bool seldom = rules.shares.screens() && job.restless >= kRestlessForLong;
  const std::optional<std::int64_t> change =
      on_change_after(job.exceptions, job, rules, seldom ? kJobAgeMinMs : kFaultsAgeMinMs);
  if (change || job.ended()) return change;
  const DurationMs age_min =
      rules.shares.age_min_of_jobs(rules.exceptions_share(), kExceptionsAgeMs);
  if (rules.now - job.exceptions.asked_at < age_min) return std::nullopt;
  return every(job.exceptions, 1, job.changed_round);
}

/// Values in place of reporters: at Flink's own pace, or as often as the budget allows for so many.
std::optional<std::int64_t> values_due(const Part& part, std::int64_t noticed_round,
                                       const Rules& rules, DurationMs age_min) {
  if (part.asked() && rules.now - part.asked_at < age_min && !rules.one_shot) return std::nullopt;
  return every(part, 1, noticed_round);
}

/// What is not due yet, if there are calls for it; what will be soonest goes first.
std::optional<std::int64_t> ahead(const Part& part, const Rules& rules, DurationMs age_min) {
  const DurationMs age = rules.now - part.asked_at;
  const bool due = !part.asked() || age >= age_min;
  if (!rules.plenty || rules.one_shot || due || age < kValuesAgeMs) return std::nullopt;
  return (age_min - age) / kSecondMs;
}

std::optional<std::int64_t> vertex_due(const KnownJob& job, const VertexFacts& vertex,
                                       const Rules& rules) {
  const Part& page = job.vertices.at(vertex.id).page;
  const DurationMs age_min = placement_is_missing(job, vertex.id)
                                 ? kPlacementAgeMinMs
                                 : rules.shares.age_min_of_vertex(job, vertex);
  const bool recent = page.asked() && rules.now - page.asked_at < age_min;
  if (recent && !rules.one_shot) return std::nullopt;
  return every(page, 1, job.changed_round);
}

/// After a change; and again and again where it screens.
std::optional<std::int64_t> job_due(const KnownJob& job, const Rules& rules) {
  const std::optional<std::int64_t> change = on_change_after(job.job, job, rules, kJobAgeMinMs);
  if (change || !rules.shares.screens() || job.ended() || !job.job.have()) return change;
  const bool recent = rules.now - job.job.asked_at < rules.shares.age_min_of_screened_jobs();
  if (recent && !rules.one_shot) return std::nullopt;
  return every(job.job, 1, job.changed_round);
}

/// The ids of a vertex: until there are some, after a change, and now and then, ever more seldom,
/// while none of them is wanted or those of its state may still come.
std::optional<std::int64_t> vertex_ids_due(const KnownVertex& vertex, const KnownJob& job,
                                           const Rules& rules) {
  const Part& ids = vertex.metric_ids;
  if (!ids.have()) return once(ids, job.changed_round);
  const DurationMs age = rules.now - ids.asked_at;
  if (age < kVertexIdsAgeMinMs) return std::nullopt;
  const std::optional<std::int64_t> change = on_change(ids, job);
  if (change || !(vertex.queries.empty() || state_may_come(vertex, job))) return change;
  const int soonest = vertex.queries.empty() ? 0 : kVertexIdsDoublingsWithSome;
  const int doublings = std::clamp(vertex.barren - 1, soonest, kVertexIdsDoublings);
  if (age < (kVertexIdsAgeMinMs << doublings)) return std::nullopt;
  return every(ids, 1, job.changed_round);
}

/// Of a vertex with more ids than one request takes: all of its requests in the time of one.
DurationMs age_min_of_turn(const KnownVertex& vertex, const KnownJob& job, const Rules& rules) {
  const auto turns = static_cast<DurationMs>(vertex.queries.size());
  return std::max(kValuesAgeMs / 2, rules.shares.age_min_of_vertex_values(job, vertex) / turns);
}

void add_vertices(const KnownJob& job, const Rules& rules, List& list) {
  const bool for_values = rules.one_shot || !rules.task_manager_reporters;
  // With reporters only the placement is wanted, which is settled once all tasks run.
  if (for_values ? job.summary.state != "RUNNING" : !job.all_tasks_run()) return;
  for (const VertexFacts& facts : job.facts.vertices) {
    const std::string& id = facts.id;
    const KnownVertex& vertex = job.vertices.at(id);
    list.add(Ask::vertex,
             for_values ? vertex_due(job, facts, rules)
                        : on_change_after(vertex.page, job, rules, kPlacementAgeMinMs),
             &job, {}, id);
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
    const DurationMs age_min = age_min_of_turn(vertex, job, rules);
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

std::int64_t task_managers_due(const KnownCluster& known, const Rules& rules) {
  const std::int64_t rounds =
      rules.shares.screens() ? kTaskManagerRoundsScreened : kTaskManagerRounds;
  const std::int64_t regular = every(known.task_managers, rounds, rules.round);
  const bool changed = std::any_of(known.jobs.begin(), known.jobs.end(), [&](const auto& entry) {
    return entry.second.changed_round == rules.round && entry.second.restless < kRestless;
  });
  return changed && known.task_managers.asked_round != rules.round ? rules.round : regular;
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
