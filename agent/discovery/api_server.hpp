// Where the Kubernetes API is and what shows it who asks: as configured, else as every pod finds
// it: two environment variables and the files of its ServiceAccount.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "collectors/http.hpp"
#include "model/result.hpp"

namespace doctor {

inline constexpr std::uint16_t kApiServerPort = 443;

/// What of it is given; what is not, the pod we run in says.
struct KubernetesConfig {
  std::optional<Endpoint> api_server{};
  std::string namespace_{};
  std::string selector{};  // of labels; empty: every pod of the namespace
  std::shared_ptr<const HttpAccess> access{};
};

/// What Kubernetes gives every pod.
struct PodEnvironment {
  std::string host, port;  // KUBERNETES_SERVICE_HOST and …_PORT
  std::string directory;   // of token, ca.crt and namespace
};
PodEnvironment pod_environment();

/// With `api_server`, its access and `namespace_` filled in. What is configured wins; a configured
/// API server is never shown the token of our own pod. Reads the file of the namespace.
Result<KubernetesConfig> completed(KubernetesConfig config, const PodEnvironment& pod);

}  // namespace doctor
