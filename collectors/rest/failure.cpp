// Answers that are not 2xx. Flink's own have the shape {"errors":["…", …]}; an error may carry a
// stack trace of ten kilobytes.
#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

constexpr std::size_t kErrorsMax = 8;

/// Empty when the body does not have Flink's shape.
std::vector<std::string> errors_in(std::string_view body) {
  std::vector<std::string> errors;
  const Result<Json> json = load(body, Limits{}.json_depth_max);
  if (!json.ok() || !json->is_object()) return errors;
  std::optional<Error> fault;
  const Node root(*json, fault);
  root["errors"].for_each(kErrorsMax, [&](const Node& node) { errors.push_back(node.text()); });
  if (fault) errors.clear();
  return errors;
}

bool any_says(const std::vector<std::string>& errors, std::string_view text) {
  for (const std::string& error : errors) {
    if (error.find(text) != std::string::npos) return true;
  }
  return false;
}

bool names_somebody_gone(const std::vector<std::string>& errors) {
  return any_says(errors, "UnknownTaskExecutorException") ||
         any_says(errors, "No TaskExecutor registered under") ||
         any_says(errors, "FlinkJobNotFoundException");
}

/// A standby asks the one that leads. Where that is gone without a word, ZooKeeper or Kubernetes
/// has to notice first, up to a minute by Flink's defaults; then the election begins.
bool misses_its_leader(const std::vector<std::string>& errors) {
  return any_says(errors, "RecipientUnreachableException");
}

/// "org.apache.flink.runtime.rest.NotFoundException: Job … not found\n\tat …" → "Job … not found"
std::string first_line(const std::string& error) {
  std::string_view line = std::string_view(error).substr(0, error.find('\n'));
  const std::size_t colon = line.find(": ");
  const bool has_class = colon != std::string_view::npos &&
                         line.substr(0, colon).find(' ') == std::string_view::npos &&
                         line.substr(0, colon).find('.') != std::string_view::npos;
  if (has_class) line.remove_prefix(colon + 2);
  return printable(line);
}

}  // namespace

Error classify_failure(int status, std::string_view body) {
  const std::string number = "HTTP " + std::to_string(status);
  const std::vector<std::string> errors = errors_in(body);
  if (errors.empty()) {
    if (status >= 502 && status <= 504) {
      return {ErrorCode::http_status, number + " from something before Flink, such as a proxy"};
    }
    return {ErrorCode::not_flink, number + " in a form that is not Flink's"};
  }
  const std::string text = number + ": " + first_line(errors.front());
  if (status == 503 && any_says(errors, "leader election")) {
    return {ErrorCode::leader_election, text};
  }
  if (status == 500 && misses_its_leader(errors)) {
    return {ErrorCode::leader_election,
            number + ": a standby, which cannot reach the JobManager that leads"};
  }
  if (status == 404 || (status == 500 && names_somebody_gone(errors))) {
    return {ErrorCode::gone, text};
  }
  return {ErrorCode::http_status, text};
}

bool says_checkpointing_off(std::string_view body) {
  return any_says(errors_in(body), "Checkpointing has not been enabled");
}

}  // namespace doctor::rest
