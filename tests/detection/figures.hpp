// The figures of one row of the table.
#pragma once

#include <cstdint>

#include "tests/detection/bench.hpp"

namespace doctor::detection {

struct Figures {
  double recall{}, recall_low{}, precision{}, f1{};
  double false_pushed{}, false_certain{}, weeks{}, false_rate{}, false_rate_high{};
};

Figures figures_of(const Tally& tally, const GoalTally& goal, const Exposure& exposure);

inline double ratio(double part, std::uint64_t n) {
  return n == 0 ? 0 : part / static_cast<double>(n);
}

}  // namespace doctor::detection
