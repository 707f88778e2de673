// Which details of a cluster are due for a call. Pure: the longest overdue first, so that a short
// budget delays everything a little and nothing for ever.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/rest/known.hpp"

namespace doctor::rest {

struct Errand {
  enum class Ask {
    // What does not belong to a job goes first.
    task_managers,
    configuration,
    jvm_options,
    // Of a job; `subject` is its id.
    job,
    checkpoints,
    checkpoint_config,
    exceptions,
    checkpoint_details,   // `checkpoint`
    checkpoint_subtasks,  // of its `vertex` that held the others up
    job_config,
    // In place of reporters.
    job_manager_metric_ids,
    job_manager_metrics,
    task_manager_metric_ids,  // `subject` is the TaskManager's id
    task_manager_metrics,
    job_metrics,
    vertex,  // its page: where the subtasks run, how they spent their time
    vertex_metric_ids,
    vertex_metrics
  };
  enum class Urgency {
    fault,    // a job changed: its exceptions
    trouble,  // its checkpoints do not come, or are of another size than before; its event time may
              // stand still
    late,     // never looked at, soon more checkpoints than Flink remembers, or, where vertices are
              // too many, one of those that are worth a look
    screen,   // there: what tells which they are, and what nothing else tells, metrics of state
    regular,
    ahead  // not due yet: calls are left over
  };
  Ask ask{};
  std::int64_t due_round{};
  bool ended{};  // its job has
  Urgency urgency{Urgency::regular};
  std::string subject;
  std::string vertex;
  std::int64_t checkpoint{0};
};

struct AgendaRules {
  std::int64_t round{};
  TimestampMs now{};
  bool one_shot{};
  bool job_manager_reporter{};  // its metrics come from there
  bool task_manager_reporters{};
  double calls_per_minute{60};  // the budget
  double bytes_per_minute{5e6};
  bool plenty{false};                 // of both is left
  bool vertex_metrics_wanted{false};  // somebody reads what only these pages have
};

/// At most `errands_max`, in order. Empty when nothing is due any more in this round.
std::vector<Errand> agenda(const KnownCluster& known, const AgendaRules& rules,
                           std::size_t errands_max);

}  // namespace doctor::rest
