// One pod object of the API, v1. Shared by the parsers of lists and of watches; only they include
// this, since it needs nlohmann's header.
#pragma once

#include "collectors/rest/json.hpp"
#include "model/pod.hpp"

namespace doctor::kubernetes {

/// Faults are left where `pod` notes them.
PodFacts read_pod(const rest::Node& pod);

}  // namespace doctor::kubernetes
