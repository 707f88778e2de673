// From what an API server says to facts. Pure; each takes a whole body or a whole line and gives a
// value or the first fault, with its place ("$.items[3].metadata.name is missing"). Fields that we
// do not need are not looked at, so that a newer server cannot trouble us with them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/limits.hpp"
#include "model/pod.hpp"
#include "model/result.hpp"

namespace doctor::kubernetes {

/// "2026-11-21T08:30:00Z", also with a fraction. Nothing for what is no such time.
std::optional<TimestampMs> parse_time(std::string_view text);

/// One page of GET …/pods.
struct PodPage {
  std::vector<PodFacts> pods;
  std::string resource_version;  // where a watch goes on
  std::string continue_token;    // empty: the last page
};
Result<PodPage> parse_pod_page(std::string_view body, const Limits& limits);

/// One line of a watch.
struct WatchLine {
  enum class Kind { added, modified, deleted, bookmark, expired, error };
  Kind kind{};
  PodFacts pod{};  // of added, modified and deleted
  std::string resource_version{};
  std::string message{};  // of expired and error: the server's reason
};
Result<WatchLine> parse_watch_line(std::string_view line, const Limits& limits);

/// One page of GET …/flinkdeployments.
Result<std::vector<FlinkDeploymentFacts>> parse_deployments(std::string_view body,
                                                            const Limits& limits);

/// One page of GET …/events: those about pods and FlinkDeployments, the latest first.
Result<std::vector<KubernetesWarning>> parse_warnings(std::string_view body, const Limits& limits);

/// The message of a Status object, the body of answers that are not 2xx; empty when it is none.
std::string status_message(std::string_view body);

}  // namespace doctor::kubernetes
