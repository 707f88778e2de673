#include "agent/net/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "agent/net/access.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Error cannot_read(const std::string& path, int number) {
  return {ErrorCode::io,
          "cannot read " + printable(path) + ": " + std::generic_category().message(number)};
}

struct OpenFile {
  explicit OpenFile(const std::string& path)
      // A FIFO or a device under that name must not hold us up.
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
  const int fd;
};

}  // namespace

std::optional<FileStamp> file_stamp(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return std::nullopt;
  return FileStamp{about.st_dev, about.st_ino, static_cast<std::uint64_t>(about.st_size),
                   nanoseconds(about.st_mtim), nanoseconds(about.st_ctim)};
}

Result<Secret> read_small_file(const std::string& path, std::size_t bytes_max) {
  const OpenFile file(path);
  if (file.fd < 0) return cannot_read(path, errno);
  struct stat about {};
  if (::fstat(file.fd, &about) != 0) return cannot_read(path, errno);
  if (!S_ISREG(about.st_mode)) {
    return Error{ErrorCode::io, "cannot read " + printable(path) + ": not a regular file"};
  }
  std::string text;
  for (;;) {
    char window[4096];
    const ssize_t count = ::read(file.fd, window, sizeof(window));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, errno);
    if (count == 0) return Secret(std::move(text));
    text.append(window, static_cast<std::size_t>(count));
    if (text.size() > bytes_max) {
      return Error{ErrorCode::too_large,
                   printable(path) + " is larger than " + std::to_string(bytes_max) + " bytes"};
    }
  }
}

Result<Secret> read_secret_line(const std::string& path, std::size_t bytes_max) {
  const Result<Secret> content = read_small_file(path, bytes_max);
  if (!content) return content.error();
  std::string_view line = content->reveal();
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return Error{ErrorCode::invalid_argument, printable(path) + " is empty"};
  if (!is_header_value(line)) {
    return Error{ErrorCode::invalid_argument,
                 printable(path) + " is not one line of visible ASCII characters"};
  }
  return Secret(std::string(line));
}

}  // namespace doctor
