#include "agent/discovery/targets.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "collectors/kubernetes/targets.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kDns = "dns:";
constexpr std::string_view kFile = "file:";
constexpr std::string_view kTaskManagers = "taskmanagers:";
constexpr std::string_view kKubernetes = "kubernetes:";
constexpr std::string_view kNodes = "nodes:";

Error bad(std::string message) { return {ErrorCode::invalid_argument, std::move(message)}; }

/// Takes "https://" off.
std::string_view take_tls(std::string_view text, TargetSpec& spec) {
  spec.tls = text.starts_with(kHttps);
  return spec.tls ? text.substr(kHttps.size()) : text;
}

/// The ports of "PORT" or "FROM-TO", through the one parser of addresses.
Status read_ports(const std::string& name, std::string_view ports, TargetSpec& spec) {
  const auto range = parse_port_range(name + ":" + std::string(ports));
  if (!range) return range.error();
  spec.port_from = range->front().port;
  spec.port_to = range->back().port;
  return Done{};
}

Result<TargetSpec> parse_dns(TargetSpec spec, std::string_view rest) {
  rest = take_tls(rest, spec);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return bad("needs a name and a port: dns:NAME:PORT, not " + printable(spec.text, 100));
  }
  spec.kind = TargetSpec::Kind::dns;
  spec.name = rest.substr(0, colon);
  if (const Status ok = read_ports(spec.name, rest.substr(colon + 1), spec); !ok) return ok.error();
  return spec;
}

/// [NAMESPACE/]SELECTOR. A label's prefix has a slash too; what is a namespace's name is taken for
/// one, and a prefix has a dot nearly always.
Status read_selection(std::string_view text, TargetSpec& spec) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (kubernetes::is_namespace(text.substr(0, slash))) {
      spec.name = text.substr(0, slash);
      text.remove_prefix(slash + 1);
    }
  }
  spec.selector = text;
  if (kubernetes::is_selector(spec.selector)) return Done{};
  return bad("\"" + printable(text, 100) + "\" is no label selector, such as app=orders");
}

Result<TargetSpec> parse_kubernetes(TargetSpec spec, std::string_view rest) {
  rest = take_tls(rest, spec);
  spec.kind = TargetSpec::Kind::kubernetes;
  const std::size_t colon = rest.rfind(':');
  spec.selects = colon != std::string_view::npos;
  const std::string_view ports = spec.selects ? rest.substr(colon + 1) : rest;
  if (const Status ok = read_ports("pod", ports, spec); !ok) {
    return bad("needs a port: kubernetes:[NAMESPACE/]SELECTOR:PORT, not " +
               printable(spec.text, 100));
  }
  if (!spec.selects) return spec;
  if (colon == 0) return bad("needs a selector before the port, or kubernetes:PORT");
  if (const Status ok = read_selection(rest.substr(0, colon), spec); !ok) return ok.error();
  return spec;
}

}  // namespace

Endpoint TargetSpec::example() const {
  if (!endpoints.empty()) return endpoints.front();
  if (kind == Kind::kubernetes) return {"pod", port_from, {}, tls, access};
  if (kind == Kind::nodes) return {"node", port_from, {}, tls, access};
  return {name.empty() ? "taskmanager" : name, port_from, {}, tls, access};
}

bool any_tls(const TargetSpec& spec) {
  // What a file names is not known yet.
  return spec.tls || spec.kind == TargetSpec::Kind::file ||
         std::any_of(spec.endpoints.begin(), spec.endpoints.end(),
                     [](const Endpoint& endpoint) { return endpoint.tls; });
}

Result<TargetSpec> parse_target_spec(const std::string& text) {
  TargetSpec spec;
  spec.text = text;
  const std::string_view view = text;
  if (view.starts_with(kDns)) return parse_dns(std::move(spec), view.substr(kDns.size()));
  if (view.starts_with(kFile)) {
    spec.kind = TargetSpec::Kind::file;
    spec.name = view.substr(kFile.size());
    if (spec.name.empty()) return bad("needs a path: file:PATH");
    return spec;
  }
  if (view.starts_with(kTaskManagers)) {
    spec.kind = TargetSpec::Kind::task_managers;
    const std::string_view ports = take_tls(view.substr(kTaskManagers.size()), spec);
    if (const Status ok = read_ports("taskmanager", ports, spec); !ok) return ok.error();
    return spec;
  }
  if (view.starts_with(kKubernetes)) {
    return parse_kubernetes(std::move(spec), view.substr(kKubernetes.size()));
  }
  Result<std::vector<Endpoint>> endpoints = parse_port_range(text);
  if (!endpoints) return endpoints.error();
  spec.endpoints = std::move(*endpoints);
  return spec;
}

Result<TargetSpec> parse_probe_spec(const std::string& text) {
  if (text != "local") return parse_target_spec(text);
  TargetSpec spec;
  spec.text = text;
  spec.kind = TargetSpec::Kind::local;
  spec.endpoints = {Endpoint{"local", 0, {}, false, {}}};
  return spec;
}

Result<TargetSpec> parse_container_spec(const std::string& text) {
  const std::string_view view = text;
  if (view.starts_with(kKubernetes)) {
    return bad("cannot be found by pods; write nodes:10250 for kubelets, or dns:NAME:PORT");
  }
  if (!view.starts_with(kNodes)) return parse_target_spec(text);
  TargetSpec spec;
  spec.text = text;
  spec.kind = TargetSpec::Kind::nodes;
  spec.tls = true;
  const std::string_view ports = view.substr(kNodes.size());
  if (const Status ok = read_ports("node", ports, spec); !ok) return ok.error();
  return spec;
}

Result<std::vector<Endpoint>> parse_file_targets(const std::string& text, std::size_t targets_max) {
  std::vector<Endpoint> endpoints;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return endpoints;
    if (!root.IsSequence()) return bad("is no list of target groups");
    for (const auto& group : root) {
      const YAML::Node targets = group.IsMap() ? group["targets"] : YAML::Node();
      if (!targets || !targets.IsSequence()) return bad("a group has no list of targets");
      for (const auto& target : targets) {
        if (!target.IsScalar()) return bad("a target is no text");
        const auto parsed = parse_port_range(target.as<std::string>());
        if (!parsed) return parsed.error();
        if (endpoints.size() + parsed->size() > targets_max) {
          return Error{ErrorCode::too_large,
                       "has more than " + std::to_string(targets_max) + " targets"};
        }
        endpoints.insert(endpoints.end(), parsed->begin(), parsed->end());
      }
    }
  } catch (const YAML::Exception& wrong) {
    return bad("is neither JSON nor YAML: " + printable(wrong.what(), 200));
  }
  return endpoints;
}

}  // namespace doctor
