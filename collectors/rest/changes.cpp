#include "collectors/rest/changes.hpp"

#include <algorithm>
#include <map>

namespace doctor::rest {
namespace {

Event event(EventKind kind, TimestampMs at, SourceId source, std::string subject,
            std::string text) {
  Event made;
  made.kind = kind;
  made.at = at;
  made.source = source;
  made.subject = std::move(subject);
  made.text = std::move(text);
  return made;
}

template <class Named>
std::map<std::string, const Named*> by_id(const std::vector<Named>& things) {
  std::map<std::string, const Named*> index;
  for (const Named& thing : things) index.emplace(thing.id, &thing);
  return index;
}

}  // namespace

std::vector<Event> job_changes(const std::vector<JobSummary>& before,
                               const std::vector<JobSummary>& after, SourceId source,
                               TimestampMs now, bool complete) {
  std::vector<Event> events;
  const auto known = by_id(before);
  const auto listed = by_id(after);
  for (const JobSummary& job : after) {
    const auto old = known.find(job.id);
    if (old == known.end()) {
      events.push_back(event(EventKind::job_submitted, job.start, source, job.id, job.name));
    }
    const bool had_ended = old != known.end() && is_terminal_state(old->second->state);
    if (is_terminal_state(job.state) && !had_ended) {
      const std::string text = job.name + " " + job.state;
      events.push_back(event(EventKind::job_ended, job.end.value_or(now), source, job.id, text));
    }
  }
  for (const JobSummary& job : before) {
    if (!complete || listed.contains(job.id)) continue;
    const std::string text = job.name + ", last seen " + job.state;
    events.push_back(event(EventKind::job_vanished, now, source, job.id, text));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return events;
}

std::vector<Event> task_manager_changes(const std::vector<TaskManagerFacts>& before,
                                        std::vector<TaskManagerFacts>& after, SourceId source,
                                        TimestampMs now, bool keep_missing) {
  std::vector<Event> events;
  const auto known = by_id(before);
  const auto listed = by_id(after);
  for (const TaskManagerFacts& manager : after) {
    if (known.contains(manager.id)) continue;
    events.push_back(event(EventKind::task_manager_joined, now, source, manager.id, manager.host));
  }
  std::vector<TaskManagerFacts> missing;
  for (const TaskManagerFacts& manager : before) {
    if (!listed.contains(manager.id)) missing.push_back(manager);
  }
  for (TaskManagerFacts& manager : missing) {
    if (keep_missing) {
      after.push_back(std::move(manager));
    } else {
      events.push_back(event(EventKind::task_manager_lost, now, source, manager.id, manager.host));
    }
  }
  return events;
}

}  // namespace doctor::rest
