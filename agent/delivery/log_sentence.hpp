// What following log files has seen, as one sentence of the report.
#pragma once

#include <string>

#include "agent/view.hpp"

namespace doctor {

/// "3 × blob fetch failed, last 12:03 UTC; 1 × disk full, written before the start; 2 files". Only
/// for a source of SourceKind::logs that is up.
std::string log_sentence(const ClusterView& cluster, const SourceHealth& source, TimestampMs now);

}  // namespace doctor
