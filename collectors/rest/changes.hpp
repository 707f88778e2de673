// Events, read from two consecutive good answers. Pure.
#pragma once

#include <vector>

#include "model/event.hpp"
#include "model/facts.hpp"

namespace doctor::rest {

/// Jobs submitted (at their start), ended (at their end), vanished. Ordered by time. `complete` is
/// false when a list was cut at its cap: then nobody vanishes.
std::vector<Event> job_changes(const std::vector<JobSummary>& before,
                               const std::vector<JobSummary>& after, SourceId source,
                               TimestampMs now, bool complete);

/// TaskManagers joined and lost. With `keep_missing` nobody is lost and who is missing is added to
/// `after`, for the time in which they register again with a new JobManager.
std::vector<Event> task_manager_changes(const std::vector<TaskManagerFacts>& before,
                                        std::vector<TaskManagerFacts>& after, SourceId source,
                                        TimestampMs now, bool keep_missing);

}  // namespace doctor::rest
