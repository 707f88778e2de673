#include "agent/history/rewrite.hpp"

#include <filesystem>
#include <limits>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "agent/history/binner.hpp"
#include "agent/history/data_directory.hpp"
#include "model/metric.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;

std::string unfinished(const std::string& path) { return path + ".new"; }

/// What is not known to count only upwards has a range.
std::vector<bool> gauges(const StoredSource& source) {
  static const auto kCounters = [] {
    std::unordered_set<std::string_view> names;
    for (const MetricInfo& metric : metric_catalogue()) {
      if (metric.kind == Kind::counter) names.insert(metric.name);
    }
    return names;
  }();
  std::vector<bool> is_gauge;
  for (const std::string& name : column_names(source)) {
    is_gauge.push_back(!kCounters.contains(std::string_view(name).substr(0, name.find(' '))));
  }
  return is_gauge;
}

}  // namespace

Result<std::unique_ptr<Rewrite>> Rewrite::start(const HistoryFile& raw) {
  std::unique_ptr<Rewrite> rewrite(new Rewrite);
  rewrite->raw_path_ = raw.path;
  const std::string directory = fs::path(raw.path).parent_path().string();
  rewrite->path_ = history_path(directory, raw.day, raw.part, true);
  remove_database(unfinished(rewrite->path_));
  Result<std::unique_ptr<DayFile>> from = DayFile::open(raw.path, Database::Access::write);
  if (!from) return from.error();
  rewrite->raw_ = std::move(*from);
  Result<std::map<std::int64_t, StoredSource>> sources = rewrite->raw_->sources();
  if (!sources) return sources.error();
  rewrite->sources_ = std::move(*sources);
  // A fault of the new file says nothing about the raw one.
  Result<std::unique_ptr<DayFile>> to =
      DayFile::open(unfinished(rewrite->path_), Database::Access::write);
  if (!to) return Error{ErrorCode::io, to.error().message};
  rewrite->binned_ = std::move(*to);
  return rewrite;
}

Result<bool> Rewrite::step() {
  if (!sources_.empty()) {
    const auto [id, source] = *sources_.begin();
    sources_.erase(sources_.begin());
    if (const Status ok = rewrite_source(id, source); !ok) return ok.error();
    return true;
  }
  if (const Status ok = finish(); !ok) return Error{ErrorCode::io, ok.error().message};
  return false;
}

Status Rewrite::rewrite_source(std::int64_t id, const StoredSource& source) {
  const auto emit = [&](ChunkKind kind, const SampleTable& table) {
    const Status done = binned_->add_chunk({id, kind, table.at.front(), table.at.back()}, table);
    return done ? done : Status(Error{ErrorCode::io, done.error().message});
  };
  Binner binner(gauges(source), emit);
  Status done = binned_->copy_source(id, source);
  if (!done) return Error{ErrorCode::io, done.error().message};
  const auto take = [&](const ChunkHead&, std::string_view packed) {
    if (!done) return;
    if (const std::optional<SampleTable> table = unpack_table(packed)) {
      done = binner.add(*table);
    } else {
      ++damaged_;
    }
  };
  constexpr auto kEver = std::numeric_limits<TimestampMs>::max();
  if (const Status ok = raw_->each_chunk(id, -kEver, kEver, take); !ok) return ok;
  return done ? binner.finish() : done;
}

Status Rewrite::finish() {
  damaged_ += raw_->damaged();
  if (const Status ok = binned_->finish(); !ok) return ok;
  binned_.reset();
  raw_.reset();
  std::error_code fault;
  fs::rename(unfinished(path_), path_, fault);
  if (fault) return Error{ErrorCode::io, "cannot rename to " + path_ + ": " + fault.message()};
  if (const Status ok = sync_directory(fs::path(path_).parent_path().string()); !ok) return ok;
  remove_database(raw_path_);
  return Done{};
}

}  // namespace doctor
