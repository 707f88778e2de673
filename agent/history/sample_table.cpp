#include "agent/history/sample_table.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "agent/history/column_codec.hpp"
#include "agent/history/packing.hpp"

namespace doctor {
namespace {

constexpr int kTableLevel = 6;  // of zstd: packed once in two hours
constexpr int kRowLevel = 1;
// A column takes 10 bytes a value at worst, and a few of its own.
constexpr std::size_t kTableBytesMax = 40 * kTableCellsMax;

std::vector<double> as_doubles(std::span<const TimestampMs> times) {
  return {times.begin(), times.end()};  // milliseconds are exact up to 2^53
}

/// The highest bytes of all values first: they are alike.
std::string planes_of(std::span<const double> values) {
  std::string planes(8 * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<std::uint64_t>(values[i]);
    for (std::size_t plane = 0; plane < 8; ++plane) {
      planes[plane * values.size() + i] = static_cast<char>((bits >> (56 - 8 * plane)) & 0xFFU);
    }
  }
  return planes;
}

}  // namespace

std::string pack_table(const SampleTable& table) {
  std::string packed;
  put_number(packed, table.at.size());
  put_number(packed, table.columns.size());
  ColumnWriter writer;
  writer.put(as_doubles(table.at));
  for (const std::vector<double>& column : table.columns) writer.put(column);
  return packed + writer.pack(kTableLevel);
}

std::optional<SampleTable> unpack_columns(std::string_view packed,
                                          std::span<const std::uint32_t> wanted) {
  ByteReader head(packed);
  const std::uint64_t rows = head.number();
  const std::uint64_t width = head.number();
  const std::uint64_t cells_max = kTableCellsMax;
  if (!head.ok() || rows > cells_max || width > cells_max || rows * width > cells_max) {
    return std::nullopt;
  }
  std::optional<ColumnReader> reader = ColumnReader::unpack(head.rest(), kTableBytesMax);
  SampleTable table;
  std::vector<double> times;
  if (!reader || !reader->read(rows, &times)) return std::nullopt;
  for (const double time : times) {
    if (!(time > -9e15 && time < 9e15)) return std::nullopt;
    table.at.push_back(static_cast<TimestampMs>(time));
  }
  std::size_t next = 0;
  for (std::uint64_t column = 0; column < width && next < wanted.size(); ++column) {
    const bool is_wanted = wanted[next] == column;
    if (is_wanted) ++next;
    std::vector<double>* into = is_wanted ? &table.columns.emplace_back() : nullptr;
    if (!reader->read(rows, into)) return std::nullopt;
  }
  // Columns that came to the source later than this table.
  for (; next < wanted.size(); ++next) table.columns.emplace_back(table.at.size(), kAbsent);
  return table;
}

std::optional<SampleTable> unpack_table(std::string_view packed) {
  ByteReader head(packed);
  head.number();
  const std::uint64_t width = head.number();
  if (!head.ok() || width > kTableCellsMax) return std::nullopt;
  std::vector<std::uint32_t> all(static_cast<std::size_t>(width));
  std::iota(all.begin(), all.end(), 0U);
  return unpack_columns(packed, all);
}

std::string pack_row(std::span<const double> values) {
  return compress(planes_of(values), kRowLevel);
}

std::optional<std::vector<double>> unpack_row(std::string_view packed) {
  const std::optional<std::string> planes = decompress(packed, 8 * kTableCellsMax);
  if (!planes || planes->size() % 8 != 0) return std::nullopt;
  std::vector<double> values(planes->size() / 8);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t bits = 0;
    for (std::size_t plane = 0; plane < 8; ++plane) {
      bits = (bits << 8U) | static_cast<unsigned char>((*planes)[plane * values.size() + i]);
    }
    values[i] = std::bit_cast<double>(bits);
  }
  return values;
}

}  // namespace doctor
