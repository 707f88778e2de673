#include "agent/history/archive.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/history/data_directory.hpp"

namespace doctor {
namespace {

constexpr std::size_t kPendingBytesMax = 8U << 20U;
constexpr DurationMs kSourceKeptMs = 3 * kHourMs;  // longer than the loop keeps its columns
constexpr DurationMs kRawMs = kDayMs;              // after the end of its day
constexpr std::uint64_t kPartsOfAll = 8;           // a file grows to this part of all bytes

}  // namespace

Archive::~Archive() {
  // A file of which something may not have reached the disk is left as it is.
  if (file_ && !unsynced_.empty() && !file_->sync()) file_->abandon();
}

void Archive::take(std::vector<HistoryRow> rows, TimestampMs now) {
  for (HistoryRow& row : rows) pack(std::move(row), now);
}

void Archive::pack(HistoryRow row, TimestampMs now) {
  if (row.added) {
    StoredSource& source = sources_[row.source];
    source.cluster = row.added->cluster;
    source.number = row.added->number;
    source.columns.push_back(stored_columns(*row.added));
  }
  used_[row.source] = now;
  pending_.push_back({row.seq, row.source, row.at, pack_row(row.values)});
  pending_bytes_ += sizeof(JournalRow) + pending_.back().body.size();
}

bool Archive::has_room() const { return pending_bytes_ < kPendingBytesMax; }

Status Archive::commit(TimestampMs now, bool durable) {
  // A second try: what a file cannot take, the next one may.
  for (int attempt = 0;; ++attempt) {
    const Status done = write(now, durable);
    if (done) return done;
    cope(done.error());
    if (done.error().code == ErrorCode::io || attempt > 0) return done;
  }
}

Status Archive::write(TimestampMs now, bool durable) {
  if (pending_.empty() && (!durable || unsynced_.empty())) return Done{};
  const bool is_over = file_ && (midnight(now) != day_ || closed_.contains(file_->path()));
  if (is_over) {
    if (const Status ok = end_file(); !ok) return ok;
  }
  if (!file_) {
    if (const Status ok = open_file(now); !ok) return ok;
  }
  if (pending_.empty()) {
    if (const Status ok = file_->sync(); !ok) return ok;
    unsynced_.clear();
    return Done{};
  }
  const std::vector<JournalRow> rows(pending_.begin(), pending_.end());
  if (const Status ok = file_->append(rows, durable, sources_); !ok) return ok;
  std::move(pending_.begin(), pending_.end(), std::back_inserter(unsynced_));
  pending_.clear();
  pending_bytes_ = 0;
  if (durable) unsynced_.clear();
  return Done{};
}

Status Archive::end_file() {
  if (!unsynced_.empty()) {
    if (const Status ok = file_->sync(); !ok) return ok;
    unsynced_.clear();
  }
  file_.reset();
  return Done{};
}

/// The newest part of this day, or the one after it when that may not be written.
Status Archive::open_file(TimestampMs now) {
  const TimestampMs day = midnight(now);
  int part = 0;
  bool is_new = true;
  for (const HistoryFile& file : history_files(directory_)) {
    if (file.day != day || file.part < part) continue;
    const bool is_over = file.binned || closed_.contains(file.path);
    is_new = is_over;
    part = file.part + (is_over ? 1 : 0);
  }
  if (part >= kPartsMax) {
    return Error{ErrorCode::io, directory_ + ": too many parts of one day; look at its disk"};
  }
  const std::string path = history_path(directory_, day, part, false);
  Result<std::unique_ptr<DayFile>> file = DayFile::open(path, Database::Access::write);
  if (!file && is_new) {
    remove_database(path);  // half made
    return Error{ErrorCode::io, file.error().message};
  }
  if (!file) {
    give_up(path, file.error());
    return file.error();
  }
  if (is_new) {
    if (const Status ok = sync_directory(directory_); !ok) return ok;
  }
  file_ = std::move(*file);
  day_ = day;
  sealed_.erase(path);
  return Done{};
}

/// After a failure the file is closed, in any case: who opens it again sees what is really there.
void Archive::cope(const Error& fault) {
  if (!file_) return;
  const std::string path = file_->path();
  damaged_ += file_->damaged();
  if (!unsynced_.empty() || fault.code == ErrorCode::gone) file_->abandon();
  file_.reset();
  if (fault.code == ErrorCode::io || fault.code == ErrorCode::invalid_argument) return;
  give_up(path, fault);
  // Rows that it may have lost go into the next file, too; readers take each once.
  for (auto row = unsynced_.rbegin(); row != unsynced_.rend(); ++row) {
    pending_bytes_ += sizeof(JournalRow) + row->body.size();
    pending_.push_front(std::move(*row));
  }
  unsynced_.clear();
}

/// Puts aside what is damaged. What has failed in another way stays to be read, but is not written
/// any more; trouble that may pass is none of the file's.
void Archive::give_up(const std::string& path, const Error& fault) {
  if (fault.code != ErrorCode::malformed && fault.code != ErrorCode::gone) return;
  ++damaged_;
  if (fault.code == ErrorCode::malformed && put_aside(path)) return;
  closed_.insert(path);
  hopeless_.insert(path);
}

Result<bool> Archive::maintain(TimestampMs now) {
  std::erase_if(sources_,
                [&](const auto& source) { return now - used_[source.first] > kSourceKeptMs; });
  std::erase_if(used_, [&](const auto& entry) { return !sources_.contains(entry.first); });
  if (file_) {
    const std::uint64_t before = file_->damaged();
    const Result<bool> sealed = file_->seal_one(now, false);
    damaged_ += file_ ? file_->damaged() - before : 0;
    if (!sealed) {
      cope(sealed.error());
      return sealed.error();
    }
    if (*sealed) return true;
  }
  if (drop(now)) return true;
  return rewrite_ ? bin() : seal_and_bin(now);
}

/// Looks at the raw files that are not written any more.
Result<bool> Archive::seal_and_bin(TimestampMs now) {
  const std::vector<HistoryFile> files = history_files(directory_);
  for (const HistoryFile& file : files) {
    if (file.binned || is_current(file) || hopeless_.contains(file.path)) continue;
    const bool is_replaced = std::any_of(files.begin(), files.end(), [&](const HistoryFile& other) {
      return other.binned && other.day == file.day && other.part == file.part;
    });
    if (is_replaced) {
      remove_database(file.path);
      return true;
    }
    // Today's newest part will be opened again by the next row.
    if (file.day == midnight(now) && !closed_.contains(file.path)) continue;
    if (!sealed_.contains(file.path)) return seal_older(file, now);
    if (now - file.day < kDayMs + kRawMs) continue;
    Result<std::unique_ptr<Rewrite>> rewrite = Rewrite::start(file);
    if (!rewrite) {
      give_up(file.path, rewrite.error());
      return rewrite.error();
    }
    rewrite_ = std::move(*rewrite);
    rewriting_ = file.path;
    return true;
  }
  return false;
}

/// One step: rows may be waiting to be committed meanwhile.
Result<bool> Archive::seal_older(const HistoryFile& raw, TimestampMs now) {
  if (!sealing_ || sealing_->path() != raw.path) {
    Result<std::unique_ptr<DayFile>> file = DayFile::open(raw.path, Database::Access::write);
    if (!file) {
      give_up(raw.path, file.error());
      return file.error();
    }
    sealing_ = std::move(*file);
  }
  Result<bool> more = sealing_->seal_one(now, true);
  if (more && !*more) more = sealing_->shrink();
  if (more && *more) return true;
  damaged_ += sealing_->damaged();
  sealing_.reset();  // closed before it is renamed
  if (!more) {
    give_up(raw.path, more.error());
    return more.error();
  }
  sealed_.insert(raw.path);
  return true;
}

Result<bool> Archive::bin() {
  const Result<bool> more = rewrite_->step();
  if (more && *more) return true;
  damaged_ += rewrite_->damaged();
  rewrite_.reset();
  if (more) return true;
  give_up(rewriting_, more.error());
  return more.error();
}

/// The oldest that is too old, or too much.
bool Archive::drop(TimestampMs now) {
  const std::vector<HistoryFile> files = history_files(directory_);
  bytes_ = 0;
  for (const HistoryFile& file : files) bytes_ += file.bytes;
  for (const HistoryFile& file : files) {
    const bool is_large = file.bytes > settings_.bytes_max / kPartsOfAll;
    if (is_current(file)) {
      if (is_large) closed_.insert(file.path);  // so that its older part can go one day
      continue;
    }
    const bool is_old = file.day + kDayMs + settings_.days * kDayMs <= now;
    if (!is_old && bytes_ <= settings_.bytes_max) continue;
    if (sealing_ && sealing_->path() == file.path) sealing_.reset();
    if (rewriting_ == file.path) rewrite_.reset();
    remove_database(file.path);
    closed_.erase(file.path);
    sealed_.erase(file.path);
    return true;
  }
  return false;
}

}  // namespace doctor
