#include "agent/history/packing.hpp"

#include <zstd.h>

namespace doctor {

void put_number(std::string& bytes, std::uint64_t number) {
  while (number >= 0x80U) {
    bytes.push_back(static_cast<char>((number & 0x7FU) | 0x80U));
    number >>= 7U;
  }
  bytes.push_back(static_cast<char>(number));
}

std::uint8_t ByteReader::byte() {
  const std::string_view one = take(1);
  return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
}

std::uint64_t ByteReader::number() {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t next = byte();
    number |= static_cast<std::uint64_t>(next & 0x7FU) << shift;
    if ((next & 0x80U) == 0) return number;
  }
  ok_ = false;
  return 0;
}

std::string_view ByteReader::take(std::size_t count) {
  if (count > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::string compress(std::string_view bytes, int level) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), level);
  packed.resize(ZSTD_isError(size) != 0 ? 0 : size);
  packed.shrink_to_fit();  // column names are kept as long as their source
  return packed;
}

std::optional<std::string> decompress(std::string_view packed, std::size_t bytes_max) {
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  // What is unknown or no frame at all is larger than any limit, too.
  if (size > bytes_max) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const std::size_t got = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != bytes.size()) return std::nullopt;
  return bytes;
}

}  // namespace doctor
