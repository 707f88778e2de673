#include "agent/discovery/yarn.hpp"

#include <algorithm>
#include <optional>

#include "collectors/yarn/applications.hpp"

namespace doctor {
namespace {

boost::asio::awaitable<Result<Endpoint>> ask(Http& http, Endpoint resource_manager,
                                             const std::string& application, const Limits& limits) {
  const std::string address = resource_manager.url();
  HttpRequest request;
  request.endpoint = std::move(resource_manager);
  request.target = yarn::kApplicationsTarget;
  request.accept_gzip = true;
  const HttpCaps caps{limits.rest_body_bytes_max, limits.rest_body_bytes_max,
                      limits.rest_deadline_ms};
  StringSink body;
  const Result<HttpReply> reply = co_await http.exchange(std::move(request), body, caps);
  if (!reply.ok()) {
    co_return Error{reply.error().code, "YARN at " + address + ": " + reply.error().message};
  }
  if (reply->status != 200) {
    co_return Error{ErrorCode::http_status,
                    "YARN at " + address + " answers HTTP " + std::to_string(reply->status)};
  }
  const auto running = yarn::parse_applications(body.text, limits);
  if (!running.ok()) {
    co_return Error{running.error().code, "YARN at " + address + ": " + running.error().message};
  }
  co_return yarn::job_manager_of(*running, application);
}

}  // namespace

boost::asio::awaitable<Result<Endpoint>> find_job_manager(Http& http, const YarnConfig& config,
                                                          const Limits& limits) {
  std::optional<Error> failure;
  for (const Endpoint& resource_manager : config.resource_managers) {
    Result<Endpoint> found = co_await ask(http, resource_manager, config.application, limits);
    if (found.ok()) {
      const bool proxied =
          std::any_of(config.resource_managers.begin(), config.resource_managers.end(),
                      [&](const Endpoint& e) { return e.host == found->host; });
      if (proxied) found->access = config.access;
      co_return found;
    }
    if (found.error().code == ErrorCode::cancelled) co_return found;
    // "It does not run" says more than a standby that refuses.
    if (!failure || found.error().code == ErrorCode::gone) failure = found.error();
  }
  co_return failure.value_or(Error{ErrorCode::invalid_argument, "no ResourceManager is given"});
}

}  // namespace doctor
