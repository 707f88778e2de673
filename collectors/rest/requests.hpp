// What we may ask a JobManager: the allow-list is the only way out.
#pragma once

#include "collectors/http.hpp"

namespace doctor::rest {

/// GET without a body, and a path of the list: nothing that changes the cluster, stops it (thread
/// dumps, flame graphs) or serves files.
bool is_allowed(const HttpRequest& request);

}  // namespace doctor::rest
