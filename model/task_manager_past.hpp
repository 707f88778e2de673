// What is remembered of TaskManagers that were listed, so that a finding keeps its subject when the
// process it speaks of, or its neighbour, is gone.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/facts.hpp"

namespace doctor {

class TaskManagerPast {
 public:
  /// A list after the one before.
  void learn(const ClusterFacts& before, const ClusterFacts& now);

  /// By its id as reporters write it; null when it is not known, or is listed.
  const TaskManagerFacts* departed(std::string_view filtered_id) const;
  /// Whether several TaskManagers were ever listed on that host at once.
  bool shares(const std::string& host) const { return shared_hosts_.contains(host); }

 private:
  void learn_hosts(const ClusterFacts& now);

  std::vector<TaskManagerFacts> departed_;  // oldest first
  std::set<std::string> shared_hosts_;
};

}  // namespace doctor
