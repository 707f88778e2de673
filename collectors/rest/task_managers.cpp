// /taskmanagers: who is registered, with which slots and memory. totalResource and freeResource are
// megabytes there and are not read; memoryConfiguration is bytes.
#include <algorithm>
#include <limits>
#include <tuple>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

/// "pekko.tcp://flink@10.0.0.7:41234/user/rpc/taskmanager_0" → "10.0.0.7"; a local path has none.
std::string host_in_path(const std::string& path) {
  const std::size_t at = path.find('@');
  if (at == std::string::npos) return {};
  const std::size_t end = path.find('/', at);
  const std::string authority = path.substr(at + 1, end == std::string::npos ? end : end - at - 1);
  return authority.substr(0, authority.rfind(':'));
}

MemoryConfiguration memory_of(const Node& node) {
  MemoryConfiguration memory;
  if (node.is_none()) return memory;
  const auto bytes = [&](const char* name) {
    const std::optional<double> value = node[name].number_if();
    return value && *value >= 0 ? value : std::nullopt;
  };
  memory.framework_heap = bytes("frameworkHeap");
  memory.task_heap = bytes("taskHeap");
  memory.framework_off_heap = bytes("frameworkOffHeap");
  memory.task_off_heap = bytes("taskOffHeap");
  memory.network = bytes("networkMemory");
  memory.managed = bytes("managedMemory");
  memory.metaspace = bytes("jvmMetaspace");
  memory.overhead = bytes("jvmOverhead");
  memory.total_flink = bytes("totalFlinkMemory");
  memory.total_process = bytes("totalProcessMemory");
  return memory;
}

TaskManagerFacts task_manager_of(const Node& node, const Limits& limits) {
  TaskManagerFacts manager;
  const Node id = node["id"];
  manager.id = id.text();
  // The id goes back into paths: it is taken as it is or not at all.
  const bool clean =
      !manager.id.empty() && manager.id == printable(manager.id, limits.name_bytes_max);
  id.expect(clean, "is not a TaskManager id");
  manager.host =
      printable(host_in_path(node["path"].text_if().value_or("")), limits.name_bytes_max);
  manager.slots = node["slotsNumber"].count();
  manager.free_slots = node["freeSlots"].count();
  manager.memory = memory_of(node["memoryConfiguration"]);
  return manager;
}

}  // namespace

Result<std::vector<TaskManagerFacts>> parse_task_managers(std::string_view body,
                                                          const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::vector<TaskManagerFacts> managers;
  root["taskmanagers"].for_each(std::numeric_limits<std::size_t>::max(), [&](const Node& node) {
    if (!fault) managers.push_back(task_manager_of(node, limits));
  });
  if (fault) return *fault;
  std::sort(managers.begin(), managers.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  if (managers.size() > limits.task_managers_max) managers.resize(limits.task_managers_max);
  return managers;
}

}  // namespace doctor::rest
