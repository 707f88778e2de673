// The one seam to the machine: whatever the probe reads of /proc, /sys and Flink's directories goes
// through it. Read-only by construction. The real one lives in agent/host; tests put fixture trees
// and blocking fakes here.
//
// Errors: refused = no permission, gone = not there (any more), timeout = it hangs, too_large =
// past the cap, malformed = not what was promised, io = everything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor::host {

/// A path as some process sees it. `root` is the directory that is its "/", such as /proc/7/root;
/// empty for our own. No symbolic link below leads out of `root`.
struct Place {
  std::string path;
  std::string root{};

  Place operator/(std::string_view name) const;
  std::string text() const { return root + path; }
};

struct FileInfo {
  bool directory{};
  std::uint64_t size_bytes{};
  TimestampMs modified{};
};

/// The file system that holds a directory (statvfs(3)), in bytes and inodes. `available` is what a
/// process without privileges can still take. File systems without inodes say 0 of 0.
struct Space {
  std::uint64_t size_bytes{};
  std::uint64_t available_bytes{};
  std::uint64_t inodes{};
  std::uint64_t inodes_free{};
  double latency_seconds{};  // of opening the directory, reading its first entry and statvfs
};

class HostFiles {
 public:
  virtual ~HostFiles() = default;
  /// The whole file; too_large when it has more than `bytes_max`.
  virtual Result<std::string> read(const Place& place, std::size_t bytes_max) = 0;
  /// Its first bytes, however long it is.
  virtual Result<std::string> head(const Place& place, std::size_t bytes_max) = 0;
  /// Names in a directory, sorted, without "." and ".."; too_large when there are more.
  virtual Result<std::vector<std::string>> list(const Place& place, std::size_t names_max) = 0;
  /// How many there are, without their names; too_large past `entries_max`.
  virtual Result<std::uint64_t> count(const Place& place, std::uint64_t entries_max) = 0;
  /// What a symbolic link says.
  virtual Result<std::string> link(const Place& place) = 0;
  virtual Result<FileInfo> info(const Place& place) = 0;
  virtual Result<Space> space(const Place& place) = 0;
};

/// Why something could not be read, as a metric label: denied, missing, stalled, too_large,
/// malformed, io.
std::string_view unreadable_reason(ErrorCode code);

}  // namespace doctor::host
