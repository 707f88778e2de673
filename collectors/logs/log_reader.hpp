// LogReader: reads one log file, window by window, and counts the known texts in it. A stack trace
// belongs to the entry before it, and an entry counts a text once however often it repeats it.
#pragma once

#include <memory>
#include <string_view>

#include "collectors/logs/line_splitter.hpp"
#include "collectors/logs/log_counts.hpp"
#include "collectors/logs/patterns.hpp"
#include "model/limits.hpp"

namespace doctor {

class LogReader {
 public:
  /// `path` tells the process, its last part names the file in events.
  LogReader(std::string_view path, const Limits& limits);
  LogReader(const LogReader&) = delete;  // the splitter knows where this lives
  LogReader& operator=(const LogReader&) = delete;

  void feed(std::string_view window, TimestampMs now);
  /// The file is over: a last line without newline counts too.
  void finish(TimestampMs now);
  /// There is a gap before the next window.
  void skip_line();

  LogCounts& counts() { return counts_; }
  LogProcess process() const { return process_; }
  const LineSplitter::Stats& stats() const { return splitter_.stats(); }

 private:
  void line(std::string_view text);
  bool begins_entry(std::string_view text);

  std::shared_ptr<const LogMatcher> matcher_{LogMatcher::shared()};
  LogProcess process_;
  LogCounts counts_;
  LineSplitter splitter_;
  TimestampMs now_{0};     // of the window that is being read
  LogMatches counted_;     // by the entry that is being read
  bool has_heads_{false};  // entries of this file begin with a time or a level
};

}  // namespace doctor
