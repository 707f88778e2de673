// HistoryQuery: reads what the history keeps, beside the process that writes it. Read-only and
// bounded: an answer that would be larger says so.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

struct HistoryQuestion {
  std::string metric;   // canonical name, see `flink-doctor metrics`
  std::string cluster;  // empty: all
  std::string entity;   // a part of its path, such as "process=tm-1"; empty: all
  TimestampMs from{}, to{};
  std::size_t points_max{100'000};
};

struct HistoryRange {
  double least{}, most{}, mean{};
};

struct HistoryPoint {
  TimestampMs at{};                   // of a bin its begin
  double value{};                     // of a bin the last
  std::optional<HistoryRange> range;  // of a bin of a gauge
  bool is_bin{false};                 // of five minutes
};

struct HistorySeries {
  std::string cluster, metric, entity;
  std::vector<HistoryPoint> points;  // in order of time
};

struct HistoryAnswer {
  std::vector<HistorySeries> series;  // in order of cluster and entity
  bool is_cut{false};                 // there is more than points_max
  std::vector<std::string> problems;  // files that could not be read, one line each
};

/// invalid_argument: the directory has no history. Files that cannot be read are no failure.
Result<HistoryAnswer> query_history(const std::string& directory, const HistoryQuestion& question);

}  // namespace doctor
