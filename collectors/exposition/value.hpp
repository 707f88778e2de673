// A sample's value, as an exact IEEE double.
#pragma once

#include <optional>
#include <string_view>

namespace doctor::exposition {

/// As the format writes it: decimal, "NaN", "+Inf", "-Inf". No hex, no '_'; what a double cannot
/// hold ("1e400") is refused rather than rounded to infinity or zero. Correctly rounded. Nothing
/// for whatever else.
std::optional<double> parse_value(std::string_view text);

}  // namespace doctor::exposition
