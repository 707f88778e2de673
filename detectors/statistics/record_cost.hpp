// What a record costs each subtask: its busy time divided by its records. Siblings do the same
// work, so a subtask that pays far more for an equal share of the records is slow: its host, its
// TaskManager, or its keys. Both figures are shares of the same windows, so load does not matter.
#pragma once

#include <cstddef>
#include <vector>

#include "model/window.hpp"

namespace doctor {

struct SlowSubtask {
  const JobFacts* job{nullptr};
  const VertexFacts* vertex{nullptr};
  int index{};
  EntityId process{kNoEntity};  // where it runs; kNoEntity when not known
  double cost_ratio{};          // to the median of the others
  double record_ratio{};        // the same of its records
  double busy{};                // share of the windows
  double typical_busy{};        // of the median of the others
};

struct CostRules {
  int minutes{2};              // a window
  std::size_t windows{3};      // so many, side by side
  std::size_t windows_min{2};  // that must be seen
  double busy_min{0.5};        // less is not worth a word
  double records_equal{1.5};   // times the others' median: more is skew
  TimestampMs not_before{};
  TimestampMs newest{};  // sample of the job's times
};

struct CostView {
  std::size_t windows{};  // seen
  std::vector<SlowSubtask> slow;
};

/// The subtasks of a vertex that stand out in every window, alone or with all that run in the same
/// process.
CostView slow_subtasks(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                       const CostRules& rules);

}  // namespace doctor
