// When which part of a cluster is due for a call: after a change, for the first time, or because
// what is known of it gets old. Pure; rounds (polls) count from 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collectors/rest/agenda.hpp"
#include "collectors/rest/known.hpp"
#include "collectors/rest/shares.hpp"

namespace doctor::rest {

struct Rules : AgendaRules {
  Rules(const KnownCluster& known, const AgendaRules& given)
      : AgendaRules(given), shares(known, given) {}
  Shares shares;
};

/// Flink remembers the last ten checkpoints: with a few more they are gone before they were seen.
bool may_be_missed(const KnownJob& job, const Rules& rules);
/// Metrics of state count for the process that its task runs in, which only the vertex's page
/// tells.
bool placement_is_missing(const KnownJob& job, const std::string& vertex);
/// Nobody knows yet which metrics the vertex has, or those of its state.
bool list_is_missing(const KnownJob& job, const std::string& vertex);

// The round since which it is due, which may be one to come; nothing: nobody needs it now.

/// Once, and again after a failure, ever more seldom: what is refused for good, by a proxy for
/// example, must not take the calls of the others.
std::optional<std::int64_t> once(const Part& part, std::int64_t noticed_round);
/// Values in place of reporters: at Flink's own pace, or as often as the budget allows for so many.
std::optional<std::int64_t> values_due(const Part& part, std::int64_t noticed_round,
                                       const Rules& rules, DurationMs age_min);
std::int64_t task_managers_due(const KnownCluster& known, const Rules& rules);
std::optional<std::int64_t> checkpoints_due(const KnownJob& job, const Rules& rules);
std::optional<std::int64_t> exceptions_due(const KnownJob& job, const Rules& rules);
/// After a change; and again and again where it screens.
std::optional<std::int64_t> job_due(const KnownJob& job, const Rules& rules);
/// Where its tasks run, after a change.
std::optional<std::int64_t> placement_due(const KnownJob& job, const VertexFacts& vertex,
                                          const Rules& rules);
/// The same page, where it tells values too.
std::optional<std::int64_t> vertex_due(const KnownJob& job, const VertexFacts& vertex,
                                       const Rules& rules);
/// The ids of a vertex: until there are some, after a change, and now and then, ever more seldom,
/// while none of them is wanted or those of its state may still come.
std::optional<std::int64_t> vertex_ids_due(const KnownVertex& vertex, const KnownJob& job,
                                           const Rules& rules);
/// Of a vertex with more ids than one request takes: all of its requests in the time of one.
/// `still_since`: KnownJob's.
DurationMs age_min_of_turn(const KnownVertex& vertex, TimestampMs still_since, const Rules& rules);

/// What is not due yet, if there are calls for it: what will be soonest has the lowest number.
std::optional<std::int64_t> ahead(const Part& part, const Rules& rules, DurationMs age_min);

}  // namespace doctor::rest
