// Pods: what Kubernetes knows of the processes of a Flink cluster: limits, restarts, and how a
// container died. Immutable once published. What Kubernetes did not tell is absent, never zero.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.hpp"
#include "model/time.hpp"

namespace doctor {

/// How a container ended.
struct Termination {
  std::string reason;  // Kubernetes' word: OOMKilled, Error, Completed, …
  int exit_code{};
  std::optional<int> signal{};  // as told, else from an exit code above 128
  std::optional<TimestampMs> finished_at{};
  std::string container_id{};  // tells one death from the next

  bool oom_killed() const { return reason == "OOMKilled"; }
  bool operator==(const Termination&) const = default;
};

struct ContainerFacts {
  std::string name;
  std::optional<double> memory_limit{}, memory_request{};  // bytes
  std::optional<double> cpu_limit{}, cpu_request{};        // cores
  std::optional<int> restarts{};
  std::optional<bool> ready{};
  std::string waiting{};               // why it does not run: CrashLoopBackOff, …
  std::optional<Termination> ended{};  // its present state, when it does not run any more
  std::optional<Termination> last_termination{};  // of the run before the present one

  /// The newest that is known.
  const Termination* death() const;
  bool operator==(const ContainerFacts&) const = default;
};

/// "container x ended: OOMKilled, exit code 137 (SIGKILL), memory limit 1.7 GiB"
std::string describe(const ContainerFacts& container, const Termination& end);

enum class PodRole { unknown, job_manager, task_manager };
std::string_view to_string(PodRole role);

struct PodFacts {
  std::string namespace_, name, uid;
  std::string ip;         // empty until it has one
  std::string node;       // empty until it is placed
  std::string node_ip{};  // of its node; empty until it is placed
  std::string phase;      // Pending, Running, Succeeded, Failed, Unknown
  PodRole role{PodRole::unknown};
  std::string app;           // label "app": the cluster's id with native Kubernetes
  bool native{false};        // label type=flink-native-kubernetes
  std::string reason{};      // of the whole pod: Evicted, Preempting, NodeLost, …
  std::string disruption{};  // why Kubernetes takes it away: EvictionByEvictionAPI, …
  std::optional<TimestampMs> deleting_at{};  // when its grace ends
  std::vector<ContainerFacts> containers{};

  bool running() const { return phase == "Running"; }
  std::string full_name() const { return namespace_ + "/" + name; }
  const ContainerFacts* container(std::string_view of_name) const;
  /// Flink's own container: the one that native Kubernetes and the operator call
  /// flink-main-container, else the only one; null when that cannot be told.
  const ContainerFacts* flink_container() const;
  /// Whether a container of it ended so by a fault, rather than by the end of its work or by the
  /// pod's deletion.
  bool failed_by(const Termination& end) const;
  bool operator==(const PodFacts&) const = default;
};

using PodFactsPtr = std::shared_ptr<const PodFacts>;

/// A pod that is no more, as it was last seen.
struct GonePod {
  PodFactsPtr pod;
  TimestampMs at{};
};

/// What the operator says of one FlinkDeployment.
struct FlinkDeploymentFacts {
  std::string namespace_, name;
  std::string lifecycle_state{};  // DEPLOYED, STABLE, FAILED, …; empty before the operator's word
  std::string job_state{};        // Flink's JobStatus as the operator saw it
  std::string error{};            // one line

  bool operator==(const FlinkDeploymentFacts&) const = default;
};

/// A warning that Kubernetes keeps about a pod or a FlinkDeployment for about an hour (core/v1
/// Event): why it is not scheduled, not started, not ready, taken away.
struct KubernetesWarning {
  std::string object;  // "Pod orders-taskmanager-1-3"
  std::string reason;  // FailedScheduling, BackOff, Evicted, …
  std::string message{};
  int count{1};
  std::optional<TimestampMs> last{};

  bool operator==(const KubernetesWarning&) const = default;
};

/// What one watch of pods knows.
struct KubernetesFacts {
  SourceId source{};
  std::vector<PodFactsPtr> pods{};  // by full name
  std::vector<GonePod> gone{};      // the last ones, oldest first
  std::size_t pods_left_out{};      // beyond the cap
  /// Nothing when we may not read them, or nobody has defined such a thing.
  std::optional<std::vector<FlinkDeploymentFacts>> deployments{};
  /// About its pods and deployments, the latest first; nothing when we may not read events.
  std::optional<std::vector<KubernetesWarning>> warnings{};
  bool deployments_forbidden{false}, warnings_forbidden{false};

  /// The pod of a TaskManager: by its id, which is the pod's name with native Kubernetes, else by
  /// the host that Flink has for it when that is a pod's address and only one pod's. Null: unknown.
  const PodFacts* task_manager(const std::string& id, const std::string& host) const;
  /// The one that runs; null when there is none or more than one.
  const PodFacts* job_manager() const;
};

using KubernetesFactsPtr = std::shared_ptr<const KubernetesFacts>;

}  // namespace doctor
