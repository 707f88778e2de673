#include "detectors/statistics/robust_trend.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "detectors/statistics/robust.hpp"

namespace doctor {
namespace {

// Measured: with 1.96 a nominal 95 % covers 91 % at phi = 0 and 81 % at .9, with 2.4 97 % and 89 %.
constexpr double kIntervalQuantile = 2.4;
constexpr double kPhiMax = 0.97;
constexpr std::size_t kPointsMin = 4;
constexpr double kRounding = 1e-12;

double sign_sum(std::span<const double> x) {
  int sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) sum += (x[j] > x[i]) - (x[j] < x[i]);
  }
  return sum;
}

double tie_term(std::span<const double> x) {
  std::vector<double> sorted(x.begin(), x.end());
  std::sort(sorted.begin(), sorted.end());
  double term = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t j = i;
    while (j < sorted.size() && sorted[j] == sorted[i]) ++j;
    const auto equal = static_cast<double>(j - i);
    term += equal * (equal - 1) * (2 * equal + 5);
    i = j;
  }
  return term;
}

/// `resolved`: what is smaller is rounding, whose order says nothing.
double lag_one(std::span<const double> residuals, double resolved) {
  const double center = mean(residuals);
  double numerator = 0;
  double denominator = 0;
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    const double here = residuals[i] - center;
    denominator += here * here;
    if (i > 0) numerator += here * (residuals[i - 1] - center);
  }
  const double least = resolved * resolved * static_cast<double>(residuals.size());
  return denominator > least ? numerator / denominator : 0;
}

/// Of Mann-Kendall's S.
double z_of(double s, double variance) {
  return variance > 0 && s != 0 ? (s - std::copysign(1.0, s)) / std::sqrt(variance) : 0;
}

}  // namespace

std::optional<RobustTrend> robust_trend(std::span<const double> t, std::span<const double> x,
                                        double z_min) {
  assert(t.size() == x.size());
  if (x.size() < kPointsMin || t.front() == t.back()) return std::nullopt;
  const auto n = static_cast<double>(x.size());
  const double s = sign_sum(x);
  const double independent = (n * (n - 1) * (2 * n + 5) - tie_term(x)) / 18;
  // Neighbours that resemble each other only lower it.
  if (z_of(s, independent) < z_min) return std::nullopt;
  std::vector<double> slopes = pairwise_slopes(t, x);
  RobustTrend trend;
  trend.slope.value = median_reordering(slopes);
  std::vector<double> residuals(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) residuals[i] = x[i] - trend.slope.value * t[i];
  trend.intercept = median(residuals).value();
  trend.sd = mad_sd(residuals, trend.intercept);
  const auto [least, most] = std::minmax_element(x.begin(), x.end());
  const double phi = lag_one(residuals, kRounding * std::max(std::abs(*least), std::abs(*most)));
  trend.phi = std::clamp(phi + (1 + 4 * phi) / n, 0.0, kPhiMax);
  trend.tau = 2 * s / (n * (n - 1));
  const double variance = independent * (1 + trend.phi) / (1 - trend.phi);
  trend.z = z_of(s, variance);
  if (trend.z < z_min) return std::nullopt;
  trend.slope = slope_between(std::move(slopes), kIntervalQuantile * std::sqrt(variance));
  return trend;
}

}  // namespace doctor
