// HostFiles with patience: a dead NFS server or a stuck process may hold a read for ever, so every
// read is an errand of a thread that can be left behind. While one hangs, nothing at or below its
// path is asked again; there are never more than a few such threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "collectors/host/files.hpp"

namespace doctor {

class PatientFiles final : public host::HostFiles {
 public:
  static constexpr std::size_t kHangingMax = 16;
  static constexpr std::size_t kHangingDisksMax =
      12;  // below a process's root; /proc keeps the rest

  /// One thread at a time may call. `files` lives on while an errand hangs in it.
  explicit PatientFiles(std::shared_ptr<host::HostFiles> files, DurationMs patience_ms = kSecondMs);
  PatientFiles(const PatientFiles&) = delete;
  PatientFiles& operator=(const PatientFiles&) = delete;
  ~PatientFiles() override;  // does not wait for what hangs

  Result<std::string> read(const host::Place& place, std::size_t bytes_max) override;
  Result<std::string> head(const host::Place& place, std::size_t bytes_max) override;
  Result<std::vector<std::string>> list(const host::Place& place, std::size_t names_max) override;
  Result<std::uint64_t> count(const host::Place& place, std::uint64_t entries_max) override;
  Result<std::string> link(const host::Place& place) override;
  Result<host::FileInfo> info(const host::Place& place) override;
  Result<host::Space> space(const host::Place& place) override;

  /// Threads left behind that have not come back.
  std::size_t hanging();

 private:
  struct Bench;  // where the reading thread waits for its next errand
  struct Hanging {
    std::string path;
    std::function<bool()> is_over;
  };
  template <class T>
  Result<T> patiently(const host::Place& place, std::function<Result<T>(host::HostFiles&)> read);
  bool give(std::function<void()> errand);
  void leave_behind();

  std::shared_ptr<host::HostFiles> files_;
  DurationMs patience_ms_;
  std::shared_ptr<Bench> bench_;
  std::vector<Hanging> hanging_;
};

}  // namespace doctor
