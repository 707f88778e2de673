#include "agent/recording/redaction.hpp"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "agent/history/series_names.hpp"
#include "agent/recording/shape.hpp"

namespace doctor {
namespace {

using nlohmann::json;

/// What kind of text a member holds. What is not listed below is `text`: a member that somebody
/// adds tells nothing until somebody decides that it may.
enum class Holds {
  text,
  word,
  cluster,
  name,
  job,
  vertex,
  host,
  process,
  frame,
  task,
  address,
  container,
  jvm_option,
  entity
};

using Member = std::pair<std::string_view, Holds>;

constexpr auto kMembers = std::to_array<Member>({
    // Words of Flink, Kubernetes and ours, and ids without a meaning.
    {"FlinkVersion.text", Holds::word},
    {"JobSummary.id", Holds::word},
    {"JobSummary.state", Holds::word},
    {"Edge.from", Holds::word},
    {"Edge.ship_strategy", Holds::word},
    {"SubtaskFacts.status", Holds::word},
    {"VertexFacts.id", Holds::word},
    {"VertexFacts.status", Holds::word},
    {"CheckpointConfig.mode", Holds::word},
    {"CheckpointConfig.state_backend", Holds::word},
    {"CheckpointConfig.storage", Holds::word},
    {"CheckpointRecord.type", Holds::word},
    {"VertexCheckpoint.vertex", Holds::word},
    {"KubernetesWarning.reason", Holds::word},
    {"JobFacts.id", Holds::word},
    {"JobFacts.state", Holds::word},
    {"JobFacts.type", Holds::word},
    {"JobFacts.restart_strategy", Holds::word},
    {"LogEvent.pattern", Holds::word},
    {"LogEvent.process", Holds::word},
    {"LogReading.processes", Holds::word},
    {"SourceHealth.role", Holds::word},
    {"Termination.reason", Holds::word},
    {"ContainerFacts.waiting", Holds::word},
    {"PodFacts.phase", Holds::word},
    {"PodFacts.reason", Holds::word},
    {"PodFacts.disruption", Holds::word},
    {"FlinkDeploymentFacts.lifecycle_state", Holds::word},
    {"FlinkDeploymentFacts.job_state", Holds::word},
    {"JudgeConfig.disabled_detectors", Holds::word},
    {"Opening.program", Holds::word},
    {"Opening.exported", Holds::word},
    // Names.
    {"JudgeConfig.cluster", Holds::cluster},
    {"JudgeConfig.url", Holds::cluster},
    {"ClusterFacts.name", Holds::cluster},
    {"ClusterFacts.url", Holds::cluster},
    {"JudgeConfig.namespace_", Holds::name},
    {"JudgeConfig.labels", Holds::name},
    {"PodFacts.namespace_", Holds::name},
    {"PodFacts.app", Holds::name},
    {"FlinkDeploymentFacts.namespace_", Holds::name},
    {"FlinkDeploymentFacts.name", Holds::name},
    {"LogEvent.file", Holds::name},
    {"JudgeConfig.expected_jobs", Holds::job},
    {"JobSummary.name", Holds::job},
    {"JobFacts.name", Holds::job},
    {"VertexFacts.name", Holds::vertex},
    {"TaskManagerFacts.id", Holds::host},
    {"TaskManagerFacts.host", Holds::host},
    {"SubtaskFacts.task_manager", Holds::host},
    {"SubtaskFacts.host", Holds::host},
    {"ExceptionRecord.task_manager", Holds::host},
    {"Event.subject", Holds::host},
    {"PodFacts.name", Holds::host},
    {"PodFacts.uid", Holds::host},
    {"PodFacts.ip", Holds::host},
    {"PodFacts.node", Holds::host},
    {"PodFacts.node_ip", Holds::host},
    {"Termination.container_id", Holds::host},
    {"ContainerFacts.name", Holds::container},
    {"SourceHealth.address", Holds::address},
    {"ExceptionRecord.frames", Holds::frame},
    {"ExceptionRecord.task", Holds::task},
    {"ClusterFacts.job_manager_jvm_options", Holds::jvm_option},
    // Of the images of what was learned (agent/history/image.hpp).
    {"image.detector", Holds::word},
    {"image.cluster", Holds::cluster},
    {"image.namespace", Holds::name},
    {"image.job_name", Holds::job},
    {"image.job_id", Holds::word},
    {"image.id", Holds::word},
    {"image.type", Holds::word},
    {"image.metric", Holds::word},
    {"image.vertex", Holds::vertex},
    {"image.vertex_id", Holds::word},
    {"image.operator", Holds::vertex},
    {"image.task_manager", Holds::host},
    {"image.host", Holds::host},
    {"image.process", Holds::process},
    {"image.entity", Holds::entity},
    {"image.floors", Holds::word},
    {"image.collector", Holds::word},
    {"image.frames", Holds::frame},
    {"image.task", Holds::task},
});

const std::map<std::string_view, Holds>& members() {
  static const std::map<std::string_view, Holds> all(kMembers.begin(), kMembers.end());
  return all;
}

Holds holds(std::string_view type, std::string_view member) {
  const auto found = members().find(std::string(type).append(".").append(member));
  return found == members().end() ? Holds::text : found->second;
}

class Walk {
 public:
  explicit Walk(const Pseudonyms& pseudonyms) : pseudonyms_(pseudonyms) {}

