#include "detectors/statistics/submissions.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

std::vector<std::string> processes_of(const JobFacts& job) {
  std::vector<std::string_view> ids;
  for (const VertexFacts& vertex : job.vertices) {
    for (const SubtaskFacts& subtask : vertex.subtasks) {
      if (subtask.task_manager.empty()) return {};
      ids.push_back(subtask.task_manager);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::vector<std::string> processes;
  processes.reserve(ids.size());
  for (const std::string_view id : ids) processes.push_back(reporter_filtered(id));
  std::sort(processes.begin(), processes.end());
  return processes;
}

bool by_id(const Submission& a, const Submission& b) { return a.id < b.id; }

}  // namespace

bool Submission::is_elsewhere(std::string_view process) const {
  return process != "jobmanager" && !processes.empty() &&
         !std::binary_search(processes.begin(), processes.end(), process);
}

std::vector<Submission> submissions(const Window& window) {
  std::vector<Submission> all;
  if (window.cluster != nullptr) {
    for (const JobSummary& job : window.cluster->jobs) {
      const TimestampMs ended =
          is_terminal_state(job.state) ? job.last_modification : Submission::kNever;
      all.push_back({job.id, job.name, job.start, job.end.value_or(ended), {}, false});
    }
  }
  for (const std::span<const LastSeenJob> jobs : {window.vanished, window.ended}) {
    for (const LastSeenJob& job : jobs) {
      all.push_back({job.id, job.name, job.start, job.at, {}, false});
    }
  }
  // What is listed knows better than memory.
  std::stable_sort(all.begin(), all.end(), by_id);
  const auto same = [](const Submission& a, const Submission& b) { return a.id == b.id; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  for (const JobFactsPtr& job : window.jobs) {
    const Submission sought{job->id, {}, 0, 0, {}, false};
    const auto known = std::lower_bound(all.begin(), all.end(), sought, by_id);
    if (known != all.end() && known->id == job->id) known->processes = processes_of(*job);
  }
  std::sort(all.begin(), all.end(), [](const Submission& a, const Submission& b) {
    return std::pair(a.start, a.id) < std::pair(b.start, b.id);
  });
  std::unordered_set<std::string_view> names;
  for (Submission& job : all) job.is_first = names.insert(job.name).second;
  return all;
}

}  // namespace doctor
