#include "detectors/statistics/poisson.hpp"

#include <algorithm>
#include <cmath>

namespace doctor {

namespace {

// P(X <= k), summed from the largest term down so that large means do not underflow at once.
double poisson_head(std::uint64_t k, double mean) {
  if (mean <= 0) return 1;
  const double log_mean = std::log(mean);
  double sum = 0;
  for (std::uint64_t i = k + 1; i-- > 0;) {
    const double n = static_cast<double>(i);
    const double term = std::exp(n * log_mean - mean - std::lgamma(n + 1));
    sum += term;
    if (n < mean && term < sum * 1e-17) break;
  }
  return std::min(sum, 1.0);
}

// The mean at which P(X <= k) has fallen to `probability`; the head falls as the mean rises.
double mean_with_head(std::uint64_t k, double probability) {
  double low = 0;
  double high = static_cast<double>(k) + 10 * std::sqrt(static_cast<double>(k) + 1) + 20;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (poisson_head(k, middle) > probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

MeanInterval poisson_interval(std::uint64_t k, double confidence) {
  const double tail = (1 - confidence) / 2;
  MeanInterval interval;
  interval.high = mean_with_head(k, tail);
  if (k > 0) interval.low = mean_with_head(k - 1, 1 - tail);
  return interval;
}

double poisson_tail(std::uint64_t k, double mean) {
  if (k == 0) return 1;
  if (mean <= 0) return 0;
  if (static_cast<double>(k) <= mean) return 1 - poisson_head(k - 1, mean);
  // Far tail: add upwards, since 1 - head would cancel.
  double sum = 0;
  for (std::uint64_t i = k;; ++i) {
    const double n = static_cast<double>(i);
    const double term = std::exp(n * std::log(mean) - mean - std::lgamma(n + 1));
    sum += term;
    if (term <= sum * 1e-16) return std::min(sum, 1.0);
  }
}

}  // namespace doctor
