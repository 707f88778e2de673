// A source: one place that answers, and how it is doing. Collectors fill it in; the report, the
// metrics page and the detectors read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "model/batch.hpp"
#include "model/entity.hpp"
#include "model/line_fault.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

enum class SourceKind { rest, reporter, probe, containers, logs, kubernetes };
std::string_view to_string(SourceKind kind);

/// What following log files has read, since the start; gone over without a gap unless skipped.
struct LogReading {
  std::size_t files{};            // followed now
  std::size_t files_left_out{};   // matched, beyond the cap; the longest untouched ones
  std::uint64_t lines{};          // searched
  std::uint64_t lines_cut{};      // of these, longer than the cap: only the beginning was searched
  std::uint64_t bytes_skipped{};  // not read, since a file grew faster than the budget
  std::set<std::string> processes;  // of the files, as in LogEvent
};

struct SourceHealth {
  SourceId id{};
  SourceKind kind{};
  std::string address;          // host:port; for logs the glob
  EntityId process{kNoEntity};  // the process behind a reporter, told by content
  bool up{false};
  bool ever_up{false};
  bool retired{false};  // not a source any more: forget it
  TimestampMs since{};  // of the present up or down
  std::optional<TimestampMs> last_success;
  std::optional<Error> last_error;
  std::map<ErrorCode, std::uint64_t> errors;
  std::uint64_t exchanges{};
  std::uint64_t bytes{};
  DurationMs busy_ms{};          // total time spent in exchanges
  std::uint64_t samples_kept{};  // in the last scrape
  std::uint64_t lines_malformed{};
  std::map<LineFault, std::uint64_t> line_faults{};  // the same by reason
  std::uint64_t series_dropped{};  // at a limit; again with each scrape that shows them
  std::uint64_t series_unseen{};   // of these in the last scrape
  std::uint64_t turns_skipped{};   // to be asked, since the one before still ran
  /// "jobmanager" or "taskmanager", told by content; empty while nothing told it.
  std::string role{};
  /// From one value of a series to its next, where a budget of calls decides; 0: as often as the
  /// source is asked.
  DurationMs pace_ms{};
  /// The same of the values of processes, which REST tells page by page: hundreds of TaskManagers
  /// have turns of minutes while jobs have their own.
  DurationMs process_pace_ms{};
  std::optional<LogReading> logs{};   // of SourceKind::logs
  std::optional<std::size_t> pods{};  // of a watch of pods: how many there are
};

}  // namespace doctor
