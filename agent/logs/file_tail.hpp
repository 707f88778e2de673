// FileTail: follows one path through appending, renaming, truncating in place, deleting and
// creating anew. What cannot be read within the budget is skipped and counted, never lost silently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/logs/log_file.hpp"
#include "collectors/logs/log_reader.hpp"
#include "model/limits.hpp"
#include "model/log.hpp"
#include "model/result.hpp"

namespace doctor {

class FileTail {
 public:
  /// What was read in one round.
  struct Outcome {
    std::uint64_t bytes{}, bytes_skipped{}, lines{}, lines_cut{};
    std::vector<LogEvent> events;
    std::optional<Error> fault;
  };

  /// `is_old`: the file was there before the agent looked. Of it only the last
  /// log_first_bytes_max are read, as backlog; of others all.
  FileTail(std::string path, bool is_old, const Limits& limits);

  /// At most `budget` bytes of the file that is held, and as many of one that took its place.
  Outcome round(std::size_t budget, TimestampMs now);
  /// The path is not to be followed any more: reads what is left and lets go.
  Outcome end(std::size_t budget, TimestampMs now);

  bool is_open() const { return file_.has_value(); }
  LogProcess process() const { return reader_.process(); }

 private:
  void open(TimestampMs now, Outcome& outcome);
  void read_backlog(std::uint64_t size, TimestampMs now, Outcome& outcome);
  void let_go(std::size_t budget, TimestampMs now, Outcome& outcome);
  void restart(TimestampMs now);
  bool was_rewritten(std::uint64_t size, Outcome& outcome) const;
  void catch_up(std::size_t budget, std::uint64_t behind_max, TimestampMs now, Outcome& outcome);
  void read_until(std::uint64_t end, TimestampMs now, Outcome& outcome);
  void conclude(std::vector<LogEvent> events, Outcome& outcome);

  std::string path_;
  bool is_old_;
  Limits limits_;
  LogReader reader_;
  std::optional<LogFile> file_;
  std::uint64_t offset_{0};  // of the next byte to read
  std::string before_;       // the bytes before offset_; a truncated file has others there
  LineSplitter::Stats told_;
};

}  // namespace doctor
