// LogFollower: follows the files that one glob names. Blocks in the file system, so it belongs to a
// thread that may be abandoned (log_watch.hpp); no other thread touches it. Remembers nothing on
// disk.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/logs/file_tail.hpp"
#include "agent/logs/glob.hpp"
#include "model/limits.hpp"
#include "model/log.hpp"
#include "model/result.hpp"
#include "model/source.hpp"

namespace doctor {

/// What one round found. A value: it crosses to the loop.
struct LogRound {
  std::vector<LogEvent> events;
  LogReading reading;          // totals since the start
  std::uint64_t bytes{};       // read since the start
  std::optional<Error> fault;  // something could not be read
};

class LogFollower {
 public:
  LogFollower(std::string glob, const Limits& limits);

  LogRound round(TimestampMs now);

 private:
  void list(TimestampMs now, LogRound& round);
  void add(FileTail::Outcome outcome, LogRound& round);
  std::size_t budget() const;  // of one file in one round

  std::string glob_;
  Limits limits_;
  std::map<std::string, FileTail> tails_;  // by path
  std::set<std::string> listed_;           // all that matched at the last listing
  std::optional<TimestampMs> listed_at_;
  std::optional<Error> listing_fault_;
  LogReading reading_;
  std::uint64_t bytes_{0};
};

}  // namespace doctor
