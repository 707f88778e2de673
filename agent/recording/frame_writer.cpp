#include "agent/recording/frame_writer.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "agent/thread.hpp"

namespace doctor {
namespace {

constexpr std::size_t kQueueBytesMax = 64U << 20U;

Error cannot(const std::string& what, const std::string& path) {
  return Error{ErrorCode::io, "cannot " + what + " " + path + ": " + std::strerror(errno)};
}

/// What is there must be a file, and nobody else's: it will be renamed.
Status may_replace(const std::string& path) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0) return Done{};
  if (!S_ISREG(about.st_mode)) {
    return Error{ErrorCode::invalid_argument, path + " is there and is no plain file"};
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return cannot("open", path);
  const bool is_free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  ::close(descriptor);
  if (is_free) return Done{};
  return Error{ErrorCode::invalid_argument, "another flink-doctor records into " + path};
}

}  // namespace

Result<std::unique_ptr<FrameWriter>> FrameWriter::start(const RecordSettings& settings) {
  if (const Status ok = may_replace(settings.file); !ok) return ok.error();
  std::unique_ptr<FrameWriter> writer(new FrameWriter(settings));
  if (const Status ok = writer->open_new(); !ok) return ok.error();
  std::optional<std::thread> thread = start_thread([&self = *writer] { self.work(); });
  if (!thread) return Error{ErrorCode::io, "the system gives no thread to write a recording with"};
  writer->thread_ = std::move(*thread);
  return writer;
}

FrameWriter::~FrameWriter() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool FrameWriter::push(Frame frame, bool begins_file) {
  const std::scoped_lock lock(mutex_);
  if (state_ != "ok" && !begins_file) return false;
  if (queued_bytes_ > 0 && queued_bytes_ + frame.bytes.size() > kQueueBytesMax) return false;
  if (begins_file) {
    state_ = "ok";
    written_bytes_ = 0;
  }
  queued_bytes_ += frame.bytes.size();
  queue_.push_back({std::move(frame), begins_file});
  wake_.notify_one();
  return true;
}

bool FrameWriter::is_idle() const {
  const std::scoped_lock lock(mutex_);
  return queue_.empty() && !working_;
}

std::uint64_t FrameWriter::file_bytes() const {
  const std::scoped_lock lock(mutex_);
  return written_bytes_ + queued_bytes_;
}

std::string FrameWriter::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

void FrameWriter::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    working_ = true;
    // After a failure nothing fits any more until a file begins.
    const bool is_of_use = state_ == "ok" || job.begins_file;
    lock.unlock();
    const Status done = is_of_use ? write(job) : Status(Done{});
    lock.lock();
    working_ = false;
    queued_bytes_ -= job.frame.bytes.size();
    if (!done) state_ = done.error().message;
  }
}

Status FrameWriter::write(const Job& job) {
  const std::string bytes = pack_frame(job.frame);
  return job.begins_file ? begin_file(bytes) : append(bytes);
}

Status FrameWriter::open_new() {
  ::unlink(new_path().c_str());
  descriptor_ =
      ::open(new_path().c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor_ < 0) return cannot("write", new_path());
  ::flock(descriptor_, LOCK_EX | LOCK_NB);
  return Done{};
}

Status FrameWriter::begin_file(const std::string& bytes) {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (const Status ok = open_new(); !ok) return ok;
  {
    const std::scoped_lock lock(mutex_);
    written_bytes_ = 0;
  }
  Status done = append(pack_head() + bytes);
  // Only a file that has begun well may push older ones out.
  if (done) {
    rotate();
    if (::rename(new_path().c_str(), settings_.file.c_str()) == 0) return done;
    done = cannot("rename", new_path());
  }
  ::unlink(new_path().c_str());
  return done;
}

Status FrameWriter::append(const std::string& bytes) {
  const off_t begin = ::lseek(descriptor_, 0, SEEK_END);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const Error fault = cannot("write", settings_.file);
      // Half a frame is of use to nobody; giving it back may even make room.
      if (begin >= 0 && ::ftruncate(descriptor_, begin) != 0) return fault;
      return fault;
    }
    done += static_cast<std::size_t>(wrote);
  }
  const std::scoped_lock lock(mutex_);
  written_bytes_ += bytes.size();
  return Done{};
}

void FrameWriter::rotate() const {
  const auto numbered = [this](int number) {
    return number == 0 ? settings_.file : settings_.file + "." + std::to_string(number);
  };
  // With one file the new one takes its place; a gap in the numbers stays a gap.
  for (int number = settings_.files_max - 2; number >= 0; --number) {
    ::rename(numbered(number).c_str(), numbered(number + 1).c_str());
  }
}

}  // namespace doctor
