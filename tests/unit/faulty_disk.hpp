// A disk that fails on demand: stands between SQLite, and whoever renames, and the file system
// while it lives. Knows what was synced, so that it can also lose power.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace doctor {

class FaultyDisk {
 public:
  enum class Fault { none, write, full, short_write, sync, open, read, rename };

  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// The `nth` operation of that kind from now on fails, once, or for good.
  void fail(Fault kind, int nth, bool for_good = false);
  /// From the `nth` operation that changes a file on, none does: the process has been killed there.
  void die_at(int nth);
  /// Whether what was asked for has come to pass.
  bool has_struck() const { return struck_; }
  void heal();
  /// After all is closed: files hold what was synced, and of the rest what `seed` says.
  void lose_power(unsigned seed);

  // For the shim.
  struct Write {
    sqlite3_int64 offset;
    std::string bytes;
    bool truncates;
  };
  struct Tracked {
    std::string synced;
    std::vector<Write> pending;
  };
  /// SQLITE_OK, or the error to answer; Fault::none is any other change.
  int admit(Fault kind);
  void opened(const std::string& path);
  void wrote(const std::string& path, Write write);
  void synced(const std::string& path);
  void deleted(const std::string& path);
  void renamed(const std::string& from, const std::string& to);
  sqlite3_vfs* real() const { return real_; }

 private:
  mutable std::mutex mutex_;
  sqlite3_vfs* real_;
  sqlite3_vfs shim_{};
  Fault kind_{Fault::none};
  int countdown_{0};
  bool for_good_{false};
  int life_{0};  // changes left; 0: no limit
  bool dead_{false};
  bool struck_{false};
  std::map<std::string, Tracked> files_;
};

}  // namespace doctor
