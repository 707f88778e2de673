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
  std::string bytes;
  put_number(bytes, table.at.size());
  put_number(bytes, table.columns.size());
  put_column(bytes, as_doubles(table.at));
  for (const std::vector<double>& column : table.columns) put_column(bytes, column);
  return compress(bytes, kTableLevel);
}

std::optional<SampleTable> unpack_columns(std::string_view packed,
                                          std::span<const std::uint32_t> wanted) {
  const std::optional<std::string> bytes = decompress(packed, kTableBytesMax);
  if (!bytes) return std::nullopt;
  ByteReader reader(*bytes);
  const std::uint64_t rows = reader.number();
  const std::uint64_t width = reader.number();
  const std::uint64_t cells_max = kTableCellsMax;
  if (!reader.ok() || rows > cells_max || width > cells_max || rows * width > cells_max) {
    return std::nullopt;
  }
  SampleTable table;
  std::vector<double> times;
  if (!read_column(reader, rows, &times)) return std::nullopt;
  for (const double time : times) {
    if (!(time > -9e15 && time < 9e15)) return std::nullopt;
    table.at.push_back(static_cast<TimestampMs>(time));
  }
  std::size_t next = 0;
  for (std::uint64_t column = 0; column < width && next < wanted.size(); ++column) {
    const bool is_wanted = wanted[next] == column;
    if (is_wanted) ++next;
    std::vector<double>* into = is_wanted ? &table.columns.emplace_back() : nullptr;
    if (!read_column(reader, rows, into)) return std::nullopt;
  }
  // Columns that came to the source later than this table.
  for (; next < wanted.size(); ++next) table.columns.emplace_back(table.at.size(), kAbsent);
  return table;
}

std::optional<SampleTable> unpack_table(std::string_view packed) {
  const std::optional<std::string> bytes = decompress(packed, kTableBytesMax);
  if (!bytes) return std::nullopt;
  ByteReader reader(*bytes);
  reader.number();
  const std::uint64_t width = reader.number();
  if (!reader.ok() || width > kTableCellsMax) return std::nullopt;
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