  template <class T>
  void change(T& value, Holds what) const;
  void change(EntityMade& entity) const;
  void change(Memory& memory) const;

 private:
  std::string changed(const std::string& text, Holds what) const;
  std::string changed_path(const std::string& path) const;
  void change_image(std::string& image) const;
  void change_json(json& value, Holds what) const;

  const Pseudonyms& pseudonyms_;
};

std::string Walk::changed(const std::string& text, Holds what) const {
  switch (what) {
    case Holds::word:
      return text;
    case Holds::text:
      return pseudonyms_.text(text);
    case Holds::cluster:
      return pseudonyms_.name("cluster", text);
    case Holds::name:
      return pseudonyms_.name("name", text);
    case Holds::job:
      return pseudonyms_.name("job", text);
    case Holds::vertex:
      return pseudonyms_.name("vertex", text);
    case Holds::host:
      return pseudonyms_.name("host", text);
    case Holds::process:
      if (text == "jobmanager" || text == "taskmanager") return text;
      return pseudonyms_.name("host", text);
    case Holds::container:
      return text == "flink-main-container" ? text : pseudonyms_.name("name", text);
    case Holds::frame:
      return pseudonyms_.frame(text);
    case Holds::task:
      return pseudonyms_.task(text);
    case Holds::address:
      return pseudonyms_.address(text);
    case Holds::jvm_option:
      return pseudonyms_.jvm_option(text);
    case Holds::entity:
      return changed_path(text);
  }
  return {};
}

template <class T>
void Walk::change(T& value, Holds what) const {
  if constexpr (std::is_same_v<T, std::string>) {
    value = changed(value, what);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return;
  } else if constexpr (shape::kIs<T, std::optional>) {
    if (value) change(*value, what);
  } else if constexpr (shape::kIs<T, std::vector>) {
    for (auto& element : value) change(element, what);
  } else if constexpr (shape::kIs<T, std::set>) {
    T all;
    for (auto element : value) {
      change(element, what);
      all.insert(std::move(element));
    }
    value = std::move(all);
  } else if constexpr (shape::kIs<T, std::map>) {
    for (auto& [key, element] : value) change(element, what);  // keys are words
  } else if constexpr (shape::kIs<T, std::variant>) {
    std::visit([&](auto& alternative) { change(alternative, what); }, value);
  } else if constexpr (std::is_same_v<T, std::shared_ptr<const Layout>>) {
    return;
  } else if constexpr (shape::kIs<T, std::shared_ptr>) {
    auto copy = std::make_shared<typename shape::Pointed<T>::Type>(*value);
    change(*copy, what);
    value = std::move(copy);
  } else if constexpr (std::is_same_v<T, EntityMade> || std::is_same_v<T, Memory>) {
    change(value);
  } else {
    if constexpr (std::is_same_v<T, ClusterFacts>) {
      for (auto& [key, set] : value.configuration) set = pseudonyms_.value(key, set);
    }
    const std::vector<std::string_view> names = shape::split_names(Fields<T>::kNames);
    std::size_t index = 0;
    const auto change_member = [&](auto& member) {
      const std::string_view name = names[index++];
      if (name == "configuration") return;
      change(member, holds(Fields<T>::kType, name));
    };
    std::apply([&](auto&... member) { (change_member(member), ...); }, Fields<T>::of(value));
  }
}

/// The ids of jobs and vertices, and the names that the JVM gives its collectors, tell nothing.
void Walk::change(EntityMade& entity) const {
  switch (entity.level) {
    case Level::process:
      entity.name = changed(entity.name, Holds::process);
      return;
    case Level::operator_:
      entity.name = changed(entity.name, Holds::vertex);
      return;
    case Level::directory: {
      const std::size_t role = entity.name.find(':');
      entity.name = entity.name.substr(0, role) + ":" + changed(entity.name, Holds::name);
      return;
    }
    case Level::column_family:
    case Level::split:
      entity.name = changed(entity.name, Holds::name);
      return;
    case Level::cluster:
    case Level::job:
    case Level::vertex:
    case Level::subtask:
    case Level::collector:
    case Level::job_process:
      return;
  }
}

/// Of entity_path(): each of its names as where the entity was made.
std::string Walk::changed_path(const std::string& path) const {
  constexpr std::size_t kDepthMax = 16;
  EntityTable told(kDepthMax);
  EntityTable hidden(kDepthMax);
  if (intern_path(told, path) == kNoEntity) return "";
  EntityId parent = kClusterEntity;
  for (EntityId id = kClusterEntity + 1; id < told.size(); ++id) {  // from the root down
    const Entity& node = told.at(id);
    EntityMade made{0, id, node.level, node.parent, node.index, told.name(id)};
    change(made);
    parent = hidden.intern(made.level, parent, made.name, made.index);
  }
  return entity_path(hidden, parent);
}

void Walk::change(Memory& memory) const {
  change_image(memory.findings_image);
  change_image(memory.features_image);
}

void Walk::change_image(std::string& image) const {
  json document = json::parse(image, nullptr, false);
  if (document.is_discarded()) {
    image.clear();  // better forgotten than told
    return;
  }
  change_json(document, Holds::text);
  image = document.dump(-1, ' ', false, json::error_handler_t::replace);
}

void Walk::change_json(json& value, Holds what) const {
  if (value.is_string()) {
    value = changed(value.get<std::string>(), what);
  } else if (value.is_array()) {
    for (json& element : value) change_json(element, what);
  } else if (value.is_object()) {
    for (auto& [key, element] : value.items()) change_json(element, holds("image", key));
  }
}

/// Flink masks what it calls a secret itself; what it lets through, and properties of the JVM, end
/// here.
void hide_secrets(ClusterFactsPtr& facts) {
  constexpr std::string_view kHidden = "******";
  auto copy = std::make_shared<ClusterFacts>(*facts);
  for (auto& [key, value] : copy->configuration) {
    if (is_sensitive_option(key)) value = kHidden;
  }
  for (std::string& option : copy->job_manager_jvm_options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos || !is_sensitive_option(option.substr(0, equals))) continue;
    option.replace(equals + 1, std::string::npos, kHidden);
  }
  facts = std::move(copy);
}

void hide_secrets(Record& record) {
  auto* item = std::get_if<StreamItem>(&record);
  if (auto* standing = std::get_if<Standing>(&record)) item = &standing->item;
  if (item == nullptr) return;
  if (auto* facts = std::get_if<ClusterFactsPtr>(&item->what)) hide_secrets(*facts);
}

}  // namespace

void Redaction::apply(Record& record) const {
  hide_secrets(record);
  if (names_) Walk(pseudonyms_).change(record, Holds::text);
}

}  // namespace doctor
