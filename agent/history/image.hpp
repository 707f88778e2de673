// Images: what the agent has learned, as bytes for the store, and back. Damaged or foreign bytes
// are an error and change nothing.
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
/// The same unpacked, for recordings.
std::string features_text(const FeatureStore& features);
/// From either; text is also what an older agent kept.
Status restore_features(const std::string& image, FeatureStore& features, TimestampMs now);

}  // namespace doctor
