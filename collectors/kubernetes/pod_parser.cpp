#include "collectors/kubernetes/pod_parser.hpp"

#include <algorithm>

#include "collectors/kubernetes/parse.hpp"
#include "collectors/kubernetes/quantity.hpp"
#include "model/text.hpp"

namespace doctor::kubernetes {
namespace {

using rest::Node;

constexpr std::size_t kNameBytesMax = 253;  // of every name in Kubernetes
constexpr std::size_t kWordBytesMax = 100;
constexpr std::size_t kContainersMax = 32;
constexpr std::size_t kConditionsMax = 64;
constexpr int kSignalBase = 128;  // of exit codes, as shells have it
constexpr int kSignalMax = 64;

std::string word(const Node& node) { return printable(node.text_if().value_or(""), kWordBytesMax); }

/// A name that ends up in messages and is compared: refused rather than cut.
std::string name(const Node& node) {
  std::string text = node.text();
  const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
  node.expect(clean && !text.empty() && text.size() <= kNameBytesMax, "is no name");
  return text;
}

/// Becomes the host of an endpoint.
std::string address(const Node& node) {
  std::string text = node.text_if().value_or("");
  const auto belongs = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
           c == ':';
  };
  node.expect(text.size() <= 45 && std::all_of(text.begin(), text.end(), belongs), "is no address");
  return text;
}

std::optional<double> quantity(const Node& node) {
  const std::optional<std::string> text = node.text_if();
  return text ? parse_quantity(*text) : std::nullopt;
}

std::optional<TimestampMs> time(const Node& node) {
  const std::optional<std::string> text = node.text_if();
  return text ? parse_time(*text) : std::nullopt;
}

std::optional<Termination> termination(const Node& node) {
  if (node.is_none()) return std::nullopt;
  Termination end;
  end.reason = word(node["reason"]);
  const std::int64_t code = node["exitCode"].integer();
  node["exitCode"].expect(code >= -1024 && code <= 0xFFFFFFFFLL, "is no exit code");
  end.exit_code = static_cast<int>(code);
  const std::int64_t signal = node["signal"].integer_if().value_or(0);
  if (signal > 0 && signal <= kSignalMax) end.signal = static_cast<int>(signal);
  if (!end.signal && code > kSignalBase && code <= kSignalBase + kSignalMax) {
    end.signal = static_cast<int>(code) - kSignalBase;
  }
  end.finished_at = time(node["finishedAt"]);
  end.container_id = word(node["containerID"]);
  return end;
}

void read_resources(const Node& resources, ContainerFacts& container) {
  if (resources.is_none()) return;
  if (const Node limits = resources["limits"]; !limits.is_none()) {
    container.memory_limit = quantity(limits["memory"]);
    container.cpu_limit = quantity(limits["cpu"]);
  }
  if (const Node requests = resources["requests"]; !requests.is_none()) {
    container.memory_request = quantity(requests["memory"]);
    container.cpu_request = quantity(requests["cpu"]);
  }
}

void read_status(const Node& status, ContainerFacts& container) {
  if (const auto restarts = status["restartCount"].integer_if(); restarts && *restarts >= 0) {
    container.restarts = static_cast<int>(std::min<std::int64_t>(*restarts, 1 << 30));
  }
  container.ready = status["ready"].flag_if();
  if (const Node state = status["state"]; !state.is_none()) {
    if (const Node waits = state["waiting"]; !waits.is_none()) {
      container.waiting = word(waits["reason"]);
    }
    container.ended = termination(state["terminated"]);
  }
  if (const Node last = status["lastState"]; !last.is_none()) {
    container.last_termination = termination(last["terminated"]);
  }
}

PodRole role_of(const std::string& component) {
  if (component == "jobmanager") return PodRole::job_manager;
  return component == "taskmanager" ? PodRole::task_manager : PodRole::unknown;
}

void read_labels(const Node& labels, PodFacts& pod) {
  if (labels.is_none()) return;
  pod.app = word(labels["app"]);
  pod.native = word(labels["type"]) == "flink-native-kubernetes";
  pod.role = role_of(word(labels["component"]));
  if (pod.role == PodRole::unknown) pod.role = role_of(word(labels["app.kubernetes.io/component"]));
}

void read_conditions(const Node& conditions, PodFacts& pod) {
  if (conditions.is_none()) return;
  conditions.for_each(kConditionsMax, [&](const Node& condition) {
    if (word(condition["type"]) != "DisruptionTarget" || word(condition["status"]) != "True")
      return;
    pod.disruption = word(condition["reason"]);
  });
}

}  // namespace

PodFacts read_pod(const Node& node) {
  PodFacts pod;
  const Node metadata = node["metadata"];
  pod.namespace_ = name(metadata["namespace"]);
  pod.name = name(metadata["name"]);
  pod.uid = word(metadata["uid"]);
  pod.deleting_at = time(metadata["deletionTimestamp"]);
  read_labels(metadata["labels"], pod);
  if (const Node spec = node["spec"]; !spec.is_none()) {
    pod.node = word(spec["nodeName"]);
    if (const Node containers = spec["containers"]; !containers.is_none()) {
      containers.for_each(kContainersMax, [&](const Node& one) {
        ContainerFacts& container = pod.containers.emplace_back();
        container.name = name(one["name"]);
        read_resources(one["resources"], container);
      });
    }
  }
  const Node status = node["status"];
  if (status.is_none()) return pod;
  pod.phase = word(status["phase"]);
  pod.ip = address(status["podIP"]);
  pod.node_ip = address(status["hostIP"]);
  pod.reason = word(status["reason"]);
  read_conditions(status["conditions"], pod);
  if (const Node states = status["containerStatuses"]; !states.is_none()) {
    states.for_each(kContainersMax, [&](const Node& one) {
      const std::string of = name(one["name"]);
      for (ContainerFacts& container : pod.containers) {
        if (container.name == of) read_status(one, container);
      }
    });
  }
  return pod;
}

}  // namespace doctor::kubernetes
