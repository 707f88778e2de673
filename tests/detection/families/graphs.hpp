// Random job graphs and their sizing, for families about the flow of records. They draw from the
// ranges "vertices", "sources", "parallelism" and "spread".
#pragma once

#include <string>
#include <vector>

#include "tests/detection/ranges.hpp"
#include "tests/detection/stage/flow.hpp"

namespace doctor::detection {

struct Graph {
  std::vector<FlowVertex> vertices;
  std::vector<std::string> names;
};

/// A random graph in which every vertex is reached and only the last have no output.
Graph random_graph(const Ranges& ranges, Random& random);

/// Records at each vertex when every source takes one a second.
std::vector<double> demands(const Graph& graph);

/// Capacity at which the fullest subtask is used by that much when `demand` comes.
void size_for(FlowVertex& vertex, double demand, double used);

/// With the series of every vertex. The flow must outlive the job.
JobPlan plan_of(const std::string& name, const Graph& graph, Flow& flow);

}  // namespace doctor::detection
