// Kubernetes' quantities ("1728Mi", "1500m", "2e9"): a decimal number with a suffix.
#pragma once

#include <optional>
#include <string_view>

namespace doctor::kubernetes {

/// The double nearest to what is written: bytes or cores. Nothing for what is no quantity, and for
/// negative ones, which no limit is.
std::optional<double> parse_quantity(std::string_view text);

}  // namespace doctor::kubernetes
