// What a series is known by from scrape to scrape: a 128-bit hash of its name and labels exactly as
// on the wire. NH over 64-bit words (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO '99),
// under a key that is drawn at random when the process starts and never leaves it: any two texts
// that were chosen without knowing the key meet with a probability of at most 2^-63, whatever a
// hostile target chooses.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace doctor {

struct RawKey {
  std::uint64_t high{};
  std::uint64_t low{};
  bool operator==(const RawKey&) const = default;
  auto operator<=>(const RawKey&) const = default;
};

class RawHash {
 public:
  using Seed = std::array<std::uint32_t, 8>;
  /// No line of a reporter is longer (Limits::reporter_line_bytes_max).
  static constexpr std::size_t kTextBytesMax = 64U << 10U;

  explicit RawHash(const Seed& seed);
  /// The one of this process.
  static const RawHash& of_process();

  /// `text` has at most kTextBytesMax bytes.
  RawKey operator()(std::string_view text) const;

 private:
  std::array<std::uint64_t, kTextBytesMax / sizeof(std::uint64_t) + 2> key_{};
};

}  // namespace doctor
