#include "collectors/yarn/applications.hpp"

#include <algorithm>

#include "collectors/rest/json.hpp"
#include "model/text.hpp"

namespace doctor::yarn {
namespace {

constexpr std::uint16_t kProxyPort = 8088;
constexpr std::size_t kNamesShown = 10;

Application application_of(const rest::Node& row, const Limits& limits) {
  Application application;
  application.id = printable(row["id"].text(), limits.name_bytes_max);
  application.name = printable(row["name"].text(), limits.name_bytes_max);
  application.tracking_url = row["trackingUrl"].text_if().value_or("");
  application.started = row["startedTime"].integer_if().value_or(0);
  return application;
}

Error none_of(const std::vector<Application>& running, const std::string& wanted) {
  std::string names;
  for (std::size_t i = 0; i < running.size() && i < kNamesShown; ++i) {
    names += (names.empty() ? "" : ", ") + running[i].name + " (" + running[i].id + ")";
  }
  return {ErrorCode::gone, "YARN runs no Flink application \"" + printable(wanted) + "\"" +
                               (names.empty() ? ", and no other" : "; it runs " + names)};
}

}  // namespace

Result<std::vector<Application>> parse_applications(std::string_view body, const Limits& limits) {
  const Result<rest::Json> json = rest::load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const rest::Node root(*json, fault);
  const rest::Node apps = root["apps"];
  if (!root.is_object() || (!apps.is_none() && !apps.is_object())) {
    return Error{ErrorCode::malformed, "is no list of applications of a YARN ResourceManager"};
  }
  std::vector<Application> running;
  if (apps.is_none() || apps["app"].is_none()) return running;
  apps["app"].for_each(limits.targets_per_spec_max, [&](const rest::Node& row) {
    if (!fault) running.push_back(application_of(row, limits));
  });
  if (fault) return *fault;
  return running;
}

Result<Endpoint> job_manager_of(const std::vector<Application>& running,
                                const std::string& wanted) {
  const Application* found = nullptr;
  for (const Application& application : running) {
    if (application.id != wanted && application.name != wanted) continue;
    if (found == nullptr || application.started > found->started) found = &application;
  }
  if (found == nullptr) return none_of(running, wanted);
  std::string url = found->tracking_url;
  if (url.empty() || url == "UNASSIGNED") {
    return Error{ErrorCode::gone, "the JobManager of " + found->name + " (" + found->id +
                                      ") has not registered with YARN yet"};
  }
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  // A fragment or a query has no place before a path.
  url.resize(std::min(url.find_first_of("?#"), url.size()));
  Result<Endpoint> endpoint = parse_url(url, kProxyPort);
  if (!endpoint) {
    return Error{ErrorCode::malformed,
                 "the tracking URL of " + found->id + ": " + endpoint.error().message};
  }
  return endpoint;
}

}  // namespace doctor::yarn
