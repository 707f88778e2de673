#include "collectors/rest/due.hpp"

#include <algorithm>

#include "collectors/rest/telling.hpp"

namespace doctor::rest {
namespace {

constexpr std::int64_t kTaskManagerRounds = 3;
constexpr std::int64_t kTaskManagerRoundsScreened = 12;  // where calls are short; changes aside
constexpr DurationMs kCheckpointsAgeMaxMs = kMinuteMs;
constexpr DurationMs kExceptionsAgeMs = 50 * kSecondMs;  // unless the overview said something new
/// A job that changes at every poll (a restart loop) is not looked at in full each time, or it
/// would take the calls that all others need.
constexpr int kRestless = 4 * kRestlessChange;
constexpr int kRestlessForLong = kRestlessMax;  // its first restarts are the news
constexpr DurationMs kFaultsAgeMinMs = 10 * kSecondMs;
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

double checkpoints_share(const Rules& rules) {
  return rules.task_manager_reporters ? kCheckpointsShare : kCheckpointsShareAlone;
}

DurationMs checkpoints_age_min(const KnownJob& job, const Rules& rules) {
  if (is_troubled(job, rules.now)) return rules.shares.age_min_of_troubled();
  const auto& config = job.facts.checkpoint_config;
  const DurationMs interval = config ? config->interval.value_or(kCheckpointsAgeMaxMs) : 0;
  return rules.shares.age_min_of_jobs(checkpoints_share(rules),
                                      std::min(interval, kCheckpointsAgeMaxMs));
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

}  // namespace

bool may_be_missed(const KnownJob& job, const Rules& rules) {
  const auto& config = job.facts.checkpoint_config;
  if (!config || !config->interval) return false;
  const DurationMs fair = rules.shares.age_of_jobs(checkpoints_share(rules));
  return rules.now - job.checkpoints.asked_at >= std::max(3 * *config->interval, fair);
}

bool placement_is_missing(const KnownJob& job, const std::string& vertex) {
  const auto known = job.vertices.find(vertex);
  return known != job.vertices.end() && known->second.tells_state &&
         known->second.page.change != job.changes;
}

bool list_is_missing(const KnownJob& job, const std::string& vertex) {
  const auto known = job.vertices.find(vertex);
  if (known == job.vertices.end()) return false;
  return !known->second.metric_ids.asked() || state_may_come(known->second, job);
}

std::optional<std::int64_t> once(const Part& part, std::int64_t noticed_round) {
  if (part.have()) return std::nullopt;
  if (!part.asked()) return noticed_round;
  return part.asked_round + (std::int64_t{1} << std::clamp(part.tries - 1, 0, kRetryDoublings));
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
  const double share = rules.task_manager_reporters ? kExceptionsShare : kExceptionsShareAlone;
  const DurationMs age_min = rules.shares.age_min_of_jobs(share, kExceptionsAgeMs);
  if (rules.now - job.exceptions.asked_at < age_min) return std::nullopt;
  return every(job.exceptions, 1, job.changed_round);
}

std::optional<std::int64_t> values_due(const Part& part, std::int64_t noticed_round,
                                       const Rules& rules, DurationMs age_min) {
  if (part.asked() && rules.now - part.asked_at < age_min && !rules.one_shot) return std::nullopt;
  return every(part, 1, noticed_round);
}

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

std::optional<std::int64_t> job_due(const KnownJob& job, const Rules& rules) {
  const std::optional<std::int64_t> change = on_change_after(job.job, job, rules, kJobAgeMinMs);
  if (change || !rules.shares.screens() || job.ended() || !job.job.have()) return change;
  const bool recent = rules.now - job.job.asked_at < rules.shares.age_min_of_screened_jobs();
  if (recent && !rules.one_shot) return std::nullopt;
  return every(job.job, 1, job.changed_round);
}

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

DurationMs age_min_of_turn(const KnownVertex& vertex, TimestampMs still_since, const Rules& rules) {
  const auto turns = static_cast<DurationMs>(vertex.queries.size());
  return std::max(kValuesAgeMs / 2,
                  rules.shares.age_min_of_vertex_values(vertex, still_since) / turns);
}

std::optional<std::int64_t> placement_due(const KnownJob& job, const VertexFacts& vertex,
                                          const Rules& rules) {
  return on_change_after(job.vertices.at(vertex.id).page, job, rules, kPlacementAgeMinMs);
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

}  // namespace doctor::rest
