// History: the loop's side of the samples on disk, and the thread that writes them. Appending never
// waits for the disk: what the queue cannot hold is dropped and counted.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/history/data_directory.hpp"
#include "agent/history/history_row.hpp"
#include "agent/history/settings.hpp"
#include "agent/history/source_columns.hpp"
#include "model/result.hpp"

namespace doctor {

struct HistoryHealth {
  std::string state{"ok"};  // or what is wrong: the disk fails, hangs or does not keep up
  std::uint64_t errors{};   // failures of the disk
  std::uint64_t lost{};     // scrapes that were never written
  std::uint64_t damaged{};  // rows, chunks and files that could not be read
  std::uint64_t bytes{};    // on disk
};

class History {
 public:
  /// `seq`: past every row there is, see Tail.
  static Result<std::unique_ptr<History>> start(std::shared_ptr<DataDirectory> directory,
                                                const HistorySettings& settings, std::int64_t seq);
  ~History();  // writes what is queued, then joins
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void append(const std::string& cluster, const Batch& batch, const EntityTable& entities);
  /// A job was submitted: features are cut there.
  void append_submission(const std::string& cluster, TimestampMs at);
  /// The last row that was appended.
  std::int64_t seq() const { return seq_; }

  HistoryHealth health() const;

 private:
  History(std::shared_ptr<DataDirectory> directory, const HistorySettings& settings,
          std::int64_t seq)
      : directory_(std::move(directory)), settings_(settings), seq_(seq) {}
  /// False: dropped.
  bool push(HistoryRow row);
  void forget_sources(TimestampMs now);
  std::vector<HistoryRow> take_queue();
  void work();
  bool wait(std::chrono::steady_clock::time_point until);

  std::shared_ptr<DataDirectory> directory_;
  HistorySettings settings_;
  std::int64_t seq_;
  std::map<SourceKey, SourceColumns> sources_;
  TimestampMs forgot_at_{0};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<HistoryRow> queue_;
  std::size_t queue_bytes_{0};
  bool stopping_{false};
  HistoryHealth health_;
  std::optional<std::chrono::steady_clock::time_point> lost_at_;     // the last scrape
  std::optional<std::chrono::steady_clock::time_point> busy_since_;  // with the disk; nothing: not
  std::thread thread_;
};

}  // namespace doctor
