// All detectors, in the order in which they are judged and printed.
#pragma once

#include <span>
#include <string_view>

#include "model/detector.hpp"

namespace doctor {

std::span<const Detector* const> all_detectors();
const Detector* find_detector(std::string_view name);
/// The runbook page, as built into the program; empty when there is no such detector.
std::string_view runbook(std::string_view detector);

}  // namespace doctor
