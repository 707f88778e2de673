// Drawn values: reads the expression of a `series` line and says its value at a sample.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/scenarios/scenario.hpp"
#include "tests/scenarios/words.hpp"

namespace doctor::scenario {

/// Takes every word that is left in `words`.
Expression parse_expression(Words& words, DurationMs every);

/// What an expression may depend on besides the sample's number.
struct Moment {
  std::uint64_t sample{};  // since the case began
  DurationMs at{};
  std::uint64_t submits{};  // until now
  std::uint64_t restarts{};
  std::uint64_t series{};  // tells series apart, so that their noise differs
};

/// Empty: no sample then.
std::optional<double> value_at(const Expression& expression, const Moment& moment);

/// In [-1, 1], the same for the same arguments.
double noise(std::uint64_t series, std::uint64_t sample);

}  // namespace doctor::scenario
