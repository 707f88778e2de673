// Real JVMs (traces/README.md), played as one TaskManager of a session cluster. Unlike all other
// families nobody drew them.
#pragma once

#include <string>

#include "model/result.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {

/// Reads every trace of a directory; how many there are.
Result<std::size_t> load_traces(const std::string& directory);

/// Seed N plays the N-th trace; to be played after load_traces.
extern const Family kTraceFamily;

}  // namespace doctor::detection
