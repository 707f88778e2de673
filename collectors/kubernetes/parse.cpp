#include "collectors/kubernetes/parse.hpp"

#include "collectors/kubernetes/pod_parser.hpp"
#include "collectors/rest/json.hpp"
#include "model/text.hpp"

namespace doctor::kubernetes {
namespace {

using rest::Json;
using rest::Node;

constexpr std::size_t kTokenBytesMax = 4096;
constexpr std::size_t kVersionBytesMax = 128;
constexpr int kGone = 410;

/// Goes back to the server as it came, in a URL: encoded there, bounded here.
std::string token(const Node& node, std::size_t bytes_max) {
  std::string text = node.text_if().value_or("");
  node.expect(text.size() <= bytes_max, "is too long");
  return text;
}

std::string resource_version(const Node& metadata) {
  std::string version = token(metadata["resourceVersion"], kVersionBytesMax);
  metadata["resourceVersion"].expect(!version.empty(), "is missing");
  return version;
}

std::string message_of(const Node& status) {
  return printable(status["message"].text_if().value_or(""), 300);
}

/// The operator writes an exception as JSON into its status, of which people want the message.
std::string operators_error(const Node& status, const Limits& limits) {
  const std::string text = status["error"].text_if().value_or("");
  std::string shown = text;
  if (text.starts_with('{')) {
    const Result<Json> json = rest::load(text, limits.json_depth_max);
    std::optional<Error> fault;
    if (json) shown = Node(*json, fault)["message"].text_if().value_or(text);
  }
  return printable(shown, limits.message_bytes_max);
}

void read_object(const Node& object, WatchLine& line) {
  using Kind = WatchLine::Kind;
  if (line.kind == Kind::error) {
    if (object["code"].integer_if() == kGone) line.kind = Kind::expired;
    line.message = message_of(object);
    return;
  }
  line.resource_version = resource_version(object["metadata"]);
  if (line.kind != Kind::bookmark) line.pod = read_pod(object);
}

std::optional<WatchLine::Kind> kind_of(const std::string& type) {
  using Kind = WatchLine::Kind;
  if (type == "ADDED") return Kind::added;
  if (type == "MODIFIED") return Kind::modified;
  if (type == "DELETED") return Kind::deleted;
  if (type == "BOOKMARK") return Kind::bookmark;
  if (type == "ERROR") return Kind::error;
  return std::nullopt;
}

}  // namespace

Result<PodPage> parse_pod_page(std::string_view body, const Limits& limits) {
  const Result<Json> json = rest::load(body, limits.json_depth_max);
  if (!json) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  PodPage page;
  const Node metadata = root["metadata"];
  page.resource_version = resource_version(metadata);
  page.continue_token = token(metadata["continue"], kTokenBytesMax);
  const Node items = root["items"];
  // A list of nothing is [] or null.
  if (!items.is_none()) {
    items.for_each(limits.pods_max + 1, [&](const Node& item) {
      if (!fault) page.pods.push_back(read_pod(item));
    });
  }
  if (root["kind"].text_if() != "PodList") root.expect(false, "is no PodList");
  if (fault) return *fault;
  return page;
}

Result<WatchLine> parse_watch_line(std::string_view text, const Limits& limits) {
  const Result<Json> json = rest::load(text, limits.json_depth_max);
  if (!json) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  WatchLine line;
  const std::string type = root["type"].text();
  const auto kind = kind_of(type);
  if (!fault && !kind) {
    return Error{ErrorCode::malformed, "a watch of pods said \"" + printable(type, 40) + "\""};
  }
  if (kind) {
    line.kind = *kind;
    read_object(root["object"], line);
  }
  if (fault) return *fault;
  return line;
}

Result<std::vector<FlinkDeploymentFacts>> parse_deployments(std::string_view body,
                                                            const Limits& limits) {
  const Result<Json> json = rest::load(body, limits.json_depth_max);
  if (!json) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::vector<FlinkDeploymentFacts> deployments;
  root["items"].for_each(limits.jobs_max, [&](const Node& item) {
    FlinkDeploymentFacts& deployment = deployments.emplace_back();
    deployment.namespace_ = printable(item["metadata"]["namespace"].text(), limits.name_bytes_max);
    deployment.name = printable(item["metadata"]["name"].text(), limits.name_bytes_max);
    const Node status = item["status"];
    if (status.is_none()) return;
    deployment.lifecycle_state = printable(status["lifecycleState"].text_if().value_or(""), 40);
    deployment.error = operators_error(status, limits);
    const Node job = status["jobStatus"];
    if (!job.is_none()) deployment.job_state = printable(job["state"].text_if().value_or(""), 40);
  });
  if (fault) return *fault;
  return deployments;
}

Result<std::vector<KubernetesWarning>> parse_warnings(std::string_view body, const Limits& limits) {
  constexpr std::size_t kRowsMax = 1000;
  const Result<Json> json = rest::load(body, limits.json_depth_max);
  if (!json) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::vector<KubernetesWarning> warnings;
  const auto time_in = [](const Node& node) {
    const std::optional<std::string> text = node.text_if();
    return text ? parse_time(*text) : std::nullopt;
  };
  root["items"].for_each(kRowsMax, [&](const Node& item) {
    const Node about = item["involvedObject"];
    if (fault || !about.is_object() || item["type"].text_if() == "Normal") return;
    const std::string kind = about["kind"].text_if().value_or("");
    if (kind != "Pod" && kind != "FlinkDeployment") return;
    KubernetesWarning& warning = warnings.emplace_back();
    warning.object =
        kind + " " + printable(about["name"].text_if().value_or(""), limits.name_bytes_max);
    warning.reason = printable(item["reason"].text_if().value_or(""), 60);
    warning.message = printable(item["message"].text_if().value_or(""), limits.message_bytes_max);
    // Newer event series count for themselves, and leave the old fields null.
    const Node series = item["series"];
    const bool counted = series.is_object();
    warning.count = std::max(1, (counted ? series["count"] : item["count"]).count_or_0());
    for (const std::optional<TimestampMs>& at :
         {counted ? time_in(series["lastObservedTime"]) : std::nullopt,
          time_in(item["lastTimestamp"]), time_in(item["eventTime"])}) {
      if (at && (!warning.last || *at > *warning.last)) warning.last = at;
    }
  });
  if (fault) return *fault;
  std::stable_sort(warnings.begin(), warnings.end(), [](const auto& a, const auto& b) {
    return a.last.value_or(0) > b.last.value_or(0);
  });
  return warnings;
}

std::string status_message(std::string_view body) {
  const Result<Json> json = rest::load(body, Limits{}.json_depth_max);
  if (!json || !json->is_object()) return {};
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::string message = message_of(root);
  return fault ? std::string() : message;
}

}  // namespace doctor::kubernetes
