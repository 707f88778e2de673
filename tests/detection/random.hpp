// Seeded random numbers that are the same on every machine and library, unlike the distributions of
// <random>. SplitMix64 (Steele, Lea, Flood 2014).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace doctor::detection {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  /// An independent stream: what one part of a case draws does not shift another's.
  Random fork() { return Random(bits()); }

  double uniform() { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double log_uniform(double low, double high) { return low * std::pow(high / low, uniform()); }
  bool chance(double p) { return uniform() < p; }
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(uniform() * static_cast<double>(n));
  }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  /// 1 on average, with this spread of its logarithm; the tails beyond 4 spreads are cut.
  double around_one(double spread) { return std::exp(spread * std::clamp(normal(), -4.0, 4.0)); }

 private:
  std::uint64_t state_;
};

}  // namespace doctor::detection
