// A sample's value, as an exact IEEE double.
#pragma once

#include <optional>
#include <string_view>

namespace doctor::exposition {

/// What Prometheus takes: decimal, "NaN", "Inf" and "Infinity" in any case, the latter two with a
/// sign. No hex, no '_'. Correctly rounded, to zero too; what would become infinite ("1e400") is
/// refused. Nothing for whatever else.
std::optional<double> parse_value(std::string_view text);

}  // namespace doctor::exposition
