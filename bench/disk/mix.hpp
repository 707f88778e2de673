// The mix of series that a Flink shows (bench/flink_body.hpp), as values over time whose entropy is
// known: how many bits a sample takes, however cleverly it is written down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace doctor::bench {

class Mix {
 public:
  explicit Mix(std::size_t series, std::uint64_t seed);

  /// The next scrape, 15 s after the one before.
  const std::vector<double>& next();
  /// Of one sample, on average.
  double floor_bits() const;
  std::size_t series() const { return values_.size(); }
  /// As SourceColumns names them.
  std::vector<std::string> names(const std::string& process) const;

 private:
  enum class Nature : std::uint8_t { zero, counter, noise, clock, small };
  static Nature nature(std::size_t series);
  double step(Nature nature, double value);
  static double entropy_bits(Nature nature);

  std::mt19937_64 random_;
  std::vector<double> values_;
};

}  // namespace doctor::bench
