#include "agent/host/patient_files.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "agent/thread.hpp"

namespace doctor {
namespace {

bool is_at_or_below(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || directory.ends_with('/') ||
         path[directory.size()] == '/';
}

/// Shared by who waits for an answer and who gets it, whichever ends first.
template <class T>
struct Answer {
  std::mutex mutex;
  std::condition_variable came;
  std::optional<Result<T>> result;
};

}  // namespace

struct PatientFiles::Bench {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> errand;
  bool closed{false};

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return errand || closed; });
      if (!errand) return;
      std::function<void()> next = std::move(errand);
      errand = nullptr;
      lock.unlock();
      next();
      next = nullptr;
      lock.lock();
    }
  }
};

PatientFiles::PatientFiles(std::shared_ptr<host::HostFiles> files, DurationMs patience_ms)
    : files_(std::move(files)), patience_ms_(patience_ms) {}

PatientFiles::~PatientFiles() { leave_behind(); }

void PatientFiles::leave_behind() {
  if (!bench_) return;
  const std::scoped_lock lock(bench_->mutex);
  bench_->closed = true;
  bench_->changed.notify_one();
  bench_.reset();  // the thread holds it too
}

bool PatientFiles::give(std::function<void()> errand) {
  if (!bench_) {
    bench_ = std::make_shared<Bench>();
    // Without a thread this read fails, and only this one.
    if (!start_detached_thread([bench = bench_] { bench->work(); })) bench_.reset();
  }
  if (!bench_) return false;
  const std::scoped_lock lock(bench_->mutex);
  bench_->errand = std::move(errand);
  bench_->changed.notify_one();
  return true;
}

std::size_t PatientFiles::hanging() {
  std::erase_if(hanging_, [](const Hanging& one) { return one.is_over(); });
  return hanging_.size();
}

template <class T>
Result<T> PatientFiles::patiently(const host::Place& place,
                                  std::function<Result<T>(host::HostFiles&)> read) {
  const std::string path = place.text();
  const bool full = hanging() >= (place.root.empty() ? kHangingMax : kHangingDisksMax);
  const bool known = std::any_of(hanging_.begin(), hanging_.end(), [&](const Hanging& one) {
    return is_at_or_below(path, one.path);
  });
  if (full || known) return Error{ErrorCode::timeout, path + " still hangs"};
  auto answer = std::make_shared<Answer<T>>();
  const bool given = give([files = files_, answer, read = std::move(read)] {
    Result<T> result = read(*files);
    const std::scoped_lock lock(answer->mutex);
    answer->result.emplace(std::move(result));
    answer->came.notify_one();
  });
  if (!given) return Error{ErrorCode::io, "no thread to read " + path};
  std::unique_lock lock(answer->mutex);
  if (answer->came.wait_for(lock, std::chrono::milliseconds(patience_ms_),
                            [&] { return answer->result.has_value(); })) {
    return std::move(*answer->result);
  }
  hanging_.push_back({path, [answer] {
                        const std::scoped_lock guard(answer->mutex);
                        return answer->result.has_value();
                      }});
  leave_behind();
  return Error{ErrorCode::timeout, path + " hangs"};
}

Result<std::string> PatientFiles::read(const host::Place& place, std::size_t bytes_max) {
  return patiently<std::string>(
      place, [=](host::HostFiles& files) { return files.read(place, bytes_max); });
}

Result<std::string> PatientFiles::head(const host::Place& place, std::size_t bytes_max) {
  return patiently<std::string>(
      place, [=](host::HostFiles& files) { return files.head(place, bytes_max); });
}

Result<std::vector<std::string>> PatientFiles::list(const host::Place& place,
                                                    std::size_t names_max) {
  return patiently<std::vector<std::string>>(
      place, [=](host::HostFiles& files) { return files.list(place, names_max); });
}

Result<std::uint64_t> PatientFiles::count(const host::Place& place, std::uint64_t entries_max) {
  return patiently<std::uint64_t>(
      place, [=](host::HostFiles& files) { return files.count(place, entries_max); });
}

Result<std::string> PatientFiles::link(const host::Place& place) {
  return patiently<std::string>(place, [=](host::HostFiles& files) { return files.link(place); });
}

Result<host::FileInfo> PatientFiles::info(const host::Place& place) {
  return patiently<host::FileInfo>(place,
                                   [=](host::HostFiles& files) { return files.info(place); });
}

Result<host::Space> PatientFiles::space(const host::Place& place) {
  return patiently<host::Space>(place, [=](host::HostFiles& files) { return files.space(place); });
}

}  // namespace doctor
