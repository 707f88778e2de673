#include "agent/logs/file_tail.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace doctor {
namespace {

constexpr std::size_t kWindowBytes = 64U << 10U;
constexpr std::size_t kBeforeBytes = 64;
// Further behind than so many rounds can read, the oldest is skipped: late news is no news.
constexpr std::uint64_t kRoundsBehindMax = 4;

void append(std::vector<LogEvent>& to, std::vector<LogEvent> events) {
  std::move(events.begin(), events.end(), std::back_inserter(to));
}

}  // namespace

FileTail::FileTail(std::string path, bool is_old, const Limits& limits)
    : path_(std::move(path)), is_old_(is_old), limits_(limits), reader_(path_, limits) {}

FileTail::Outcome FileTail::round(std::size_t budget, TimestampMs now) {
  Outcome outcome;
  const Result<FileIdentity> named = identify(path_);
  if (file_) {
    const bool gone = !named && named.error().code == ErrorCode::gone;
    if (gone || (named && !(*named == file_->identity()))) let_go(budget, now, outcome);
  }
  if (!file_) {
    if (named) {
      open(now, outcome);
    } else if (named.error().code == ErrorCode::gone) {
      is_old_ = false;  // what comes to this path later is new
    } else {
      outcome.fault = named.error();
    }
  }
  if (file_) catch_up(budget, kRoundsBehindMax * budget, now, outcome);
  conclude(reader_.counts().due(now), outcome);
  return outcome;
}

FileTail::Outcome FileTail::end(std::size_t budget, TimestampMs now) {
  Outcome outcome;
  if (file_) let_go(budget, now, outcome);
  conclude(reader_.counts().rest(), outcome);
  return outcome;
}

void FileTail::open(TimestampMs now, Outcome& outcome) {
  Result<LogFile> file = LogFile::open(path_);
  if (!file) {
    if (file.error().code != ErrorCode::gone) outcome.fault = file.error();
    return;
  }
  const Result<std::uint64_t> size = file->size();
  if (!size) {
    outcome.fault = size.error();
    return;
  }
  file_ = std::move(*file);
  offset_ = 0;
  before_.clear();
  if (std::exchange(is_old_, false)) read_backlog(*size, now, outcome);
}

void FileTail::read_backlog(std::uint64_t size, TimestampMs now, Outcome& outcome) {
  if (size > limits_.log_first_bytes_max) {
    offset_ = size - limits_.log_first_bytes_max;
    reader_.skip_line();
  }
  read_until(size, now, outcome);
  std::vector<LogEvent> events = reader_.counts().rest();
  for (LogEvent& event : events) event.backlog = true;
  append(outcome.events, std::move(events));
}

/// Renamed or deleted. Holding on would keep a deleted file's blocks on the disk, so there is one
/// look at what was written last, and no second.
void FileTail::let_go(std::size_t budget, TimestampMs now, Outcome& outcome) {
  catch_up(budget, budget, now, outcome);
  restart(now);
  file_.reset();
}

void FileTail::restart(TimestampMs now) {
  reader_.finish(now);
  offset_ = 0;
  before_.clear();
}

/// Truncated, and perhaps grown past the old end since: then other bytes stand before it.
bool FileTail::was_rewritten(std::uint64_t size, Outcome& outcome) const {
  if (size < offset_) return true;
  if (size == offset_ || before_.empty()) return false;
  std::array<char, kBeforeBytes> now_there{};
  const Result<std::size_t> count =
      file_->read(offset_ - before_.size(), std::span(now_there).first(before_.size()));
  if (!count) {
    outcome.fault = count.error();
    return false;
  }
  return std::string_view(now_there.data(), *count) != before_;
}

void FileTail::catch_up(std::size_t budget, std::uint64_t behind_max, TimestampMs now,
                        Outcome& outcome) {
  const Result<std::uint64_t> size = file_->size();
  if (!size) {
    outcome.fault = size.error();
    return;
  }
  if (was_rewritten(*size, outcome)) restart(now);
  if (*size - offset_ > behind_max) {
    const std::uint64_t from = *size - budget;
    outcome.bytes_skipped += from - offset_;
    offset_ = from;
    before_.clear();
    reader_.skip_line();
  }
  read_until(std::min<std::uint64_t>(*size, offset_ + budget), now, outcome);
}

void FileTail::read_until(std::uint64_t end, TimestampMs now, Outcome& outcome) {
  std::string window;
  while (offset_ < end) {
    window.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, end - offset_)));
    const Result<std::size_t> count = file_->read(offset_, window);
    if (!count) outcome.fault = count.error();
    if (!count || *count == 0) return;  // shrank meanwhile: the next round sees
    window.resize(*count);
    reader_.feed(window, now);
    offset_ += *count;
    outcome.bytes += *count;
    before_.append(window);
    if (before_.size() > kBeforeBytes) before_.erase(0, before_.size() - kBeforeBytes);
  }
}

void FileTail::conclude(std::vector<LogEvent> events, Outcome& outcome) {
  append(outcome.events, std::move(events));
  const LineSplitter::Stats& stats = reader_.stats();
  outcome.lines = stats.lines - told_.lines;
  outcome.lines_cut = stats.cut - told_.cut;
  told_ = stats;
}

}  // namespace doctor
