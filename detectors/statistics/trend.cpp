#include "detectors/statistics/trend.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace doctor {

namespace {

// P(inversions of a random permutation of n <= at_most), by adding one element at a time: the k-th
// one makes 0 … k-1 inversions with equal probability, so a count's probability is the mean of k of
// the ones before. Counts above at_most are never needed, and running sums give each mean at once.
double inversions_at_most(std::size_t n, std::size_t at_most) {
  if (at_most >= n * (n - 1) / 2) return 1;
  std::vector<double> up_to(at_most + 1, 1.0);  // P(<= i); of one element alone there are none
  for (std::size_t k = 2; k <= n; ++k) {
    double sum = 0;
    std::vector<double> next(at_most + 1);
    for (std::size_t i = 0; i <= at_most; ++i) {
      sum += (up_to[i] - (i >= k ? up_to[i - k] : 0)) / static_cast<double>(k);
      next[i] = sum;
    }
    up_to = std::move(next);
  }
  return std::min(up_to[at_most], 1.0);
}

}  // namespace

RisingTest rising_test(std::span<const double> values) {
  if (values.size() > kRisingPointsMax) values = values.last(kRisingPointsMax);
  RisingTest test;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      if (values[j] > values[i]) {
        ++test.concordant;
      } else if (values[j] < values[i]) {
        ++test.discordant;
      } else {
        ++test.tied;
      }
    }
  }
  if (values.size() < 2) return test;
  test.p = inversions_at_most(values.size(), static_cast<std::size_t>(test.discordant) +
                                                 static_cast<std::size_t>(test.tied));
  return test;
}

std::optional<double> median(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  std::vector<double> parted(values.begin(), values.end());
  const auto middle = parted.begin() + static_cast<std::ptrdiff_t>(parted.size() / 2);
  std::nth_element(parted.begin(), middle, parted.end());
  if (parted.size() % 2 == 1) return *middle;
  return (*std::max_element(parted.begin(), middle) + *middle) / 2;
}

std::vector<double> pairwise_slopes(std::span<const double> x, std::span<const double> y) {
  const std::size_t n = std::min(x.size(), y.size());
  std::vector<double> slopes;
  slopes.reserve(n * n / 2);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      if (x[j] != x[i]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
    }
  }
  return slopes;
}

Slope slope_between(std::vector<double> slopes, double spread) {
  std::sort(slopes.begin(), slopes.end());
  Slope slope;
  const std::size_t middle = slopes.size() / 2;
  slope.value = slopes.size() % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2;
  slope.low = -std::numeric_limits<double>::infinity();
  slope.high = std::numeric_limits<double>::infinity();
  const double pairs = static_cast<double>(slopes.size());
  const double low_rank = std::floor((pairs - spread) / 2);
  const double high_rank = std::ceil((pairs + spread) / 2);
  if (low_rank >= 0) slope.low = slopes[static_cast<std::size_t>(low_rank)];
  if (high_rank < pairs) slope.high = slopes[static_cast<std::size_t>(high_rank)];
  return slope;
}

std::optional<Slope> theil_sen(std::span<const double> x, std::span<const double> y) {
  std::vector<double> slopes = pairwise_slopes(x, y);
  if (slopes.empty()) return std::nullopt;
  // C = q * sqrt(Var S); q = 2.4 covers 95 % where 1.96 does not.
  const double n = static_cast<double>(std::min(x.size(), y.size()));
  return slope_between(std::move(slopes), 2.4 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18));
}

}  // namespace doctor
