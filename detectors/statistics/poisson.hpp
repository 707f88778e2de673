// Counts of independent events: how sure a rate is that was seen k times, and how odd a count is.
#pragma once

#include <cstdint>

namespace doctor {

struct MeanInterval {
  double low{};
  double high{};
};

/// Exact (Garwood) interval of the mean behind k events: [chi2(a/2, 2k), chi2(1-a/2, 2k+2)] / 2.
MeanInterval poisson_interval(std::uint64_t k, double confidence = 0.95);

/// P(X >= k) for X ~ Poisson(mean).
double poisson_tail(std::uint64_t k, double mean);

}  // namespace doctor
