#include "agent/host/disk_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

namespace doctor {
namespace {

using host::Place;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error failure(const Place& place, int number) {
  ErrorCode code = ErrorCode::io;
  if (number == EACCES || number == EPERM) code = ErrorCode::refused;
  if (number == ENOENT || number == ENOTDIR || number == ESRCH) code = ErrorCode::gone;
  if (number == ETIMEDOUT) code = ErrorCode::timeout;
  if (number == ELOOP || number == ENAMETOOLONG || number == EINVAL) code = ErrorCode::malformed;
  return {code, "cannot read " + place.text() + ": " + std::strerror(number)};
}

/// "/proc/7/root": does process 7 see the very files that we see?
bool sees_what_we_see(const std::string& root) {
  const std::string process = root.substr(0, root.rfind('/'));
  struct stat theirs {};
  struct stat ours {};
  const auto same = [&](const std::string& a, const char* b) {
    return ::stat(a.c_str(), &theirs) == 0 && ::stat(b, &ours) == 0 &&
           theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
  };
  return same(process + "/ns/mnt", "/proc/self/ns/mnt") && same(root, "/");
}

Result<Descriptor> open_below(const Place& place, int flags) {
  const Descriptor root(::open(place.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return failure(place, errno);
  const std::size_t begin = place.path.find_first_not_of('/');
  const std::string path = begin == std::string::npos ? "." : place.path.substr(begin);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags));
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how));
  if (fd >= 0) return Descriptor(static_cast<int>(fd));
  // Old kernels do not know the call, old sandboxes forbid what they do not know.
  const int why = errno;
  if ((why != ENOSYS && why != EPERM) || !sees_what_we_see(place.root)) return failure(place, why);
  Descriptor plain(::open(place.path.c_str(), flags));
  if (plain.get() < 0) return failure(place, errno);
  return plain;
}

Result<Descriptor> open_place(const Place& place, int flags) {
  flags |= O_CLOEXEC;
  if (!place.root.empty()) return open_below(place, flags);
  Descriptor fd(::open(place.path.c_str(), flags));
  if (fd.get() < 0) return failure(place, errno);
  return fd;
}

/// Only what cannot do anything when it is opened: no device, no pipe.
Result<Descriptor> open_file(const Place& place) {
  const Result<Descriptor> path = open_place(place, O_PATH);
  if (!path) return path.error();
  struct stat about {};
  if (::fstat(path->get(), &about) != 0) return failure(place, errno);
  if (!S_ISREG(about.st_mode)) return Error{ErrorCode::malformed, place.text() + " is no file"};
  const std::string again = "/proc/self/fd/" + std::to_string(path->get());
  Descriptor fd(::open(again.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd.get() < 0) return failure(place, errno);
  return fd;
}

using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

Result<Listing> open_listing(const Place& place) {
  Result<Descriptor> fd = open_place(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!fd) return fd.error();
  Listing listing(::fdopendir(fd->get()), ::closedir);
  if (!listing) return failure(place, errno);
  fd->release();
  return listing;
}

/// Calls `each` with every name until it says false.
template <class Each>
Status walk(const Place& place, Each each) {
  Result<Listing> listing = open_listing(place);
  if (!listing) return listing.error();
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(listing->get());
    if (entry == nullptr && errno != 0) return failure(place, errno);
    if (entry == nullptr) return Done{};
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (!each(name)) return Error{ErrorCode::too_large, place.text() + " has too many entries"};
  }
}

}  // namespace

Result<std::string> DiskFiles::head(const Place& place, std::size_t bytes_max) {
  const Result<Descriptor> fd = open_file(place);
  if (!fd) return fd.error();
  constexpr std::size_t kStep = 16U << 10U;
  std::string text;
  while (text.size() < bytes_max) {
    const std::size_t before = text.size();
    text.resize(std::min(bytes_max, before + kStep));
    ssize_t got = 0;
    do {
      got = ::read(fd->get(), text.data() + before, text.size() - before);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return failure(place, errno);
    text.resize(before + static_cast<std::size_t>(got));
    if (got == 0) break;
  }
  return text;
}

Result<std::string> DiskFiles::read(const Place& place, std::size_t bytes_max) {
  Result<std::string> text = head(place, bytes_max + 1);
  if (!text) return text;
  if (text->size() > bytes_max) {
    return Error{ErrorCode::too_large,
                 place.text() + " has more than " + std::to_string(bytes_max) + " bytes"};
  }
  return text;
}

Result<std::vector<std::string>> DiskFiles::list(const Place& place, std::size_t names_max) {
  std::vector<std::string> names;
  const Status ok = walk(place, [&](std::string_view name) {
    if (names.size() >= names_max) return false;
    names.emplace_back(name);
    return true;
  });
  if (!ok) return ok.error();
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::uint64_t> DiskFiles::count(const Place& place, std::uint64_t entries_max) {
  std::uint64_t entries = 0;
  const Status ok = walk(place, [&](std::string_view) { return ++entries <= entries_max; });
  if (!ok) return ok.error();
  return entries;
}

Result<std::string> DiskFiles::link(const Place& place) {
  const Result<Descriptor> fd = open_place(place, O_PATH | O_NOFOLLOW);
  if (!fd) return fd.error();
  std::string target(4096, '\0');
  const ssize_t got = ::readlinkat(fd->get(), "", target.data(), target.size());
  if (got < 0) return failure(place, errno);
  target.resize(static_cast<std::size_t>(got));
  return target;
}

Result<host::FileInfo> DiskFiles::info(const Place& place) {
  const Result<Descriptor> fd = open_place(place, O_PATH);
  if (!fd) return fd.error();
  struct stat about {};
  if (::fstat(fd->get(), &about) != 0) return failure(place, errno);
  return host::FileInfo{S_ISDIR(about.st_mode),
                        static_cast<std::uint64_t>(std::max<off_t>(about.st_size, 0)),
                        about.st_mtim.tv_sec * kSecondMs + about.st_mtim.tv_nsec / 1'000'000};
}

Result<host::Space> DiskFiles::space(const Place& place) {
  const auto began = std::chrono::steady_clock::now();
  const Result<Listing> listing = open_listing(place);
  if (!listing) return listing.error();
  errno = 0;
  const dirent* first = ::readdir(listing->get());
  if (first == nullptr && errno != 0) return failure(place, errno);
  struct statvfs about {};
  if (::fstatvfs(::dirfd(listing->get()), &about) != 0) return failure(place, errno);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const std::uint64_t block = about.f_frsize;
  return host::Space{about.f_blocks * block, about.f_bavail * block, about.f_files, about.f_ffree,
                     took.count()};
}

}  // namespace doctor
