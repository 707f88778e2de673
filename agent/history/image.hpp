// Images: what the agent has learned, as text for the store, and back. Damaged or foreign text is
// an error and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "agent/history/features.hpp"
#include "agent/view.hpp"
#include "model/result.hpp"

namespace doctor {

/// Identity, state, start and content of findings that are pending, firing or just resolved.
std::string findings_image(const std::vector<ReportedFinding>& findings);
Result<std::vector<ReportedFinding>> parse_findings_image(const std::string& text);

/// What took long to learn and Flink will not tell again: checkpoints, faults, plateaus,
/// floors.
std::string features_image(const FeatureStore& features);
Status restore_features(const std::string& text, FeatureStore& features, TimestampMs now);

}  // namespace doctor
