// Of which kinds recorded series are, and how many bits their samples take, as far as they show it
// themselves: nobody drew them, so that is reckoned from what was seen.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "bench/disk/recorded.hpp"

namespace doctor::bench {

enum class SeriesKind : std::uint8_t {
  constant,  // the same all the time
  counter,   // whole numbers that never fall
  number,    // other whole numbers
  digits     // rates, shares and times with a fraction
};
inline constexpr std::array<std::string_view, 4> kSeriesKinds{"constant", "counter", "number",
                                                              "digits"};

struct KindSum {
  double series{0}, samples{0};
  // Of all samples together.
  double bits{0};           // entropy_bits()
  double learning_bits{0};  // learning_bits()
};

SeriesKind kind_of(const std::vector<double>& values);
/// Order-0 entropy of the values, of their steps or of the changes of these, whichever is least,
/// times their number: what a code for the symbols of this series alone takes that is told how
/// frequent each of them is. What a series of few samples really takes is more.
double entropy_bits(const std::vector<double>& values);
/// The same for a code that has to learn the symbols and their frequencies as it goes: a new one
/// announces itself (Witten and Bell 1991, method C) and is written out, a whole number with as
/// many bits as it has, twice (Elias 1975), any other with 64.
double learning_bits(const std::vector<double>& values);
std::array<KindSum, kSeriesKinds.size()> kinds_of(const Recorded& recorded);

}  // namespace doctor::bench
