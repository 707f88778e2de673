// Archive: the history in its directory. Takes rows, commits them to the file of the day, seals and
// bins what has aged, drops the oldest, and copes with files that fail. No thread and no clock: the
// store thread calls it, and so do tests.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/history/day_file.hpp"
#include "agent/history/history_files.hpp"
#include "agent/history/rewrite.hpp"
#include "agent/history/settings.hpp"

namespace doctor {

class Archive {
 public:
  Archive(std::string directory, HistorySettings settings)
      : directory_(std::move(directory)), settings_(settings) {}
  ~Archive();

  /// Holds rows until commit() has them on disk. They follow in order of seq.
  void take(std::vector<HistoryRow> rows, TimestampMs now);
  bool has_room() const;

  /// Ok: whatever was taken survives the end of the process, and with `durable` a power loss.
  /// Otherwise it is still held; try again later.
  Status commit(TimestampMs now, bool durable);
  /// One step of sealing, binning or dropping. False: nothing is left to do now.
  Result<bool> maintain(TimestampMs now);

  std::uint64_t bytes() const { return bytes_; }      // on disk, at the last maintain()
  std::uint64_t damaged() const { return damaged_; }  // rows, chunks and files given up

 private:
  Status write(TimestampMs now, bool durable);
  Status open_file(TimestampMs now);
  Status end_file();
  void cope(const Error& fault);
  void give_up(const std::string& path, const Error& fault);
  void pack(HistoryRow row, TimestampMs now);
  Result<bool> seal_older(const HistoryFile& file, TimestampMs now);
  Result<bool> seal_and_bin(TimestampMs now);
  Result<bool> bin();
  bool drop(TimestampMs now);
  bool is_current(const HistoryFile& file) const { return file_ && file.path == file_->path(); }

  std::string directory_;
  HistorySettings settings_;
  std::unique_ptr<DayFile> file_;  // that is written
  TimestampMs day_{0};             // its
  std::deque<JournalRow> pending_;
  std::size_t pending_bytes_{0};
  std::vector<JournalRow> unsynced_;  // in the present file, but a power loss would take them
  std::map<std::int64_t, StoredSource> sources_;
  std::map<std::int64_t, TimestampMs> used_;  // sources, by when
  std::set<std::string> closed_;              // raw files that may not be written any more
  std::set<std::string> sealed_;              // raw files without a journal
  std::set<std::string> hopeless_;            // that are not touched any more
  std::unique_ptr<DayFile> sealing_;          // an older raw file
  std::unique_ptr<Rewrite> rewrite_;
  std::string rewriting_;  // raw file
  std::uint64_t bytes_{0};
  std::uint64_t damaged_{0};
};

}  // namespace doctor
