// The store: what must survive a restart, in one SQLite database in WAL mode, written by a thread
// of its own. The newest image per key wins, so the queue is bounded by the number of keys. A store
// that fails never stops the agent: it goes on in memory and says so.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "model/result.hpp"

namespace doctor {

class Store {
 public:
  /// Creates the directory when it is missing. One process per directory: a second one is refused
  /// at once. A newer schema is refused, a damaged database is put aside as *.corrupt and counted.
  static Result<std::unique_ptr<Store>> open(const std::string& directory);
  ~Store();  // writes what is queued, then joins
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Images whose checksum is right, by key.
  std::map<std::string, std::string> load();
  /// Queues an image; committed within a second.
  void save(const std::string& key, std::string body);
  /// Queues the removal of an image.
  void remove(const std::string& key);

  std::string state() const;  // "ok", or what is wrong
  std::uint64_t errors() const;

 private:
  struct Database;
  explicit Store(std::unique_ptr<Database> database);
  void write_queue();
  void fail(const std::string& what);

  std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::string> queue_;  // empty body: remove
  bool stopping_{false};
  std::string state_{"ok"};
  std::uint64_t errors_{0};
  std::thread thread_;
};

}  // namespace doctor
