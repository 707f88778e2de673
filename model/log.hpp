// Log texts: known texts seen in the log files of Flink's processes, as counts. Lines are read by
// the agent's clock; what a line says about its own time is left in its text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/batch.hpp"
#include "model/finding.hpp"
#include "model/time.hpp"

namespace doctor {

/// All matches of one text in one file since the event before: at most one a minute.
struct LogEvent {
  SourceId source{};
  std::string pattern;  // identifier of a row of collectors/logs/patterns.inc
  std::string process;  // "jobmanager", "taskmanager"; "unknown" when the path does not tell
  Severity severity{};
  std::uint64_t count{};
  TimestampMs first{}, last{};  // when the lines were read
  bool backlog{false};          // they were written before the agent looked, nobody knows when
  std::string file;             // its name without directories, printable
  std::string line;             // the first that matched, printable, shortened
};

/// What is known of one text of one source and process since the agent started.
struct LogTally {
  SourceId source{};
  std::string pattern;
  std::string process;
  Severity severity{};
  std::uint64_t count{};        // written while the agent watched
  std::uint64_t backlog{};      // written before
  TimestampMs first{}, last{};  // of those in `count`; 0 while there is none
  std::string file;             // of the newest event
  std::string line;
};

/// Folds events into tallies; bounded by the table of texts, and by a cap for what is not ours.
class LogTallies {
 public:
  void absorb(const LogEvent& event);
  std::span<const LogTally> all() const { return tallies_; }
  std::uint64_t dropped() const { return dropped_; }  // events beyond the cap

 private:
  std::vector<LogTally> tallies_;
  std::uint64_t dropped_{0};
};

}  // namespace doctor
