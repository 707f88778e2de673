// Needles: which of many fixed texts occur in a line, in one pass over its bytes (Aho and Corasick,
// 1975), so that what following a busy log costs does not grow with the table of texts.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace doctor {

class Needles {
 public:
  static constexpr std::size_t kMax = 128;
  using Found = std::bitset<kMax>;  // by index of the needle

  /// At most kMax needles, none empty, below 65,536 bytes in all; anything else is a bug.
  explicit Needles(std::span<const std::string_view> needles);

  Found find(std::string_view text) const;

 private:
  using State = std::uint16_t;

  State& next(State state, std::uint8_t byte_class) {
    return next_[std::size_t{state} * classes_ + byte_class];
  }
  State add_state();
  void add_needle(std::string_view needle, std::size_t index);
  void connect();

  std::array<std::uint8_t, 256> class_of_{};  // 0: a byte of no needle
  std::size_t classes_{1};
  std::vector<State> next_;  // state × class; state 0 has seen nothing
  std::vector<Found> ends_;  // the needles that end in a state
  std::vector<bool> is_end_;
};

}  // namespace doctor
