// What became of the pods: the containers that died, newest first, for the report and the document.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "agent/delivery/terminal.hpp"
#include "agent/view.hpp"

namespace doctor {

/// Points into the facts it was made of.
struct PodEnd {
  const PodFacts* pod;
  const ContainerFacts* container;
  const Termination* end;
  std::optional<TimestampMs> gone_at;  // of the pod
};

/// Only deaths by a fault; at most 50.
std::vector<PodEnd> pod_ends(std::span<const KubernetesFactsPtr> kubernetes);

/// The section "Pods"; nothing where nothing died, the operator does not complain and no right is
/// missing.
void write_pods(Terminal& out, const ClusterView& cluster, TimestampMs now);

}  // namespace doctor
