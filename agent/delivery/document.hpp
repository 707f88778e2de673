// The findings document: one and the same for `check --format json` and /api/v1/findings. Members
// are only ever added; absent ones are left out; always valid JSON in valid UTF-8.
#pragma once

#include <string>

#include "agent/view.hpp"

namespace doctor {

inline constexpr int kDocumentVersion = 1;

/// Indented by two, ends with a newline, ordered as the View is.
std::string findings_document(const View& view);

/// Where the page that explains a detector is, from the root of the project.
std::string runbook_path(const std::string& detector);

}  // namespace doctor
