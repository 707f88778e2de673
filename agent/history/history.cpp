#include "agent/history/history.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "agent/clock.hpp"
#include "agent/history/archive.hpp"
#include "agent/thread.hpp"

namespace doctor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kQueueBytesMax = 8U << 20U;
constexpr DurationMs kSourceKeptMs = kHourMs;
constexpr DurationMs kForgetEveryMs = 10 * kMinuteMs;
/// So long after a scrape was lost the state still says so.
constexpr std::chrono::minutes kLossToldFor{5};
/// A commit that takes longer than this breaks what is promised of a killed process.
constexpr std::chrono::seconds kAnswerWithin{15};
constexpr milliseconds kBackOffMin{1000};
constexpr milliseconds kBackOffMax{60'000};

std::size_t bytes_of(const HistoryRow& row) {
  std::size_t bytes = sizeof row + row.values.size() * sizeof(double);
  if (!row.added) return bytes;
  for (const std::string& name : row.added->names) bytes += sizeof name + name.size();
  return bytes;
}

/// The thread's work, without its waiting.
class Writer {
 public:
  Writer(DataDirectory& directory, const HistorySettings& settings)
      : directory_(directory), settings_(settings), archive_(directory.path(), settings) {}

  bool has_room() const { return archive_.has_room(); }

  /// `last`: nothing comes after it.
  Status write(std::vector<HistoryRow> rows, bool last) {
    const TimestampMs now = now_ms();
    archive_.take(std::move(rows), now);
    const auto at = steady_clock::now();
    const bool durable = last || at - synced_ >= milliseconds(settings_.sync_every_ms);
    if (const Status ok = directory_.acquire(); !ok) return ok;
    const Status done = archive_.commit(now, durable);
    if (done && durable) synced_ = at;
    return done;
  }

  /// Seals, bins and drops until nothing is left to do or `enough` says so.
  Status maintain(const std::function<bool()>& enough) {
    Result<bool> more = true;
    while (more && *more && steady_clock::now() >= maintain_at_ && !enough()) {
      more = archive_.maintain(now_ms());
    }
    if (!more) {
      maintain_at_ = steady_clock::now() + maintain_back_off_;
      maintain_back_off_ = std::min(2 * maintain_back_off_, kBackOffMax);
      maintain_fault_ = more.error().message;
    } else if (steady_clock::now() >= maintain_at_) {
      maintain_back_off_ = kBackOffMin;
      maintain_fault_.clear();
    }
    if (maintain_fault_.empty()) return Done{};
    return Error{ErrorCode::io, maintain_fault_};
  }

  void tell(HistoryHealth& health) const {
    health.damaged = archive_.damaged();
    health.bytes = archive_.bytes();
  }

 private:
  DataDirectory& directory_;
  HistorySettings settings_;
  Archive archive_;
  steady_clock::time_point synced_{steady_clock::now()};
  steady_clock::time_point maintain_at_{};
  milliseconds maintain_back_off_{kBackOffMin};
  std::string maintain_fault_;
};

}  // namespace

Result<std::unique_ptr<History>> History::start(std::shared_ptr<DataDirectory> directory,
                                                const HistorySettings& settings, std::int64_t seq) {
  // Where nothing is known of earlier rows, because the disk does not answer, the clock goes on.
  const std::int64_t by_clock = now_ms() * 1000;
  std::unique_ptr<History> history(
      new History(std::move(directory), settings, std::max(seq, by_clock)));
  std::optional<std::thread> thread = start_thread([&self = *history] { self.work(); });
  if (!thread) return Error{ErrorCode::io, "the system gives no thread to write the history"};
  history->thread_ = std::move(*thread);
  return history;
}

History::~History() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void History::append(const std::string& cluster, const Batch& batch, const EntityTable& entities) {
  forget_sources(batch.at);
  HistoryRow row = row_of(cluster, batch, entities, sources_, seq_);
  const bool has_names = row.added.has_value();
  // Names that nobody will write make the columns nameless: they are begun anew.
  if (!push(std::move(row)) && has_names) sources_.erase({cluster, batch.source});
}

void History::append_submission(const std::string& cluster, TimestampMs at) {
  const SourceKey key{cluster, kSubmissions};
  const auto [source, is_new] = sources_.emplace(key, SourceColumns(seq_ + 1));
  if (is_new) ++seq_;
  HistoryRow row{++seq_, source->second.id(), at, {}, {}};
  if (is_new) row.added = NewColumns{cluster, kSubmissions, 0, {}};
  if (!push(std::move(row)) && is_new) sources_.erase(source);
}

void History::forget_sources(TimestampMs now) {
  if (now >= forgot_at_ && now - forgot_at_ < kForgetEveryMs) return;
  forgot_at_ = now;
  std::erase_if(sources_,
                [&](const auto& source) { return now - source.second.used() > kSourceKeptMs; });
}

bool History::push(HistoryRow row) {
  const std::size_t bytes = bytes_of(row);
  const std::scoped_lock lock(mutex_);
  if (!queue_.empty() && queue_bytes_ + bytes > kQueueBytesMax) {
    ++health_.lost;
    lost_at_ = steady_clock::now();
    return false;
  }
  queue_bytes_ += bytes;
  queue_.push_back(std::move(row));
  return true;
}

HistoryHealth History::health() const {
  const std::scoped_lock lock(mutex_);
  HistoryHealth health = health_;
  if (health.state != "ok") return health;
  const auto now = steady_clock::now();
  if (busy_since_ && now - *busy_since_ > kAnswerWithin) {
    health.state = "the disk does not answer: what comes now may be lost";
  } else if (lost_at_ && now - *lost_at_ < kLossToldFor) {
    health.state = "the disk does not keep up: scrapes are not written";
  }
  return health;
}

/// True when it is time to end.
bool History::wait(steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  return wake_.wait_until(lock, until, [this] { return stopping_; });
}

std::vector<HistoryRow> History::take_queue() {
  const std::scoped_lock lock(mutex_);
  busy_since_ = steady_clock::now();
  queue_bytes_ = 0;
  return std::exchange(queue_, {});
}

void History::work() {
  Writer writer(*directory_, settings_);
  milliseconds back_off = kBackOffMin;
  auto next = steady_clock::now() + milliseconds(settings_.commit_every_ms);
  for (bool last = false; !last;) {
    last = wait(next);
    std::vector<HistoryRow> rows;
    if (last || writer.has_room()) rows = take_queue();
    Status done = writer.write(std::move(rows), last);
    next = steady_clock::now() + (done ? milliseconds(settings_.commit_every_ms) : back_off);
    back_off = done ? kBackOffMin : std::min(2 * back_off, kBackOffMax);
    // Sealing and binning stand back when the next rows are due.
    const auto enough = [&] { return last || steady_clock::now() >= next || wait({}); };
    if (done) done = writer.maintain(enough);
    const std::scoped_lock lock(mutex_);
    busy_since_.reset();
    health_.state = done ? "ok" : done.error().message;
    if (!done) ++health_.errors;
    writer.tell(health_);
  }
}

}  // namespace doctor
