// What a recording of a real cluster holds, for the history and beside it: rows as the history's
// own writer would have made them, and each series by itself.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/history/history_row.hpp"
#include "model/result.hpp"

namespace doctor::bench {

/// Present values only, oldest first; one at least.
struct RecordedSeries {
  std::vector<TimestampMs> times;
  std::vector<double> values;
};

struct Recorded {
  std::vector<HistoryRow> rows;                  // by seq
  std::map<std::string, RecordedSeries> series;  // by "source name", as the history's columns are

  double samples() const;
};

/// All scrapes of the recording at `path` and in the files before it.
Result<Recorded> read_recorded(const std::string& path);

}  // namespace doctor::bench
