#include "agent/capability.hpp"

#include <algorithm>

#include "collectors/containers.hpp"
#include "detectors/registry.hpp"

namespace doctor {
namespace {

std::string_view heading(Sources sources) {
  switch (sources) {
    case Sources::rest:
      return "REST alone";
    case Sources::reporters:
      return "with reporters";
    case Sources::probe:
      return "with probes";
    case Sources::kubernetes:
      return "with Kubernetes";
    case Sources::logs:
      return "with logs";
  }
  return "";
}

/// REST tells of a source's splits only where they are few (rest::split_vertex_ids).
bool rest_tells(const MetricInfo& metric) {
  return !metric.rest_id.empty() && metric.level != Level::split;
}

bool told(Metric metric, const std::set<Sources>& sources,
          const std::optional<FlinkVersion>& version) {
  const MetricInfo& about = info(metric);
  const bool in_version = !version || is_in_version(about, version->major, version->minor);
  if (!in_version) return false;
  return rest_tells(about) ||
         std::any_of(sources.begin(), sources.end(), [&](Sources s) { return tells(s, metric); });
}

/// The other one of two that tell the same, one of Flink and one of the kernel.
std::optional<Metric> counterpart(Metric metric) {
  switch (metric) {
    case Metric::jvm_descriptors_open:
      return Metric::host_descriptors;
    case Metric::jvm_descriptors_max:
      return Metric::host_descriptors_max;
    case Metric::host_descriptors:
      return Metric::jvm_descriptors_open;
    case Metric::host_descriptors_max:
      return Metric::jvm_descriptors_max;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool tells(Sources sources, Metric metric) {
  switch (sources) {
    case Sources::reporters:
      return !info(metric).reporter_name.empty();
    case Sources::probe:
      return !info(metric).probe_family.empty();
    case Sources::kubernetes:
      return is_container_metric(metric);
    case Sources::rest:
    case Sources::logs:
      return false;
  }
  return false;
}

std::vector<Metric> unseen(const Detector& detector, const std::set<Sources>& sources,
                           const std::optional<FlinkVersion>& version) {
  static const std::set<Sources> kAll(kSources.begin(), kSources.end());
  std::vector<Metric> missing;
  for (const Read& read : detector.reads) {
    const std::optional<Metric> other = counterpart(read.metric);
    const bool seen =
        told(read.metric, sources, version) || (other && told(*other, sources, version));
    const bool named = std::find(missing.begin(), missing.end(), read.metric) != missing.end();
    if (!seen && !named && told(read.metric, kAll, version)) missing.push_back(read.metric);
  }
  return missing;
}

std::string_view to_string(Capability capability) {
  switch (capability) {
    case Capability::judges:
      return "judges";
    case Capability::suspects:
      return "suspects";
    case Capability::blind:
      return "blind";
  }
  return "";
}

Capability capability(const Detector& detector, Sources sources) {
  Capability capability = Capability::judges;
  for (const Read& read : detector.reads) {
    if (told(read.metric, {sources}, std::nullopt)) continue;
    if (read.required) return Capability::blind;
    capability = Capability::suspects;
  }
  return capability;
}

std::string capability_matrix() {
  std::string table = "| detector |";
  std::string rule = "\n|---|";
  for (const Sources sources : kSources) {
    table.append(" ").append(heading(sources)).append(" |");
    rule += "---|";
  }
  table += rule + "\n";
  for (const Detector* detector : all_detectors()) {
    table.append("| `").append(detector->name).append("` |");
    for (const Sources sources : kSources) {
      table.append(" ").append(to_string(capability(*detector, sources))).append(" |");
    }
    table += "\n";
  }
  return table;
}

}  // namespace doctor
