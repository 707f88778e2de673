// Names as the Prometheus reporter writes them: what its filter does not keep becomes '_'
// (flink-metrics-prometheus, PrometheusReporter.java). REST keeps them as they are.
#pragma once

#include <algorithm>
#include <string_view>

namespace doctor {

constexpr char reporter_filtered(char c) {
  const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == ':' || c == '_';
  return kept ? c : '_';
}

/// Whether REST's `name` is the one that the reporter writes as `filtered`; takes no memory.
constexpr bool is_filtered_to(std::string_view name, std::string_view filtered) {
  return std::equal(name.begin(), name.end(), filtered.begin(), filtered.end(),
                    [](char raw, char kept) { return reporter_filtered(raw) == kept; });
}

}  // namespace doctor
