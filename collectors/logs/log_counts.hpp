// LogCounts: matches in one file, told as events: the first of a text at once, what follows it once
// a minute, with its count. Nothing counted is lost. No clock: times come by argument.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/logs/patterns.hpp"
#include "model/log.hpp"
#include "model/time.hpp"

namespace doctor {

class LogCounts {
 public:
  LogCounts(std::string file, LogProcess process, std::size_t line_bytes_max);

  /// `line` holds the texts `matches`.
  void add(const LogMatches& matches, std::string_view line, TimestampMs now);
  /// What may be told by now. `source` and `backlog` are the caller's to fill in.
  std::vector<LogEvent> due(TimestampMs now);
  /// All that was counted and not told.
  std::vector<LogEvent> rest();

 private:
  struct Count {
    LogEvent event;  // its count is 0 while there is nothing to tell
    TimestampMs told_at{0};
  };
  std::vector<LogEvent> take(bool all, TimestampMs now);

  std::string file_;
  LogProcess process_;
  std::size_t line_bytes_max_;
  std::map<std::size_t, Count> counts_;  // by index of the identifier's first row
};

}  // namespace doctor
