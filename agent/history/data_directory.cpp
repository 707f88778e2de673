#include "agent/history/data_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

namespace doctor {
namespace {

namespace fs = std::filesystem;

constexpr int kNamesMax = 1000;

Error io_error(const std::string& what, const std::string& why) {
  return Error{ErrorCode::io, what + ": " + why};
}

std::string advice(const std::string& directory) {
  return "; give a writable directory with --data-dir, or none to keep nothing (" + directory + ")";
}

/// Of the directory that `path` is in, oldest first.
std::vector<fs::path> corrupt_files(const fs::path& path) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_main = name.find(".corrupt") != std::string::npos && !name.ends_with("-wal") &&
                         !name.ends_with("-shm");
    if (is_main) found.emplace_back(entry.last_write_time(ignored), entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  paths.reserve(found.size());
  for (auto& [when, file] : found) paths.push_back(std::move(file));
  return paths;
}

}  // namespace

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

Status DataDirectory::acquire() {
  const std::scoped_lock lock(mutex_);
  if (lock_ >= 0) return Done{};
  std::error_code fault;
  fs::create_directories(path_, fault);
  if (fault) return io_error("cannot create " + path_, fault.message() + advice(path_));
  const int descriptor =
      ::open(file("lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return io_error("cannot write in " + path_, std::strerror(errno) + advice(path_));
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return Error{ErrorCode::invalid_argument,
                 "another flink-doctor uses " + path_ +
                     "; stop it, or give this one a --data-dir of its own"};
  }
  lock_ = descriptor;
  return Done{};
}

void DataDirectory::hold_reserve() const {
  const std::string path = file("reserve");
  std::error_code fault;
  if (fs::exists(fs::symlink_status(path, fault))) return;
  const int descriptor =
      ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return;
  const bool is_held = ::fallocate(descriptor, 0, 0, kReserveBytes) == 0;
  ::close(descriptor);
  if (!is_held) ::unlink(path.c_str());
}

bool DataDirectory::release_reserve() const { return ::unlink(file("reserve").c_str()) == 0; }

Status put_aside(const std::string& path) {
  std::error_code fault;
  if (!fs::exists(fs::symlink_status(path, fault))) return Done{};
  std::vector<fs::path> before = corrupt_files(path);
  while (before.size() >= kCorruptMax) {
    remove_database(before.front());
    before.erase(before.begin());
  }
  std::string aside = path + ".corrupt";
  for (int number = 1; fs::exists(aside) && number < kNamesMax; ++number) {
    aside = path + ".corrupt." + std::to_string(number);
  }
  fs::rename(path, aside, fault);
  if (fault) return io_error("cannot rename " + path, fault.message());
  std::error_code ignored;
  fs::rename(path + "-wal", aside + "-wal", ignored);
  fs::remove(path + "-shm", ignored);
  return Done{};
}

void remove_database(const std::string& path) {
  std::error_code ignored;
  // First what would be of no use without the rest.
  for (const char* part : {"", "-wal", "-shm", "-journal"}) fs::remove(path + part, ignored);
}

Status sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return io_error("cannot open " + path, std::strerror(errno));
  const bool well = ::fsync(descriptor) == 0;
  const std::string why = well ? "" : std::strerror(errno);
  ::close(descriptor);
  if (!well) return io_error("cannot sync " + path, why);
  return Done{};
}

}  // namespace doctor
