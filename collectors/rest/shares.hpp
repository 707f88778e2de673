// How the budget of calls and bytes is shared out: which part of a cluster may be looked at how
// often, so that all of them together stay inside it.
#pragma once

#include <cstddef>

#include "collectors/rest/agenda.hpp"
#include "collectors/rest/known.hpp"

namespace doctor::rest {

/// Flink's own pace (metrics.fetcher.update-interval): faster gives the same values again.
inline constexpr DurationMs kValuesAgeMs = 10 * kSecondMs;

/// Whether a look at the subtasks of a vertex may find what holds the job up: it waits, or what
/// comes before it does.
bool is_suspect(const KnownJob& job, const VertexFacts& vertex);
bool is_suspect(const KnownJob& job, const std::string& vertex_id);

class Shares {
 public:
  Shares(const KnownCluster& known, const AgendaRules& rules);

  /// How old each of the running jobs' pages gets when asking for all of them in turn takes this
  /// share of the calls.
  DurationMs age_of_jobs(double share) const;
  /// How old it must be; a little early is better than a whole poll late.
  DurationMs age_min_of_jobs(double share, DurationMs wanted_ms) const;

  /// The same of the checkpoints of jobs whose checkpoints are in trouble, which may be all of
  /// them: a storage that is gone must not hide what else goes wrong.
  DurationMs age_min_of_troubled() const;

  // In place of reporters.
  /// Whether the pages of vertices are too many to be read while they are fresh. Then each job's
  /// own page, which tells of all tasks of a vertex together, screens for the vertices that are
  /// worth a look at their subtasks.
  bool screens() const { return screens_; }
  DurationMs age_min_of_values() const;
  DurationMs age_min_of_job_values() const;
  DurationMs age_min_of_screened_jobs() const;
  DurationMs age_min_of_vertex(const KnownJob& job, const VertexFacts& vertex) const;
  /// Of a vertex's metrics: more often where event time may stand still, since that takes several
  /// looks, until it has stood for long; more seldom where there is little to tell.
  DurationMs age_min_of_vertex_values(const KnownVertex& vertex, TimestampMs still_since) const;
  /// Whether lists of ids have had their share of the last minute.
  bool lists_had_theirs() const;

 private:
  struct Pages {
    double count{0};
    double bytes{0};  // about, of all of them together
  };
  void count(const KnownJob& job);
  DurationMs age_min_of_state() const;
  DurationMs age_of(double parts, double share) const;
  DurationMs age_of(const Pages& pages, double calls_share) const;

  double calls_per_minute_;
  double bytes_per_minute_;
  TimestampMs now_;
  double jobs_running_{0};
  double jobs_troubled_{0};
  double metrics_pages_{0};  // those that tell little count as a part of one
  double state_pages_{0};    // of vertices with column families
  double still_pages_{0};    // of jobs in which event time may stand still
  double lists_lately_{0};   // of ids, in the last minute
  Pages vertices_, suspects_;
  bool screens_{false};
};

}  // namespace doctor::rest
