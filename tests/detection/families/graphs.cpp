#include "tests/detection/families/graphs.hpp"

#include <algorithm>

namespace doctor::detection {
namespace {

double fullest_share(const FlowVertex& vertex) {
  return *std::max_element(vertex.shares.begin(), vertex.shares.end()) *
         static_cast<double>(vertex.shares.size());
}

}  // namespace

Graph random_graph(const Ranges& ranges, Random& random) {
  Graph graph;
  const int count = ranges.draw_count("vertices", random);
  const int sources = std::min(ranges.draw_count("sources", random), std::max(1, count / 3));
  const double spread = ranges.draw("spread", random);
  for (int v = 0; v < count; ++v) {
    FlowVertex vertex;
    if (v >= sources) {
      // Near ones first: graphs are long rather than wide.
      const auto reach = std::min<std::size_t>(static_cast<std::size_t>(v), 4);
      vertex.inputs = {static_cast<std::size_t>(v) - 1 - random.below(reach)};
      if (v < 2 * sources) vertex.inputs = {static_cast<std::size_t>(v - sources)};
      const std::size_t other = random.below(static_cast<std::size_t>(v));
      if (random.chance(0.2) && other != vertex.inputs[0]) vertex.inputs.push_back(other);
    }
    vertex.out_ratio = random.log_uniform(0.5, 1.6);
    const auto parallelism = static_cast<std::size_t>(ranges.draw_count("parallelism", random));
    double sum = 0;
    for (std::size_t i = 0; i < parallelism; ++i) {
      vertex.shares.push_back(random.around_one(spread));
      sum += vertex.shares.back();
    }
    for (double& share : vertex.shares) share /= sum;
    vertex.speeds.assign(parallelism, 1);
    graph.names.push_back((v < sources ? "Source-" : "Step-") + std::to_string(v));
    graph.vertices.push_back(std::move(vertex));
  }
  return graph;
}

std::vector<double> demands(const Graph& graph) {
  std::vector<double> demand(graph.vertices.size(), 0);
  for (std::size_t v = 0; v < demand.size(); ++v) {
    if (graph.vertices[v].inputs.empty()) demand[v] = 1;
    for (const std::size_t input : graph.vertices[v].inputs) {
      demand[v] += demand[input] * graph.vertices[input].out_ratio;
    }
  }
  return demand;
}

void size_for(FlowVertex& vertex, double demand, double used) {
  vertex.capacity = demand * fullest_share(vertex) / used;
}

JobPlan plan_of(const std::string& name, const Graph& graph, Flow& flow) {
  JobPlan plan;
  plan.name = name;
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    plan.vertices.push_back({graph.names[v], static_cast<int>(graph.vertices[v].shares.size()),
                             graph.vertices[v].inputs});
    plan.series.push_back(flow.series(v));
  }
  return plan;
}

}  // namespace doctor::detection
