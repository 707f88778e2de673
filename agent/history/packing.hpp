// Bytes of the history: numbers of few bytes, and zstd around them. Reading never goes past the end
// and never believes a length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doctor {

inline std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63);
}
inline std::int64_t unzigzag(std::uint64_t number) {
  return static_cast<std::int64_t>(number >> 1U) ^ -static_cast<std::int64_t>(number & 1U);
}

/// Seven bits a byte, the lowest first.
void put_number(std::string& bytes, std::uint64_t number);

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes = {}) : rest_(bytes) {}
  std::uint64_t number();
  std::uint8_t byte();
  std::string_view take(std::size_t count);
  /// False once anything was asked for that was not there.
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_{true};
};

std::string compress(std::string_view bytes, int level);
/// Nothing when damaged, or larger than `bytes_max`.
std::optional<std::string> decompress(std::string_view packed, std::size_t bytes_max);

}  // namespace doctor
