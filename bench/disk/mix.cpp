#include "bench/disk/mix.hpp"

namespace doctor::bench {

Mix::Mix(std::size_t series, std::uint64_t seed) : random_(seed), values_(series) {
  for (std::size_t i = 0; i < series; ++i) {
    const Nature what = nature(i);
    if (what == Nature::counter) values_[i] = static_cast<double>(random_() % 1'000'000'000);
    if (what == Nature::clock) values_[i] = 1.73e12;
  }
}

/// In 20: 8 zeros, 5 large counters, 3 noisy gauges, 1 watermark, 3 small numbers.
Mix::Nature Mix::nature(std::size_t series) {
  const std::size_t place = series % 20;
  return place < 8    ? Nature::zero
         : place < 13 ? Nature::counter
         : place < 16 ? Nature::noise
         : place < 17 ? Nature::clock
                      : Nature::small;
}

double Mix::step(Nature nature, double value) {
  switch (nature) {
    case Nature::zero:
      return 0;
    case Nature::counter:
      return value + 9000 + static_cast<double>(random_() % 256);
    case Nature::noise:  // a rate, which Flink computes with all its digits
      return static_cast<double>(random_() >> 11U) * 0x1p-53 * 1000;
    case Nature::clock:
      return value + 14'968 + static_cast<double>(random_() % 64);
    case Nature::small:
      return random_() % 2 == 0 ? value : static_cast<double>(random_() % 16);
  }
  return 0;
}

double Mix::entropy_bits(Nature nature) {
  switch (nature) {
    case Nature::counter:
      return 8;
    case Nature::noise:
      return 52;
    case Nature::clock:
      return 6;
    case Nature::small:
      return 2.87;  // stays with 17/32, else one of 15
    default:
      return 0;
  }
}

const std::vector<double>& Mix::next() {
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = step(nature(i), values_[i]);
  return values_;
}

double Mix::floor_bits() const {
  double sum = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) sum += entropy_bits(nature(i));
  return sum / static_cast<double>(values_.size());
}

std::vector<std::string> Mix::names(const std::string& process) const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const bool counts = nature(i) == Nature::counter;
    all.push_back(std::string(counts ? "task_records_in" : "jvm_heap_used") +
                  " process=" + process + "/collector=" + std::to_string(i));
  }
  return all;
}

}  // namespace doctor::bench
