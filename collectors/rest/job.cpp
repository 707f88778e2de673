// /jobs/:id with its plan, and /jobs/:id/config.
#include <algorithm>
#include <limits>
#include <unordered_map>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

constexpr std::size_t kStatesMax = 32;
constexpr std::size_t kInputsMax = 256;

VertexFacts vertex_of(const Node& node, const Limits& limits) {
  VertexFacts vertex;
  const Node id = node["id"];
  vertex.id = id.text();
  id.expect(is_id(vertex.id), "is not a vertex id");
  vertex.name = printable(node["name"].text(), limits.name_bytes_max);
  vertex.parallelism = node["parallelism"].count();
  vertex.max_parallelism = node["maxParallelism"].count_or_0();
  vertex.status = printable(node["status"].text_if().value_or(""), limits.name_bytes_max);
  return vertex;
}

void read_plan(const Node& plan, std::vector<VertexFacts>& vertices, const Limits& limits) {
  // A job without a plan (still initialising), or a plan in a string: edges stay unknown.
  if (!plan.is_object()) return;
  const Node nodes = plan["nodes"];
  if (nodes.is_none()) return;
  std::unordered_map<std::string, VertexFacts*> by_id;
  for (VertexFacts& vertex : vertices) by_id.emplace(vertex.id, &vertex);
  nodes.for_each(limits.vertices_per_job_max, [&](const Node& node) {
    const auto vertex = by_id.find(node["id"].text());
    const Node inputs = node["inputs"];
    if (vertex == by_id.end() || inputs.is_none()) return;
    inputs.for_each(kInputsMax, [&](const Node& input) {
      vertex->second->inputs.push_back(
          {printable(input["id"].text(), limits.name_bytes_max),
           printable(input["ship_strategy"].text_if().value_or(""), limits.name_bytes_max)});
    });
  });
}

}  // namespace

Result<JobPage> parse_job(std::string_view body, const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  JobPage page;
  JobFacts& job = page.job;
  const Node id = root["jid"];
  job.id = id.text();
  id.expect(is_id(job.id), "is not a job id");
  job.name = printable(root["name"].text(), limits.name_bytes_max);
  job.state = printable(root["state"].text(), limits.name_bytes_max);
  job.type = printable(root["job-type"].text_if().value_or(""), limits.name_bytes_max);
  job.start = root["start-time"].integer();
  const std::optional<std::int64_t> end = root["end-time"].integer_if();
  if (end && *end > 0) job.end = end;
  root["timestamps"].for_each_member(kStatesMax, [&](const std::string& state, const Node& at) {
    job.state_since[printable(state, limits.name_bytes_max)] = at.integer();
  });
  root["vertices"].for_each(limits.vertices_per_job_max, [&](const Node& node) {
    if (fault) return;
    job.vertices.push_back(vertex_of(node, limits));
    page.times.push_back(task_times(node["metrics"]));
  });
  read_plan(root["plan"], job.vertices, limits);
  if (fault) return *fault;
  return page;
}

Status parse_job_config(std::string_view body, JobFacts& job) {
  const Limits limits;
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::string strategy;
  // Absent for a job whose graph is not there yet.
  if (const Node config = root["execution-config"]; !config.is_none()) {
    strategy = printable(config["restart-strategy"].text_if().value_or(""), limits.name_bytes_max);
  }
  if (fault) return *fault;
  job.restart_strategy = std::move(strategy);
  return Done{};
}

}  // namespace doctor::rest
