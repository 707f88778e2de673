#include "agent/history/catch_up.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "agent/history/day_file.hpp"
#include "agent/history/history_files.hpp"
#include "agent/history/image.hpp"
#include "agent/history/series_names.hpp"

namespace doctor {
namespace {

constexpr std::size_t kTailValuesMax = 1U << 20U;  // a fraction of a second, whatever is missing
constexpr std::size_t kFilesMax = 3;               // a file may have begun just now

class TailReader {
 public:
  Status read(const std::string& path) {
    Result<std::unique_ptr<DayFile>> file = DayFile::open(path, Database::Access::write);
    if (!file) return file.error();
    const Result<std::int64_t> last = (*file)->last_seq();
    if (!last) return last.error();
    tail.last_seq = std::max(tail.last_seq, *last);
    const Result<std::map<std::int64_t, StoredSource>> sources = (*file)->sources();
    if (!sources) return sources.error();
    sources_.clear();
    return (*file)->newest_rows([&](const JournalRow& row) { return add(row, *sources); });
  }

  Tail tail;

 private:
  /// False: this is enough.
  bool add(const JournalRow& row, const std::map<std::int64_t, StoredSource>& stored) {
    newest_at_ = newest_at_ ? newest_at_ : row.at;
    const auto found = stored.find(row.source);
    std::optional<std::vector<double>> values = unpack_row(row.body);
    if (found == stored.end() || !values) return true;
    values_ += values->size();
    if (values_ > kTailValuesMax || *newest_at_ - row.at > kTailMs) return false;
    auto& source = sources_[row.source];
    if (!source) {
      source = std::make_shared<const Tail::Source>(
          Tail::Source{found->second.cluster, found->second.number, column_names(found->second)});
    }
    tail.rows.push_back({row.seq, row.at, source, std::move(*values)});
    return true;
  }

  std::map<std::int64_t, std::shared_ptr<const Tail::Source>> sources_;  // of the present file
  std::optional<TimestampMs> newest_at_;
  std::size_t values_{0};
};

/// Rows of one cluster as the batches they were, or, of tasks alone, as what a store knows of the
/// past.
class Batches {
 public:
  enum class Of { all, tasks };
  Batches(EntityTable& entities, Of what) : entities_(entities), what_(what) {}

  Batch batch_of(const Tail::Row& row) {
    Columns& columns = columns_[row.source];
    if (!columns.layout || columns.width != row.values.size()) learn(columns, row);
    Batch batch{columns.layout->source, row.at, columns.layout, {}};
    for (const std::size_t column : columns.taken) batch.values.push_back(row.values[column]);
    return batch;
  }

 private:
  struct Columns {
    std::size_t width{};
    std::vector<std::size_t> taken;  // columns that are still series
    std::shared_ptr<const Layout> layout;
  };

  bool is_of_task(const SeriesKey& key) const {
    return entities_.ancestor(key.entity, Level::vertex) != kNoEntity;
  }

  void learn(Columns& columns, const Tail::Row& row) {
    Layout layout;
    layout.source = row.source->number | (what_ == Of::tasks ? kHistoryBit : 0);
    columns.taken.clear();
    columns.width = row.values.size();
    for (std::size_t i = 0; i < std::min(columns.width, row.source->names.size()); ++i) {
      const std::optional<SeriesKey> key = intern_series(entities_, row.source->names[i]);
      if (!key || (what_ == Of::tasks && !is_of_task(*key))) continue;
      columns.taken.push_back(i);
      layout.keys.push_back(*key);
    }
    columns.layout = std::make_shared<const Layout>(std::move(layout));
  }

  EntityTable& entities_;
  Of what_;
  std::map<std::shared_ptr<const Tail::Source>, Columns> columns_;
};

}  // namespace

Result<Tail> read_tail(const std::string& directory) {
  TailReader reader;
  std::vector<HistoryFile> raw = history_files(directory);
  std::erase_if(raw, [](const HistoryFile& file) { return file.binned; });
  std::reverse(raw.begin(), raw.end());
  raw.resize(std::min(raw.size(), kFilesMax));
  for (const HistoryFile& file : raw) {
    const Status done = reader.read(file.path);
    if (done) continue;
    if (done.error().code == ErrorCode::invalid_argument) return done.error();
    reader.tail.problems.push_back(done.error().message);  // the archive will deal with it
  }
  auto& rows = reader.tail.rows;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Tail::Row& a, const Tail::Row& b) { return a.seq < b.seq; });
  const auto same = [](const Tail::Row& a, const Tail::Row& b) { return a.seq == b.seq; };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
  return std::move(reader.tail);
}

std::string catch_up(const Image& image, const std::string& cluster, const Tail& tail,
                     const FeaturePlan& plan, const Limits& limits) {
  const auto is_news = [&](const Tail::Row& row) {
    return row.seq > image.mark && row.source->cluster == cluster;
  };
  const auto first = std::find_if(tail.rows.begin(), tail.rows.end(), is_news);
  if (first == tail.rows.end()) return image.body;
  EntityTable entities(limits.entities_per_cluster_max);
  FeatureStore features(plan, entities, limits);
  // What is not usable is told when it is restored in earnest.
  if (!image.body.empty() && !restore_features(image.body, features, first->at)) return image.body;
  Batches batches(entities, Batches::Of::all);
  for (auto row = first; row != tail.rows.end(); ++row) {
    if (!is_news(*row)) continue;
    if (row->source->number == kSubmissions) {
      features.submitted(row->at);
    } else {
      features.absorb(batches.batch_of(*row));
    }
  }
  return features_image(features);
}

std::vector<Batch> samples_of_tasks(const std::string& cluster, const Tail& tail, TimestampMs now,
                                    EntityTable& entities) {
  Batches batches(entities, Batches::Of::tasks);
  std::vector<Batch> past;
  for (const Tail::Row& row : tail.rows) {
    const bool is_told = row.source->cluster == cluster && row.source->number != kSubmissions;
    if (!is_told || row.at > now || now - row.at > kTailMs) continue;
    Batch batch = batches.batch_of(row);
    if (!batch.values.empty()) past.push_back(std::move(batch));
  }
  return past;
}

}  // namespace doctor
