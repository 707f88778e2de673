// What to ask a store for: selectors of PromQL, and the request's target.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/metric.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor::query_range {

/// Which of the store's series are one cluster's.
struct Matcher {
  std::string label;
  std::string_view op{"="};  // =, !=, =~ or !~; always one of these literals
  std::string value;

  bool operator==(const Matcher&) const = default;
};

/// "cluster=orders", "namespace=~flink-.*"
Result<Matcher> parse_matcher(std::string_view text);
/// As in a map of a configuration file: the value "orders", or "=~flink-.*".
Result<Matcher> parse_matcher(std::string_view label, std::string_view value);

/// Selectors that together take what reporters and probes tell of `metrics`, none much longer than
/// `bytes_wanted`.
std::vector<std::string> selectors(std::span<const Metric> metrics,
                                   std::span<const Matcher> matchers, std::size_t bytes_wanted);

/// "/api/v1/query_range?…" from `from` until `to`, both included.
std::string range_target(std::string_view selector, TimestampMs from, TimestampMs to,
                         DurationMs step);

}  // namespace doctor::query_range
