// Scenario text → cases. Every line that cannot be read is an error with its line number; the rest
// is still read, so that one run shows all of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/scenarios/scenario.hpp"

namespace doctor::scenario {

struct Parsed {
  std::vector<Case> cases;
  std::vector<std::string> errors;  // "file:line: what is wrong"
};

Parsed parse(std::string_view text, const std::string& file);

}  // namespace doctor::scenario
