// Machines as plain files below tests/fixtures/host, and a HostFiles that spoils some of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "agent/host/disk_files.hpp"
#include "collectors/host/host_probe.hpp"

namespace doctor::test {

inline host::HostRoots machine(const std::string& name) {
  const std::string root = std::string(DOCTOR_SOURCE_DIR) + "/tests/fixtures/host/" + name;
  return {root + "/proc", root + "/sys"};
}

/// The disk, but paths that end in a given text fail or do not answer until release().
class SpoiledFiles final : public host::HostFiles {
 public:
  void fail(const std::string& suffix, ErrorCode code) { failures_[suffix] = code; }
  void hang(const std::string& suffix) {
    const std::scoped_lock lock(mutex_);
    hanging_ = suffix;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    hanging_.clear();
    released_.notify_all();
  }
  /// Reads that came to the disk below, the hanging ones included.
  int asked(const std::string& suffix) {
    const std::scoped_lock lock(mutex_);
    int times = 0;
    for (const auto& [path, count] : asked_) times += path.ends_with(suffix) ? count : 0;
    return times;
  }
  /// Waits until the answer to a formerly hanging read was given.
  bool wait_until_returned() {
    std::unique_lock lock(mutex_);
    return released_.wait_for(lock, std::chrono::seconds(10), [this] { return returned_; });
  }

  Result<std::string> read(const host::Place& place, std::size_t bytes_max) override {
    return spoiled<std::string>(place, [&] { return disk_.read(place, bytes_max); });
  }
  Result<std::string> head(const host::Place& place, std::size_t bytes_max) override {
    return spoiled<std::string>(place, [&] { return disk_.head(place, bytes_max); });
  }
  Result<std::vector<std::string>> list(const host::Place& place, std::size_t names_max) override {
    return spoiled<std::vector<std::string>>(place, [&] { return disk_.list(place, names_max); });
  }
  Result<std::uint64_t> count(const host::Place& place, std::uint64_t entries_max) override {
    return spoiled<std::uint64_t>(place, [&] { return disk_.count(place, entries_max); });
  }
  Result<std::string> link(const host::Place& place) override {
    return spoiled<std::string>(place, [&] { return disk_.link(place); });
  }
  Result<host::FileInfo> info(const host::Place& place) override {
    return spoiled<host::FileInfo>(place, [&] { return disk_.info(place); });
  }
  Result<host::Space> space(const host::Place& place) override {
    return spoiled<host::Space>(place, [&] { return disk_.space(place); });
  }

 private:
  template <class T>
  Result<T> spoiled(const host::Place& place, const std::function<Result<T>()>& real) {
    const std::string path = place.text();
    std::unique_lock lock(mutex_);
    ++asked_[path];
    if (!hanging_.empty() && path.ends_with(hanging_)) {
      released_.wait(lock, [this] { return hanging_.empty(); });
      returned_ = true;
      released_.notify_all();
    }
    lock.unlock();
    for (const auto& [suffix, code] : failures_) {
      if (path.ends_with(suffix)) return Error{code, "spoiled"};
    }
    return real();
  }

  DiskFiles disk_;
  std::map<std::string, ErrorCode> failures_;
  std::mutex mutex_;
  std::condition_variable released_;
  std::map<std::string, int> asked_;
  std::string hanging_;
  bool returned_{false};
};

}  // namespace doctor::test
