// /jobs/:id/vertices/:vid: where the subtasks run, and how they spent their time since they
// started.
#include <algorithm>
#include <limits>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "collectors/rest/task_times.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

constexpr std::int64_t kSubtasksMax = 1 << 15;  // Flink's upper bound of the max parallelism

/// "host:port" → "host"; IPv6 literals keep their colons.
std::string host_in(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos) return endpoint;
  const bool bare_ipv6 = endpoint.find(':') != colon && endpoint.find(']') == std::string::npos;
  return bare_ipv6 ? endpoint : endpoint.substr(0, colon);
}

std::string place(const Node& node, const Limits& limits) {
  std::string text = printable(node.text_if().value_or(""), limits.name_bytes_max);
  return text == "(unassigned)" ? std::string{} : text;
}

SubtaskFacts subtask_of(const Node& node, const Limits& limits) {
  SubtaskFacts subtask;
  const Node index = node["subtask"];
  const std::int64_t number = index.integer();
  index.expect(number >= 0 && number < kSubtasksMax, "is not a subtask index");
  subtask.index = static_cast<int>(std::clamp<std::int64_t>(number, 0, kSubtasksMax));
  subtask.status = printable(node["status"].text(), limits.name_bytes_max);
  subtask.attempt = static_cast<int>(std::clamp<std::int64_t>(
      node["attempt"].integer_if().value_or(0), 0, std::numeric_limits<int>::max()));
  subtask.task_manager = place(node["taskmanager-id"], limits);
  const std::string endpoint = place(node["endpoint"], limits);  // since 1.19
  subtask.host = host_in(endpoint.empty() ? place(node["host"], limits) : endpoint);
  return subtask;
}

using Readings = std::vector<std::pair<Metric, double>>;

void read_count(const Node& metrics, const char* name, const char* complete, Metric metric,
                Readings& readings) {
  if (!metrics[complete].flag_if().value_or(false)) return;
  const std::optional<double> count = metrics[name].number_if();
  if (count && *count >= 0) readings.emplace_back(metric, *count);
}

Readings readings_of(const Node& metrics) {
  Readings readings;
  if (metrics.is_none()) return readings;
  if (const std::optional<TaskTimes> times = task_times(metrics)) {
    if (times->busy) readings.emplace_back(Metric::task_accumulated_busy, *times->busy);
    readings.emplace_back(Metric::task_accumulated_backpressured, times->backpressured);
    readings.emplace_back(Metric::task_accumulated_idle, times->idle);
  }
  read_count(metrics, "read-records", "read-records-complete", Metric::task_records_in, readings);
  read_count(metrics, "write-records", "write-records-complete", Metric::task_records_out,
             readings);
  return readings;
}

struct Subtask {
  SubtaskFacts facts;
  Readings readings;
};

void register_values(const std::vector<Subtask>& subtasks, const std::string& job_id,
                     const std::string& vertex_id, EntityTable& entities, KeyedValues& values) {
  const EntityId job = entities.intern(Level::job, kClusterEntity, job_id);
  if (job == kNoEntity) return;
  const EntityId vertex = entities.intern(Level::vertex, job, vertex_id);
  if (vertex == kNoEntity) return;
  for (const Subtask& subtask : subtasks) {
    const auto index = static_cast<std::uint32_t>(subtask.facts.index);
    const EntityId entity = entities.intern(Level::subtask, vertex, "", index);
    if (entity == kNoEntity) return;
    for (const auto& [metric, value] : subtask.readings) {
      values.emplace_back(SeriesKey{metric, entity}, value);
    }
  }
}

}  // namespace

Status parse_vertex(std::string_view body, const Limits& limits, const std::string& job_id,
                    EntityTable& entities, VertexFacts& vertex, KeyedValues& values) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  const Node id = root["id"];
  const std::string told = id.text();
  id.expect(told == vertex.id, "is another vertex than the one asked for");
  std::vector<Subtask> subtasks;
  root["subtasks"].for_each(limits.series_per_source_max, [&](const Node& node) {
    if (!fault) subtasks.push_back({subtask_of(node, limits), readings_of(node["metrics"])});
  });
  if (fault) return *fault;
  register_values(subtasks, job_id, vertex.id, entities, values);
  vertex.subtasks.clear();
  for (Subtask& subtask : subtasks) vertex.subtasks.push_back(std::move(subtask.facts));
  return Done{};
}

}  // namespace doctor::rest
