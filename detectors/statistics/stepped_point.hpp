// A stair of metaspace: its level between two submissions, and what belongs to it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/time.hpp"

namespace doctor {

struct SteppedPoint {
  TimestampMs from{};
  int events{0};           // submissions that began it
  int alive{0};            // jobs submitted within the series that still ran when it began
  bool first_time{false};  // holds the first submission of a job name: loads more than later ones
  double last{};           // bytes
  double min{};            // bytes
  std::optional<double> loaded, unloaded;  // classes, cumulative
  double collections{0};                   // that take every dead class, cumulative
  double cycles{0};                        // that take those of tenured loaders, cumulative
  /// Cumulative; nothing where there is no young generation, 0 where nobody counts.
  std::optional<double> young_collections;
  /// Jobs submitted, as far as known (texts that outlive this) …
  std::vector<std::string_view> names;
  std::vector<TimestampMs> ends;  // … and when each ended; far away while it lives
};

}  // namespace doctor
