#include "detectors/statistics/robust.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <vector>

#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr double kNormal = 1.4826;  // 1 / Φ⁻¹(3/4)
constexpr double kPriorWeight = 8;
constexpr double kNoVariation = 1e-12;

}  // namespace

double mad_sd(std::span<const double> values, double center) {
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double value : values) distances.push_back(std::abs(value - center));
  return kNormal * median(distances).value();
}

double shrunken_sd(std::span<const double> values, double center, double prior, double floor) {
  const double own = std::max(mad_sd(values, center), floor);
  const auto n = static_cast<double>(values.size());
  return std::sqrt((n * own * own + kPriorWeight * prior * prior) / (n + kPriorWeight));
}

RobustLine robust_line(std::span<const double> x, std::span<const double> y) {
  assert(x.size() == y.size() && !x.empty());
  const std::optional<Slope> slope = theil_sen(x, y);
  RobustLine line;
  line.slope = slope ? slope->value : 0;
  std::vector<double> rests;
  for (std::size_t i = 0; i < x.size(); ++i) rests.push_back(y[i] - line.slope * x[i]);
  line.intercept = median(rests).value();
  return line;
}

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double center = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double correlation(std::span<const double> x, std::span<const double> y) {
  assert(x.size() == y.size());
  if (x.size() < 3) return 0;
  const double mean_x = mean(x);
  const double mean_y = mean(y);
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (xx < kNoVariation || yy < kNoVariation) return 0;
  return xy / std::sqrt(xx * yy);
}

}  // namespace doctor
