#include "agent/history/store.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/thread.hpp"

namespace doctor {
namespace {

constexpr std::chrono::seconds kBackOffMin{1};
constexpr std::chrono::seconds kBackOffMax{60};

}  // namespace

Result<std::unique_ptr<Store>> Store::open(std::shared_ptr<DataDirectory> directory) {
  std::unique_ptr<Store> store(new Store(std::move(directory)));
  Status opened = store->open_file();
  if (!opened && opened.error().code == ErrorCode::invalid_argument) return opened.error();
  if (opened) {
    Result<Images> images = store->file_->load(store->errors_);
    if (images) store->found_ = std::move(*images);
    if (!images) opened = images.error();
  }
  store->note(opened);
  std::optional<std::thread> thread = start_thread([&self = *store] { self.work(); });
  if (!thread) return Error{ErrorCode::io, "the system gives no thread for what is remembered"};
  store->thread_ = std::move(*thread);
  return store;
}

Store::~Store() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status Store::open_file() {
  if (const Status ok = directory_->acquire(); !ok) return ok;
  Result<StateFile> file = StateFile::open(path());
  if (!file && file.error().code == ErrorCode::malformed) {
    if (const Status ok = put_aside(path()); !ok) return ok;
    const std::scoped_lock lock(mutex_);
    ++errors_;
    forgot_ = true;
  }
  if (!file && file.error().code == ErrorCode::malformed) file = StateFile::open(path());
  if (!file) return file.error();
  file_.emplace(std::move(*file));
  return Done{};
}

/// On a full disk what was learned is worth more than the room that was kept for it.
Status Store::write(const Images& images) {
  Status done = try_to_write(images);
  if (!done && done.error().code == ErrorCode::io && directory_->release_reserve()) {
    done = try_to_write(images);
  }
  if (done) directory_->hold_reserve();
  return done;
}

Status Store::try_to_write(const Images& images) {
  if (!file_) {
    if (const Status ok = open_file(); !ok) return ok;
  }
  const Status done = file_->write(images);
  if (done) return done;
  const ErrorCode code = done.error().code;
  if (code == ErrorCode::gone) file_->abandon();
  file_.reset();
  if (code != ErrorCode::gone && code != ErrorCode::malformed) return done;
  // What it holds may not be what was written: another one begins.
  if (const Status ok = put_aside(path()); !ok) return ok;
  const std::scoped_lock lock(mutex_);
  forgot_ = true;
  return done;
}

void Store::work() {
  std::chrono::seconds back_off = kBackOffMin;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Images images = std::exchange(queue_, {});
    const bool is_last = stopping_;
    lock.unlock();
    const Status done = write(images);
    note(done);
    lock.lock();
    if (done) {
      back_off = kBackOffMin;
      continue;
    }
    queue_.merge(images);  // what was queued meanwhile is newer and stays
    if (is_last) return;
    wake_.wait_for(lock, back_off, [this] { return stopping_; });
    back_off = std::min(2 * back_off, kBackOffMax);
  }
}

void Store::note(const Status& done) {
  const std::scoped_lock lock(mutex_);
  state_ = done ? "ok" : done.error().message;
  if (!done) ++errors_;
}

void Store::save(const std::string& key, Image image) {
  {
    const std::scoped_lock lock(mutex_);
    queue_[key] = std::move(image);
  }
  wake_.notify_one();
}

bool Store::forgot() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(forgot_, false);
}

std::string Store::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

std::uint64_t Store::errors() const {
  const std::scoped_lock lock(mutex_);
  return errors_;
}

}  // namespace doctor
