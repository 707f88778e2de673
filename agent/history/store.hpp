// The store: images that must survive a restart, written by a thread of its own. The newest image
// per key wins, so the queue is bounded by the number of keys. A store that fails never stops the
// agent: it goes on in memory, says so, and tries again.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/history/data_directory.hpp"
#include "agent/history/state_file.hpp"
#include "model/result.hpp"

namespace doctor {

class Store {
 public:
  /// Fails when it may not be used: another process has it, or a newer version wrote it. Disk
  /// trouble is no reason to fail, see state(). A damaged database is put aside as *.corrupt and
  /// counted; an older one is upgraded.
  static Result<std::unique_ptr<Store>> open(std::shared_ptr<DataDirectory> directory);
  ~Store();  // writes what is queued, then joins
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// What was there when it was opened. Once.
  Images load() { return std::move(found_); }
  /// Queues an image; committed within a second. An empty one removes it.
  void save(const std::string& key, Image image);
  /// Whether images that were saved before are gone, and have to be saved again. Once.
  bool forgot();

  std::string state() const;  // "ok", or what is wrong
  std::uint64_t errors() const;

 private:
  explicit Store(std::shared_ptr<DataDirectory> directory) : directory_(std::move(directory)) {}
  Status open_file();
  Status write(const Images& images);
  Status try_to_write(const Images& images);
  void work();
  void note(const Status& done);
  std::string path() const { return directory_->file("state.db"); }

  std::shared_ptr<DataDirectory> directory_;
  std::optional<StateFile> file_;  // the thread's alone once it runs
  Images found_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Images queue_;
  bool stopping_{false};
  bool forgot_{false};
  std::string state_{"ok"};
  std::uint64_t errors_{0};
  std::thread thread_;
};

}  // namespace doctor
