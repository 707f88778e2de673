// Key groups: a keyed exchange hashes every key to one of max-parallelism groups, and each subtask
// takes a range of them (org.apache.flink.runtime.state.KeyGroupRangeAssignment). Where max
// parallelism is no multiple of parallelism, some subtasks take one group more than others.
#pragma once

#include <algorithm>
#include <cstdint>

#include "model/facts.hpp"

namespace doctor {

/// Whether an exchange by key hash feeds it ("HASH"; of SQL also "HASH[a, b]").
inline bool is_keyed(const VertexFacts& vertex) {
  return std::any_of(vertex.inputs.begin(), vertex.inputs.end(),
                     [](const Edge& edge) { return edge.ship_strategy.starts_with("HASH"); });
}

/// Groups of one subtask. 0 when either parallelism is not known, or max is the smaller.
inline int key_groups_of(int subtask, int parallelism, int max_parallelism) {
  if (parallelism <= 0 || max_parallelism < parallelism) return 0;
  const auto begin_of = [&](std::int64_t index) {  // ceil(index · max / parallelism)
    return (index * max_parallelism + parallelism - 1) / parallelism;
  };
  return static_cast<int>(begin_of(subtask + 1) - begin_of(subtask));
}

}  // namespace doctor
