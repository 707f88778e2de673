#include "tests/detection/exact_bounds.hpp"

#include <cmath>

#include "detectors/statistics/poisson.hpp"

namespace doctor::detection {
namespace {

/// P(X ≥ hits) for X ~ Binomial(n, share).
double binomial_tail(std::uint64_t hits, std::uint64_t n, double share) {
  double sum = 0;
  const auto trials = static_cast<double>(n);
  for (std::uint64_t i = hits; i <= n; ++i) {
    const auto successes = static_cast<double>(i);
    sum += std::exp(std::lgamma(trials + 1) - std::lgamma(successes + 1) -
                    std::lgamma(trials - successes + 1) + successes * std::log(share) +
                    (trials - successes) * std::log1p(-share));
  }
  return sum;
}

}  // namespace

double share_low(std::uint64_t hits, std::uint64_t n, double confidence) {
  if (hits == 0 || n == 0) return 0;
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (binomial_tail(hits, n, middle) < 1 - confidence ? low : high) = middle;
  }
  return low;
}

double mean_high(std::uint64_t k, double confidence) {
  // The upper end of a two-sided interval with both tails as small as our one.
  return poisson_interval(k, 2 * confidence - 1).high;
}

}  // namespace doctor::detection
