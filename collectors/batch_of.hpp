// The last step of every collector: series in order of their keys become a batch, with the layout
// of the batch before where nothing but values changed.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "model/batch.hpp"

namespace doctor {

/// `series` sorted by key, each key once.
inline Batch batch_of(SourceId source, TimestampMs at, EntityId process,
                      const std::vector<std::pair<SeriesKey, double>>& series,
                      const std::shared_ptr<const Layout>& previous) {
  Batch batch;
  batch.source = source;
  batch.at = at;
  std::vector<SeriesKey> keys;
  keys.reserve(series.size());
  batch.values.reserve(series.size());
  for (const auto& [key, value] : series) {
    keys.push_back(key);
    batch.values.push_back(value);
  }
  if (previous && previous->process == process && previous->keys == keys) {
    batch.layout = previous;
  } else {
    const std::uint64_t version = previous ? previous->version + 1 : 1;
    batch.layout =
        std::make_shared<const Layout>(Layout{source, version, process, std::move(keys)});
  }
  return batch;
}

}  // namespace doctor
