// HistoryRow: one scrape of one source on its way to the disk. Its values stand in the columns of
// that source, which only ever grow; columns have names, since entity ids do not survive a restart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/batch.hpp"

namespace doctor {

struct NewColumns {
  std::string cluster;
  SourceId number{};
  std::uint32_t first{};           // column
  std::vector<std::string> names;  // of series (series_names.hpp)
};

struct HistoryRow {
  std::int64_t seq{};     // counts all rows, over restarts
  std::int64_t source{};  // never given twice
  TimestampMs at{};
  std::vector<double> values;       // by column; those that came later are absent
  std::optional<NewColumns> added;  // with this row
};

/// The number of a source that has no series: each of its rows says that a job was submitted then.
inline constexpr SourceId kSubmissions = 0xFFFFFFFFU;

}  // namespace doctor
