#include "model/task_manager_past.hpp"

#include <algorithm>

#include "model/reporter_name.hpp"

namespace doctor {
namespace {

constexpr std::size_t kDepartedMax = 200;
constexpr std::size_t kSharedHostsMax = 2000;

}  // namespace

void TaskManagerPast::learn(const ClusterFacts& before, const ClusterFacts& now) {
  if (!now.task_managers_known) return;
  std::set<std::string_view> listed;
  for (const TaskManagerFacts& manager : now.task_managers) listed.insert(manager.id);
  std::erase_if(departed_, [&](const TaskManagerFacts& gone) { return listed.contains(gone.id); });
  for (const TaskManagerFacts& manager : before.task_managers) {
    if (listed.contains(manager.id)) continue;
    if (departed_.size() >= kDepartedMax) departed_.erase(departed_.begin());
    departed_.push_back(manager);
  }
  learn_hosts(now);
}

void TaskManagerPast::learn_hosts(const ClusterFacts& now) {
  std::set<std::string> hosts;
  for (const TaskManagerFacts& manager : now.task_managers) {
    const bool alone = hosts.insert(manager.host).second;
    if (!alone && shared_hosts_.size() < kSharedHostsMax) shared_hosts_.insert(manager.host);
  }
}

const TaskManagerFacts* TaskManagerPast::departed(std::string_view filtered_id) const {
  const auto gone = std::find_if(
      departed_.begin(), departed_.end(),
      [&](const TaskManagerFacts& one) { return is_filtered_to(one.id, filtered_id); });
  return gone == departed_.end() ? nullptr : &*gone;
}

}  // namespace doctor
