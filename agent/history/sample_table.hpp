// SampleTable: what one source told over some hours, a column for each series, and how it is packed
// for the disk. Every value comes back bit by bit; kAbsent, where a scrape did not have a series,
// does too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.hpp"

namespace doctor {

/// Bounds what one table takes in memory: 4 MiB of values.
inline constexpr std::size_t kTableCellsMax = 1U << 19U;

struct SampleTable {
  std::vector<TimestampMs> at;               // of the rows, as they came
  std::vector<std::vector<double>> columns;  // each of at.size()

  std::size_t cells() const { return at.size() * columns.size(); }
};

std::string pack_table(const SampleTable& table);
/// Only the columns `wanted` (ascending; empty is none) are decoded, in that order. Nothing when
/// the bytes are damaged.
std::optional<SampleTable> unpack_columns(std::string_view packed,
                                          std::span<const std::uint32_t> wanted);
std::optional<SampleTable> unpack_table(std::string_view packed);

/// One row of a table, for the journal.
std::string pack_row(std::span<const double> values);
std::optional<std::vector<double>> unpack_row(std::string_view packed);

}  // namespace doctor
