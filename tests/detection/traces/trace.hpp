// What a real JVM showed under a workload whose fault is known, as record.py wrote it; see
// README.md here for the format.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/metric.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor::detection {

struct TraceColumn {
  Metric metric{};
  std::string collector;  // empty: of the process
  double factor{1};       // of what is written to the metric's unit
};

struct TraceRow {
  DurationMs at{};             // since the begin of the trace
  std::vector<double> values;  // by column; kAbsent where the JVM said -1
};

struct TraceEvent {
  DurationMs at{};
  bool submits{};  // or the job's end
  std::string job;
};

struct Trace {
  std::string name;
  std::string detector;  // that should speak; empty: nobody should
  DurationMs onset{};
  std::optional<DurationMs> died;  // of what leaked
  std::string culprit;             // job; empty: none to name
  double compression{1};           // ms of the trace per ms of the JVM
  std::vector<std::string> flags;  // of the JVM
  std::vector<TraceColumn> columns;
  std::vector<TraceRow> rows;  // in order of time, evenly apart
  std::vector<TraceEvent> events;
};

/// The text of a trace, not compressed. Errors name the line.
Result<Trace> parse_trace(std::string name, std::string_view text);

/// Every NAME.trace.gz of a directory, by name.
Result<std::vector<Trace>> read_traces(const std::string& directory);

}  // namespace doctor::detection
