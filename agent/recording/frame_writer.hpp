// FrameWriter: a thread of its own that compresses frames, writes them and rotates the files. A
// disk that is slow, full or hangs never holds up who pushes: frames are refused instead, and it
// says why.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/recording/frame.hpp"
#include "agent/recording/settings.hpp"
#include "model/result.hpp"

namespace doctor {

class FrameWriter {
 public:
  /// Fails when nothing can be written there, or another process records into that file.
  static Result<std::unique_ptr<FrameWriter>> start(const RecordSettings& settings);
  ~FrameWriter();  // writes what is queued, then joins
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  /// False: the queue is full, or nothing was written since a failure. A frame that `begins_file`
  /// mends the latter; the files before it are rotated once it is on disk.
  bool push(Frame frame, bool begins_file);
  /// Whether all that was pushed has been dealt with.
  bool is_idle() const;
  /// Of the present file, with what is queued for it before compression.
  std::uint64_t file_bytes() const;
  /// "ok", or why nothing is written.
  std::string state() const;

 private:
  struct Job {
    Frame frame;
    bool begins_file{};
  };
  explicit FrameWriter(RecordSettings settings) : settings_(std::move(settings)) {}
  void work();
  Status write(const Job& job);
  Status begin_file(const std::string& bytes);
  Status open_new();
  Status append(const std::string& bytes);
  void rotate() const;
  std::string new_path() const { return settings_.file + ".new"; }

  RecordSettings settings_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  std::size_t queued_bytes_{0};
  std::uint64_t written_bytes_{0};  // of the present file
  std::string state_{"ok"};
  bool working_{false};
  bool stopping_{false};
  int descriptor_{-1};  // the thread's alone once it runs
  std::thread thread_;
};

}  // namespace doctor
