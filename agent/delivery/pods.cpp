#include "agent/delivery/pods.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kEndsMax = 50;
constexpr std::size_t kEndsShownMax = 10;

void add_ends(const PodFacts& pod, std::optional<TimestampMs> gone_at, std::vector<PodEnd>& ends) {
  for (const ContainerFacts& container : pod.containers) {
    const Termination* end = container.death();
    if (end != nullptr && pod.failed_by(*end)) ends.push_back({&pod, &container, end, gone_at});
  }
}

std::string sentence(const PodEnd& end, TimestampMs now) {
  std::string text = describe(*end.container, *end.end);
  if (end.end->finished_at) {
    const DurationMs ago = std::max<DurationMs>(0, now - *end.end->finished_at);
    text += ", " + format_duration_ms(static_cast<double>(ago)) + " ago";
  }
  if (const auto restarts = end.container->restarts; restarts && *restarts > 0) {
    text += "; restarts " + std::to_string(*restarts);
  }
  if (end.gone_at) text += "; the pod is gone";
  return printable(text, 400);
}

/// Rolled back: the last specification did not run, an older one does.
bool is_trouble(const FlinkDeploymentFacts& deployment) {
  const std::string& state = deployment.lifecycle_state;
  return !deployment.error.empty() || state == "FAILED" || state == "ROLLED_BACK";
}

/// Kubernetes keeps them for an hour; the older half tells of what is over.
template <class Row>
void write_warnings(const ClusterView& cluster, TimestampMs now, const Row& row) {
  std::size_t shown = 0;
  for (const KubernetesFactsPtr& facts : cluster.kubernetes) {
    if (!facts->warnings) continue;
    for (const KubernetesWarning& warning : *facts->warnings) {
      const DurationMs age = now - warning.last.value_or(0);
      if (!warning.last || age > kHourMs / 2 || ++shown > kEndsShownMax) continue;
      row(warning.object,
          printable(warning.reason + ": " + warning.message + " (" + std::to_string(warning.count) +
                        " ×, last " +
                        format_duration_ms(static_cast<double>(std::max<DurationMs>(0, age))) +
                        " ago)",
                    400));
    }
  }
}

/// Optional rights that were not given; empty when none is missing.
std::string rights_missing(const ClusterView& cluster) {
  bool deployments = false;
  bool warnings = false;
  for (const KubernetesFactsPtr& facts : cluster.kubernetes) {
    deployments |= facts->deployments_forbidden;
    warnings |= facts->warnings_forbidden;
  }
  std::string text;
  if (deployments) text = "list flinkdeployments (states and errors that the Flink operator tells)";
  if (warnings) {
    text += std::string(text.empty() ? "" : ", ") +
            "list events (why pods are not scheduled or started)";
  }
  return text;
}

std::string sentence(const FlinkDeploymentFacts& deployment) {
  std::string text = deployment.lifecycle_state;
  if (!deployment.job_state.empty()) text += ", job " + deployment.job_state;
  if (!deployment.error.empty()) text += ": " + deployment.error;
  return printable(text, 500);
}

}  // namespace

std::vector<PodEnd> pod_ends(std::span<const KubernetesFactsPtr> kubernetes) {
  std::vector<PodEnd> ends;
  for (const KubernetesFactsPtr& facts : kubernetes) {
    for (const PodFactsPtr& pod : facts->pods) add_ends(*pod, std::nullopt, ends);
    for (const GonePod& gone : facts->gone) add_ends(*gone.pod, gone.at, ends);
  }
  std::stable_sort(ends.begin(), ends.end(), [](const PodEnd& a, const PodEnd& b) {
    return a.end->finished_at.value_or(0) > b.end->finished_at.value_or(0);
  });
  if (ends.size() > kEndsMax) ends.resize(kEndsMax);
  return ends;
}

void write_pods(Terminal& out, const ClusterView& cluster, TimestampMs now) {
  bool any = false;
  const auto row = [&](const std::string& name, const std::string& text) {
    if (!std::exchange(any, true)) out.line(out.paint(Ink::bold, "Pods"));
    const std::string shown = printable(name, 120);
    out.paragraph("  " + shown + "  ", 4 + columns(shown), text);
  };
  std::vector<PodEnd> ends = pod_ends(cluster.kubernetes);
  if (ends.size() > kEndsShownMax) ends.resize(kEndsShownMax);
  for (const PodEnd& end : ends) row(end.pod->full_name(), sentence(end, now));
  for (const KubernetesFactsPtr& facts : cluster.kubernetes) {
    if (!facts->deployments) continue;
    for (const FlinkDeploymentFacts& deployment : *facts->deployments) {
      if (!is_trouble(deployment)) continue;
      row("FlinkDeployment " + deployment.namespace_ + "/" + deployment.name, sentence(deployment));
    }
  }
  write_warnings(cluster, now, row);
  if (const std::string missing = rights_missing(cluster); !missing.empty()) {
    row("optional rights not given:", missing);
  }
  if (any) out.line();
}

}  // namespace doctor
