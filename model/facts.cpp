#include "model/facts.hpp"

#include <algorithm>

namespace doctor {

const TaskManagerFacts* ClusterFacts::task_manager(const std::string& id) const {
  const auto found = std::find_if(task_managers.begin(), task_managers.end(),
                                  [&](const TaskManagerFacts& tm) { return tm.id == id; });
  return found == task_managers.end() ? nullptr : &*found;
}

std::optional<std::string> ClusterFacts::option(const std::string& key) const {
  const auto found = configuration.find(key);
  if (found == configuration.end()) return std::nullopt;
  return found->second;
}

bool is_terminal_state(const std::string& job_status) {
  return job_status == "FINISHED" || job_status == "CANCELED" || job_status == "FAILED";
}

bool JobFacts::is_terminal() const { return is_terminal_state(state); }

const VertexFacts* JobFacts::vertex(const std::string& vertex_id) const {
  const auto found = std::find_if(vertices.begin(), vertices.end(),
                                  [&](const VertexFacts& v) { return v.id == vertex_id; });
  return found == vertices.end() ? nullptr : &*found;
}

const CheckpointDetails* JobFacts::details(std::int64_t checkpoint) const {
  const auto found =
      std::find_if(checkpoint_details.begin(), checkpoint_details.end(),
                   [&](const CheckpointDetails& known) { return known.id == checkpoint; });
  return found == checkpoint_details.end() ? nullptr : &*found;
}

}  // namespace doctor
