#include "agent/history/source_columns.hpp"

#include <algorithm>

#include "agent/history/series_names.hpp"

namespace doctor {
namespace {

constexpr std::size_t kSpareColumns = 256;
constexpr std::size_t kSpareFactor = 4;

}  // namespace

bool SourceColumns::fits(const Batch& batch, const EntityTable& entities) {
  if (entities.releases() != releases_) {
    const bool all_stand = std::all_of(columns_.begin(), columns_.end(), [&](const auto& column) {
      return entities.stands_since(column.first.entity, releases_);
    });
    if (!all_stand) return false;
    releases_ = entities.releases();
  }
  widest_ = std::max(widest_, batch.values.size());
  return columns_.size() <= kSpareFactor * widest_ + kSpareColumns;
}

std::vector<double> SourceColumns::place(const Batch& batch, const EntityTable& entities,
                                         std::vector<std::string>& added) {
  if (columns_.empty()) releases_ = entities.releases();
  if (batch.layout != layout_) learn(batch.layout, entities, added);
  used_ = batch.at;
  std::vector<double> values(columns_.size(), kAbsent);
  for (std::size_t i = 0; i < batch.values.size(); ++i) values[places_[i]] = batch.values[i];
  return values;
}

void SourceColumns::learn(const std::shared_ptr<const Layout>& layout, const EntityTable& entities,
                          std::vector<std::string>& added) {
  const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
  const std::size_t known = columns_.size();
  const auto known_end = [&] { return columns_.begin() + static_cast<std::ptrdiff_t>(known); };
  places_.clear();
  for (const SeriesKey& key : layout->keys) {
    const auto found = std::lower_bound(columns_.begin(), known_end(), std::pair{key, 0U}, by_key);
    if (found != known_end() && found->first == key) {
      places_.push_back(found->second);
      continue;
    }
    const auto column = static_cast<std::uint32_t>(columns_.size());
    places_.push_back(column);
    columns_.emplace_back(key, column);
    added.push_back(series_name(entities, key));
  }
  std::sort(columns_.begin(), columns_.end(), by_key);
  layout_ = layout;
}

HistoryRow row_of(const std::string& cluster, const Batch& batch, const EntityTable& entities,
                  std::map<SourceKey, SourceColumns>& sources, std::int64_t& seq) {
  const SourceKey key{cluster, batch.source};
  auto source = sources.find(key);
  if (source != sources.end() && !source->second.fits(batch, entities)) {
    sources.erase(source);
    source = sources.end();
  }
  const bool is_new = source == sources.end();
  if (is_new) source = sources.emplace(key, SourceColumns(++seq)).first;
  SourceColumns& columns = source->second;
  NewColumns added{cluster, batch.source, static_cast<std::uint32_t>(columns.size()), {}};
  HistoryRow row{++seq, columns.id(), batch.at, columns.place(batch, entities, added.names), {}};
  if (is_new || !added.names.empty()) row.added = std::move(added);
  return row;
}

}  // namespace doctor
