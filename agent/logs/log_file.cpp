#include "agent/logs/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "model/text.hpp"

namespace doctor {
namespace {

Error failure(int number, const std::string& what) {
  const bool gone = number == ENOENT || number == ENOTDIR;
  return {gone ? ErrorCode::gone : ErrorCode::io,
          printable(what, 400) + ": " + std::generic_category().message(number)};
}

FileIdentity identity_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
}

}  // namespace

Result<FileIdentity> identify(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return failure(errno, path);
  return identity_of(status);
}

Result<LogFile> LogFile::open(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return failure(errno, path);
  // Asked before opening, since opening a device may have effects; and after, since paths change.
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::malformed, printable(path, 400) + " is not a regular file"};
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return failure(errno, path);
  LogFile file(descriptor, {});
  if (::fstat(descriptor, &status) != 0) return failure(errno, path);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::malformed, printable(path, 400) + " is not a regular file"};
  }
  file.identity_ = identity_of(status);
  return file;
}

LogFile::~LogFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::uint64_t> LogFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return failure(errno, "an open log file");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> LogFile::read(std::uint64_t offset, std::span<char> into) const {
  for (;;) {
    const ssize_t count =
        ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return failure(errno, "an open log file");
  }
}

}  // namespace doctor
