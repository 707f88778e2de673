// Where a cluster's Prometheus reporters are to be found, as people write it:
//   HOST:PORT or HOST:FROM-TO          fixed; IPv6 literals in brackets
//   dns:NAME:PORT                      every address of a name (a headless Kubernetes service)
//   file:PATH                          Prometheus' file_sd, JSON or YAML; labels are not used
//   local                              this machine, of a probe: no request, the same collector
//   taskmanagers:PORT or …:FROM-TO     the hosts of the TaskManagers that REST tells of
//   kubernetes:[NAMESPACE/]SELECTOR:PORT   the running pods of a label selector
//   kubernetes:PORT                    those of the cluster's kubernetes block
//   nodes:PORT                         of containers: the kubelets of these pods' nodes
// With TLS: https:// before the host, the name or the ports.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/http.hpp"
#include "model/result.hpp"

namespace doctor {

struct TargetSpec {
  enum class Kind { fixed, dns, file, task_managers, kubernetes, nodes, local };
  std::string text;  // as written, for messages
  Kind kind{Kind::fixed};
  std::string name;  // dns: the name; file: the path; kubernetes: the namespace, empty: the block's
  std::string selector{};  // kubernetes: of labels
  bool selects{false};     // kubernetes: a namespace or a selector is given
  std::uint16_t port_from{}, port_to{};
  std::vector<Endpoint> endpoints;  // fixed
  bool tls{false};                  // of those found by DNS, on TaskManagers and in pods
  std::shared_ptr<const HttpAccess> access{};

  /// One endpoint as it may be found, for what is said before any is.
  Endpoint example() const;
};

/// Whether some of its targets are asked with TLS.
bool any_tls(const TargetSpec& spec);

Result<TargetSpec> parse_target_spec(const std::string& text);
/// The same for probes, which may be "local".
Result<TargetSpec> parse_probe_spec(const std::string& text);
/// The same for what shows containers: kubelets by "nodes:PORT", always with TLS, and cAdvisor or
/// what else has its names, but not by a selection of pods: whose pods these are would not be told.
Result<TargetSpec> parse_container_spec(const std::string& text);

/// [{"targets": ["host:port", …], "labels": {…}}, …]
Result<std::vector<Endpoint>> parse_file_targets(const std::string& text, std::size_t targets_max);

}  // namespace doctor
