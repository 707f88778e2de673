// Which of a namespace's FlinkDeployments and warnings are about the cluster that is watched: a
// namespace has other clusters, too.
#pragma once

#include <string_view>
#include <vector>

#include "model/pod.hpp"

namespace doctor::kubernetes {

/// The operator labels the pods of a FlinkDeployment app=NAME: a selector that asks for one app
/// means that one, whether it has pods or not. Any other selector keeps them all.
void keep_ours(std::vector<FlinkDeploymentFacts>& deployments, std::string_view selector);

/// Those about the pods and deployments in `known`; with an empty selector all.
void keep_ours(std::vector<KubernetesWarning>& warnings, std::string_view selector,
               const KubernetesFacts& known);

}  // namespace doctor::kubernetes
