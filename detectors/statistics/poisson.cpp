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

double gamma_poisson_tail(std::uint64_t k, double shape, double exposure, double span) {
  if (k == 0) return 1;
  const double q = span / (exposure + span);
  if (q <= 0) return 0;
  const auto n = static_cast<double>(k);
  // Below the mean the head is short and does not cancel, but may begin below the least double.
  const bool is_head = n <= shape * q / (1 - q);
  const double first = std::pow(1 - q, shape);
  if (is_head && first > 0) {
    double term = first;
    double head = term;
    for (double i = 1; i < n; ++i) head += term *= q * (shape + i - 1) / i;
    return std::max(0.0, 1 - head);
  }
  double term = std::exp(std::lgamma(shape + n) - std::lgamma(n + 1) - std::lgamma(shape) +
                         n * std::log(q) + shape * std::log1p(-q));
  if (is_head && term == 0) return 1;
  double sum = 0;
  for (double i = n; term > sum * 1e-12; ++i) {
    sum += term;
    term *= q * (shape + i) / (i + 1);
  }
  return std::min(sum, 1.0);
}

double gamma_poisson_wait(std::uint64_t k, double shape, double exposure, double probability) {
  double low = 0;
  double high = exposure * (static_cast<double>(k) + 1) / shape;
  while (gamma_poisson_tail(k, shape, exposure, high) < probability) high *= 2;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (gamma_poisson_tail(k, shape, exposure, middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace doctor
