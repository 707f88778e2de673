#include "agent/discovery/api_server.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>

#include "agent/net/access.hpp"
#include "collectors/kubernetes/targets.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<Endpoint> own_api_server(const PodEnvironment& pod) {
  if (pod.host.empty()) {
    return Error{ErrorCode::invalid_argument,
                 "we do not run in a pod (KUBERNETES_SERVICE_HOST is not set): configure "
                 "clusters[].kubernetes.api_server"};
  }
  Endpoint endpoint{pod.host, kApiServerPort, {}, true, {}};
  const char* const end = pod.port.data() + pod.port.size();
  const auto [stop, fault] = std::from_chars(pod.port.data(), end, endpoint.port);
  if (!pod.port.empty() && (fault != std::errc{} || stop != end)) {
    return Error{ErrorCode::invalid_argument,
                 "KUBERNETES_SERVICE_PORT is no port: " + printable(pod.port, 40)};
  }
  return endpoint;
}

/// The ServiceAccount's files where nothing else is configured.
std::shared_ptr<const HttpAccess> own_access(const HttpAccess* configured,
                                             const std::string& directory) {
  HttpAccess access = configured == nullptr ? HttpAccess{} : *configured;
  if (access.tls.ca_file.empty() && !access.tls.insecure_skip_verify) {
    access.tls.ca_file = directory + "/ca.crt";
  }
  const bool shows_certificate = !access.tls.certificate_file.empty();
  if (!access.has_auth() && !shows_certificate) {
    access.auth.bearer_token_file = directory + "/token";
  }
  return std::make_shared<const HttpAccess>(std::move(access));
}

std::string own_namespace(const std::string& directory) {
  std::ifstream file(directory + "/namespace", std::ios::binary);
  std::string name(64, '\0');
  file.read(name.data(), static_cast<std::streamsize>(name.size()));
  name.resize(static_cast<std::size_t>(file.gcount()));
  while (!name.empty() && (name.back() == '\n' || name.back() == '\r')) name.pop_back();
  return name;
}

}  // namespace

PodEnvironment pod_environment() {
  return {environment("KUBERNETES_SERVICE_HOST"), environment("KUBERNETES_SERVICE_PORT"),
          kServiceAccount};
}

Result<KubernetesConfig> completed(KubernetesConfig config, const PodEnvironment& pod) {
  if (!config.api_server) {
    Result<Endpoint> endpoint = own_api_server(pod);
    if (!endpoint) return endpoint.error();
    config.api_server = std::move(*endpoint);
    config.access = own_access(config.access.get(), pod.directory);
  }
  config.api_server->access = config.access;
  if (config.namespace_.empty()) config.namespace_ = own_namespace(pod.directory);
  if (!kubernetes::is_namespace(config.namespace_)) {
    return Error{ErrorCode::invalid_argument,
                 "no namespace: configure clusters[].kubernetes.namespace, or write "
                 "kubernetes:NAMESPACE/SELECTOR:PORT"};
  }
  return config;
}

}  // namespace doctor
