// What growth detectors say of a rising floor: the same numbers in the same order.
#pragma once

#include <string>
#include <vector>

#include "detectors/statistics/floor_growth.hpp"
#include "model/detector.hpp"

namespace doctor {

struct GrowthText {
  std::string subject;       // "The floor of used heap"
  std::string noun;          // "heap"
  std::string unit;          // "bytes" or "count"
  std::string limit_source;  // empty without a limit
};

/// "+31 MiB/h (26 MiB/h to 37 MiB/h)".
std::string rate_text(const Slope& slope_per_ms, const std::string& unit);

/// "1.21 GiB → 1.93 GiB in 1 d, +31 MiB/h (…), full in 2 d 20 h (…)".
std::string growth_summary(const FloorGrowth& growth, const GrowthText& text,
                           std::optional<double> limit);

Evidence growth_evidence(const FloorGrowth& growth, const GrowthText& text,
                         std::optional<double> limit, const MetricInfo& metric);

/// "14 h left; until then only what is nearly full is said".
std::string learning_text(DurationMs left_ms);
/// What fires goes on firing; what is ok is not known to be yet.
void learn(Verdict& verdict, std::string why);

}  // namespace doctor
