#include "agent/history/binner.hpp"

#include <algorithm>
#include <utility>

namespace doctor {

Status Binner::add(const SampleTable& table) {
  for (std::size_t row = 0; row < table.at.size(); ++row) {
    const std::int64_t bin = table.at[row] / kBinMs;
    if (bin_ && bin > *bin_) {
      close_bin();
      if (4 * tables_[0].cells() + 4 * is_gauge_.size() > kTableCellsMax) {
        if (const Status ok = flush(); !ok) return ok;
      }
    }
    bin_ = bin_ ? std::max(*bin_, bin) : bin;
    add_row(table, row);
  }
  return Done{};
}

void Binner::add_row(const SampleTable& table, std::size_t row) {
  const std::size_t width = std::min(open_.size(), table.columns.size());
  for (std::size_t i = 0; i < width; ++i) {
    const double value = table.columns[i][row];
    if (!is_present(value)) continue;
    Column& column = open_[i];
    column.least = column.count == 0 ? value : std::min(column.least, value);
    column.most = column.count == 0 ? value : std::max(column.most, value);
    column.last = value;
    column.sum += value;
    ++column.count;
  }
}

void Binner::close_bin() {
  for (SampleTable& table : tables_) {
    table.columns.resize(is_gauge_.size());
    table.at.push_back(*bin_ * kBinMs);
  }
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const Column column = std::exchange(open_[i], {});
    const bool has_range = column.count > 0 && is_gauge_[i];
    const double mean = column.sum / static_cast<double>(std::max<std::uint64_t>(column.count, 1));
    tables_[0].columns[i].push_back(column.count > 0 ? column.last : kAbsent);
    tables_[1].columns[i].push_back(has_range ? column.least : kAbsent);
    tables_[2].columns[i].push_back(has_range ? column.most : kAbsent);
    tables_[3].columns[i].push_back(has_range ? mean : kAbsent);
  }
}

Status Binner::flush() {
  constexpr std::array kKinds{ChunkKind::last, ChunkKind::least, ChunkKind::most, ChunkKind::mean};
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    const SampleTable table = std::exchange(tables_[i], {});
    if (table.at.empty()) continue;
    if (const Status ok = emit_(kKinds[i], table); !ok) return ok;
  }
  return Done{};
}

Status Binner::finish() {
  if (bin_) close_bin();
  bin_.reset();
  return flush();
}

}  // namespace doctor
