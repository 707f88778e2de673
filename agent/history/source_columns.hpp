// SourceColumns: which column of a source's history each series stands in. A source that tells now
// this, now that (REST) has one set of columns all the same. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/history/history_row.hpp"
#include "model/batch.hpp"

namespace doctor {

class SourceColumns {
 public:
  explicit SourceColumns(std::int64_t id) : id_(id) {}

  /// False when entities of its columns are no more, or most columns stand empty: then a new set
  /// has to begin.
  bool fits(const Batch& batch, const EntityTable& entities);
  /// The values by column. `added` gets the names of columns that did not exist before.
  std::vector<double> place(const Batch& batch, const EntityTable& entities,
                            std::vector<std::string>& added);

  std::int64_t id() const { return id_; }
  std::size_t size() const { return columns_.size(); }
  TimestampMs used() const { return used_; }

 private:
  void learn(const std::shared_ptr<const Layout>& layout, const EntityTable& entities,
             std::vector<std::string>& added);

  std::int64_t id_;
  std::vector<std::pair<SeriesKey, std::uint32_t>> columns_;  // by key
  std::shared_ptr<const Layout> layout_;                      // of the last batch
  std::vector<std::uint32_t> places_;                         // of its keys
  std::size_t widest_{0};                                     // of all batches
  std::uint64_t releases_{0};                                 // of the table, when all was well
  TimestampMs used_{0};
};

using SourceKey = std::pair<std::string, SourceId>;  // of a cluster

/// A batch as a row of its source, whose columns are begun anew where it does not fit them. `seq`
/// counts rows and sets of columns.
HistoryRow row_of(const std::string& cluster, const Batch& batch, const EntityTable& entities,
                  std::map<SourceKey, SourceColumns>& sources, std::int64_t& seq);

}  // namespace doctor
