// The JobManager of a Flink application on YARN: whichever ResourceManager answers says where it
// is.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "collectors/http.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor {

struct YarnConfig {
  std::vector<Endpoint> resource_managers;  // active and standby, in any order
  std::string application;                  // its id or its name
  std::shared_ptr<const HttpAccess> access;
};

/// Asks the ResourceManagers in turn: a standby one redirects or refuses. The endpoint has the
/// ResourceManagers' access when they are its proxy, so that no other host is shown their
/// credentials; else none. The error is that of the ResourceManager that came furthest.
boost::asio::awaitable<Result<Endpoint>> find_job_manager(Http& http, const YarnConfig& config,
                                                          const Limits& limits);

}  // namespace doctor
