// How the values of one series are written down: as what repeats, as differences of whole numbers
// (of the value times a power of ten where that is exact), or as what changed in the bits. The
// bytes of all differences stand in planes, the highest first, and planes of one kind from all
// columns together, so that a compressor finds in each what is alike.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/history/packing.hpp"

namespace doctor {

/// By what is written (differences or bits), by how many bytes a value takes, and by which of them.
inline constexpr std::size_t kPlaneStreams = 2 * 36;

class ColumnWriter {
 public:
  void put(std::span<const double> values);
  /// All of it, compressed.
  std::string pack(int level) const;

 private:
  void put_head(unsigned how, const std::string& present);
  void put_values(std::span<const double> values, const std::string& present);
  void put_whole(std::span<const double> values, unsigned power, const std::string& present);
  void put_planes(std::span<const std::uint64_t> numbers, std::size_t apart, bool are_bits);

  std::string heads_;
  std::array<std::string, kPlaneStreams> planes_;
};

class ColumnReader {
 public:
  /// Nothing when the bytes are damaged, or unpack to more than `bytes_max`.
  static std::optional<ColumnReader> unpack(std::string_view packed, std::size_t bytes_max);

  /// The next column. `into` null skips it. False when the bytes are damaged.
  bool read(std::size_t rows, std::vector<double>* into);

 private:
  ColumnReader() = default;
  bool read_values(std::uint8_t head, std::size_t count, std::vector<double>* into);
  bool read_planes(std::size_t count, std::size_t apart, bool are_bits,
                   std::vector<std::uint64_t>* into);

  std::vector<std::unique_ptr<const std::string>> bytes_;  // what the readers look at
  ByteReader heads_;
  std::array<ByteReader, kPlaneStreams> planes_;
};

}  // namespace doctor
