#include "agent/history/history_query.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "agent/history/day_file.hpp"
#include "agent/history/history_files.hpp"

namespace doctor {
namespace {

/// Points by time, so that what stands in two files counts once.
using Points = std::map<TimestampMs, HistoryPoint>;

class Search {
 public:
  explicit Search(const HistoryQuestion& question) : question_(question) {}

  void look_into(const std::string& path) {
    Result<std::unique_ptr<DayFile>> file = DayFile::open(path, Database::Access::read);
    Status done = file ? search(**file) : Status(file.error());
    if (!done) answer_.problems.push_back(done.error().message);
    if (file && (*file)->damaged() > 0) {
      answer_.problems.push_back(path + ": " + std::to_string((*file)->damaged()) +
                                 " damaged part(s) left out");
    }
  }

  HistoryAnswer take() {
    for (auto& [key, points] : found_) {
      HistorySeries& series = answer_.series.emplace_back();
      series.cluster = key.first;
      series.metric = question_.metric;
      series.entity = key.second;
      for (auto& [at, point] : points) series.points.push_back(point);
    }
    return std::move(answer_);
  }

 private:
  Status search(DayFile& file) {
    const Result<std::map<std::int64_t, StoredSource>> sources = file.sources();
    if (!sources) return sources.error();
    for (const auto& [id, source] : *sources) {
      if (!question_.cluster.empty() && source.cluster != question_.cluster) continue;
      if (!pick_columns(source)) continue;
      const auto chunk = [&](const ChunkHead& head, std::string_view packed) {
        const std::optional<SampleTable> table = unpack_columns(packed, wanted_);
        if (table) add(head.kind, *table);
      };
      if (const Status ok = file.each_chunk(id, question_.from, question_.to, chunk); !ok)
        return ok;
      const auto row = [&](const JournalRow& journaled) { add(journaled); };
      if (const Status ok = file.each_row(id, row); !ok) return ok;
    }
    return Done{};
  }

  /// False: none of this source is asked for.
  bool pick_columns(const StoredSource& source) {
    wanted_.clear();
    into_.clear();
    const std::vector<std::string> names = column_names(source);
    const std::string prefix = question_.metric + " ";
    for (std::uint32_t i = 0; i < names.size(); ++i) {
      if (!names[i].starts_with(prefix)) continue;
      std::string entity = names[i].substr(prefix.size());
      if (entity.find(question_.entity) == std::string::npos) continue;
      wanted_.push_back(i);
      into_.push_back(&found_[{source.cluster, std::move(entity)}]);
    }
    return !wanted_.empty();
  }

  void add(ChunkKind kind, const SampleTable& table) {
    for (std::size_t i = 0; i < into_.size(); ++i) {
      for (std::size_t row = 0; row < table.at.size(); ++row) {
        put(*into_[i], table.at[row], table.columns[i][row], kind);
      }
    }
  }

  void add(const JournalRow& row) {
    const std::optional<std::vector<double>> values = unpack_row(row.body);
    if (!values) return;
    for (std::size_t i = 0; i < into_.size(); ++i) {
      if (wanted_[i] < values->size()) {
        put(*into_[i], row.at, (*values)[wanted_[i]], ChunkKind::raw);
      }
    }
  }

  void put(Points& points, TimestampMs at, double value, ChunkKind kind) {
    if (!is_present(value) || at < question_.from || at > question_.to) return;
    auto found = points.find(at);
    if (found == points.end()) {
      if (count_ >= question_.points_max) {
        answer_.is_cut = true;
        return;
      }
      ++count_;
      found =
          points.emplace(at, HistoryPoint{at, value, std::nullopt, kind != ChunkKind::raw}).first;
    }
    HistoryPoint& point = found->second;
    if (kind == ChunkKind::raw || kind == ChunkKind::last) {
      point.value = value;
      return;
    }
    if (!point.range) point.range.emplace();
    (kind == ChunkKind::least  ? point.range->least
     : kind == ChunkKind::most ? point.range->most
                               : point.range->mean) = value;
  }

  const HistoryQuestion& question_;
  std::map<std::pair<std::string, std::string>, Points> found_;  // by cluster and entity
  std::vector<std::uint32_t> wanted_;                            // columns of the present source
  std::vector<Points*> into_;                                    // for each of them
  std::size_t count_{0};
  HistoryAnswer answer_;
};

}  // namespace

Result<HistoryAnswer> query_history(const std::string& directory, const HistoryQuestion& question) {
  const std::vector<HistoryFile> files = history_files(directory);
  if (files.empty()) {
    return Error{ErrorCode::invalid_argument,
                 directory + " holds no history; `run --data-dir` writes one"};
  }
  Search search(question);
  for (const HistoryFile& file : files) {
    // Of what came after its day it knows nothing; samples may be a little older than the day.
    const bool is_later = file.day > question.to + kHourMs;
    const bool is_earlier = file.day + kDayMs + kHourMs < question.from;
    const bool is_replaced =
        !file.binned && std::any_of(files.begin(), files.end(), [&](const HistoryFile& other) {
          return other.binned && other.day == file.day && other.part == file.part;
        });
    if (!is_later && !is_earlier && !is_replaced) search.look_into(file.path);
  }
  return search.take();
}

}  // namespace doctor
