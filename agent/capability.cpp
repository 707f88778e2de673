#include "agent/capability.hpp"

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

bool supplies(Sources sources, const MetricInfo& metric) {
  // REST tells of a source's splits only where they are few (rest::split_vertex_ids).
  if (!metric.rest_id.empty() && metric.level != Level::split) return true;
  if (sources == Sources::probe && !metric.probe_family.empty()) return true;
  if (sources == Sources::kubernetes && is_container_metric(metric.metric)) return true;
  return sources == Sources::reporters && !metric.reporter_name.empty();
}

}  // namespace

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
    if (supplies(sources, info(read.metric))) continue;
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
