#include "bench/disk/recorded.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "agent/history/series_names.hpp"
#include "agent/history/source_columns.hpp"
#include "agent/recording/recording_reader.hpp"

namespace doctor::bench {
namespace {

constexpr std::size_t kEntitiesMax = 1U << 20U;

class Rows {
 public:
  Recorded recorded;

  void add(const std::string& cluster, const Batch& batch, const EntityTable& entities) {
    recorded.rows.push_back(row_of(cluster, batch, entities, sources_, seq_));
    add_series(cluster, batch, entities);
  }

 private:
  void add_series(const std::string& cluster, const Batch& batch, const EntityTable& entities) {
    std::vector<RecordedSeries*>& known = series_[batch.layout.get()];
    if (known.empty()) {
      layouts_.push_back(batch.layout);  // so that no other one stands there later
      const std::string prefix = cluster + "/" + std::to_string(batch.source) + " ";
      for (const SeriesKey& of : batch.layout->keys) {
        known.push_back(&recorded.series[prefix + series_name(entities, of)]);
      }
    }
    for (std::size_t i = 0; i < batch.values.size(); ++i) {
      if (!is_present(batch.values[i])) continue;
      known[i]->times.push_back(batch.at);
      known[i]->values.push_back(batch.values[i]);
    }
  }

  std::map<SourceKey, SourceColumns> sources_;
  std::map<const Layout*, std::vector<RecordedSeries*>> series_;  // by the layout's keys
  std::vector<std::shared_ptr<const Layout>> layouts_;
  std::int64_t seq_{0};
};

}  // namespace

double Recorded::samples() const {
  double sum = 0;
  for (const auto& [name, of] : series) sum += static_cast<double>(of.values.size());
  return sum;
}

Result<Recorded> read_recorded(const std::string& path) {
  Result<RecordingReader> reader = RecordingReader::open(path);
  if (!reader) return reader.error();
  std::vector<std::unique_ptr<EntityTable>> tables;
  std::vector<EntityTable*> attached;
  const std::vector<JudgeConfig> clusters = reader->opening().clusters;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    attached.push_back(tables.emplace_back(std::make_unique<EntityTable>(kEntitiesMax)).get());
  }
  reader->attach(attached);
  Rows rows;
  while (const std::optional<Record> record = reader->next()) {
    const auto* item = std::get_if<StreamItem>(&*record);
    const auto* batch = item == nullptr ? nullptr : std::get_if<Batch>(&item->what);
    if (batch == nullptr || is_history(batch->source)) continue;
    rows.add(clusters[item->cluster].cluster, *batch, *tables[item->cluster]);
  }
  // A series of which nothing was ever told is none.
  std::erase_if(rows.recorded.series, [](const auto& of) { return of.second.values.empty(); });
  return std::move(rows.recorded);
}

}  // namespace doctor::bench
