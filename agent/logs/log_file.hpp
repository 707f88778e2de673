// LogFile: a regular file, open for reading; the only place where following logs calls the system.
// Nothing is ever written, locked or created.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "model/result.hpp"

namespace doctor {

/// Stays the same when a file is renamed, differs for another file of the same name while either
/// is held open.
struct FileIdentity {
  std::uint64_t device{}, inode{};
  bool operator==(const FileIdentity&) const = default;
};

/// What a path names now, links followed. ErrorCode::gone: nothing.
Result<FileIdentity> identify(const std::string& path);

class LogFile {
 public:
  /// Never waits for a writer, as a pipe would make one do: what is not a regular file is refused.
  static Result<LogFile> open(const std::string& path);

  LogFile(LogFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), identity_(other.identity_) {}
  LogFile& operator=(LogFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(identity_, other.identity_);
    return *this;
  }
  ~LogFile();

  FileIdentity identity() const { return identity_; }
  Result<std::uint64_t> size() const;
  /// How many bytes were there; 0 at the end.
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const;

 private:
  LogFile(int descriptor, FileIdentity identity) : descriptor_(descriptor), identity_(identity) {}

  int descriptor_;
  FileIdentity identity_;
};

}  // namespace doctor
