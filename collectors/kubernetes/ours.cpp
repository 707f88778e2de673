#include "collectors/kubernetes/ours.hpp"

#include <algorithm>
#include <optional>

namespace doctor::kubernetes {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// "app=orders" or "app == orders" among a selector's requirements. A comma inside of "in (a,b)"
/// cuts that into pieces of which none reads so.
std::optional<std::string_view> app_of(std::string_view selector) {
  while (!selector.empty()) {
    const std::size_t comma = std::min(selector.find(','), selector.size());
    const std::string_view requirement = trimmed(selector.substr(0, comma));
    selector.remove_prefix(std::min(comma + 1, selector.size()));
    const std::size_t equals = requirement.find('=');
    if (equals == requirement.npos || trimmed(requirement.substr(0, equals)) != "app") continue;
    std::string_view value = requirement.substr(equals + 1);
    if (value.starts_with('=')) value.remove_prefix(1);
    return trimmed(value);
  }
  return std::nullopt;
}

bool is_about(const KubernetesWarning& warning, std::string_view kind, std::string_view name) {
  const std::string_view object = warning.object;
  return object.starts_with(kind) && object.substr(kind.size()) == name;
}

bool is_known(const KubernetesWarning& warning, const KubernetesFacts& known) {
  const auto pod = [&](const PodFacts& one) { return is_about(warning, "Pod ", one.name); };
  const auto deployment = [&](const FlinkDeploymentFacts& one) {
    return is_about(warning, "FlinkDeployment ", one.name);
  };
  return std::any_of(known.pods.begin(), known.pods.end(),
                     [&](const PodFactsPtr& one) { return pod(*one); }) ||
         std::any_of(known.gone.begin(), known.gone.end(),
                     [&](const GonePod& one) { return pod(*one.pod); }) ||
         (known.deployments &&
          std::any_of(known.deployments->begin(), known.deployments->end(), deployment));
}

}  // namespace

void keep_ours(std::vector<FlinkDeploymentFacts>& deployments, std::string_view selector) {
  const std::optional<std::string_view> app = app_of(selector);
  if (!app) return;
  std::erase_if(deployments, [&](const FlinkDeploymentFacts& one) { return one.name != *app; });
}

void keep_ours(std::vector<KubernetesWarning>& warnings, std::string_view selector,
               const KubernetesFacts& known) {
  if (selector.empty()) return;
  std::erase_if(warnings, [&](const KubernetesWarning& one) { return !is_known(one, known); });
}

}  // namespace doctor::kubernetes
