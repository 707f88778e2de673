// Applications on YARN, as a ResourceManager lists them:
//   GET /ws/v1/cluster/apps?applicationTypes=Apache%20Flink&states=RUNNING
// (Hadoop 2.6 … 3.4, ResourceManagerRest.md). Flink registers its REST address as tracking URL;
// what the list shows is that address, or the ResourceManager's own proxy before it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/http.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor::yarn {

/// The one request that is made.
inline constexpr std::string_view kApplicationsTarget =
    "/ws/v1/cluster/apps?applicationTypes=Apache%20Flink&states=RUNNING";

struct Application {
  std::string id, name;
  std::string tracking_url;  // empty or "UNASSIGNED" until the application master has registered
  TimestampMs started{};
};

/// ErrorCode::malformed for JSON of something else.
Result<std::vector<Application>> parse_applications(std::string_view body, const Limits& limits);

/// Where the JobManager of the application with this id or name is reached; the newest of several.
/// ErrorCode::gone, with the names of those that run, when there is none.
Result<Endpoint> job_manager_of(const std::vector<Application>& running, const std::string& wanted);

}  // namespace doctor::yarn
