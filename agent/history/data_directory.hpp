// The data directory: one process at a time, and a place for what cannot be read.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "model/result.hpp"

namespace doctor {

class DataDirectory {
 public:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  /// Makes it when it is missing, and keeps other processes out from then on. invalid_argument: one
  /// is in already; io: the disk or its rights, which may pass.
  Status acquire();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// Keeps room on the disk, where there is some, for the last state when it is full.
  void hold_reserve() const;
  /// Gives that room to whoever writes next. False: there is none.
  bool release_reserve() const;

 private:
  std::string path_;
  std::mutex mutex_;
  int lock_{-1};
};

/// What is written at once when the disk is full: an image, twice, since its journal comes first.
inline constexpr std::int64_t kReserveBytes = 8 << 20;

/// How many *.corrupt files stay, the newest ones.
inline constexpr std::size_t kCorruptMax = 4;

/// Renames a database that is of no use to *.corrupt, with what SQLite keeps beside it.
Status put_aside(const std::string& path);
/// Removes a database and what SQLite keeps beside it.
void remove_database(const std::string& path);
/// Makes renames in it survive a power loss.
Status sync_directory(const std::string& path);

}  // namespace doctor
