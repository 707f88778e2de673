// What a judge has learned, as it is kept over a restart of the agent and stands at the head of a
// recording.
#pragma once

#include <string>
#include <vector>

#include "agent/judge.hpp"
#include "agent/recording/record.hpp"

namespace doctor {

Memory remember(const Judge& judge, ClusterIndex cluster, TimestampMs at);

/// Before the first item. Gives what could not be used, one line each; the rest is restored.
std::vector<std::string> recall(const Memory& memory, Judge& judge);

}  // namespace doctor
