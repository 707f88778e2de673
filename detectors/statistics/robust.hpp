// Location and scale that a few wild values cannot move, made safe for few values by shrinkage.
#pragma once

#include <span>

namespace doctor {

/// 1.4826 × the median distance from `center`: the standard deviation if the values were normal.
/// Not for empty input.
double mad_sd(std::span<const double> values, double center);

/// How far the values usually lie from `center`: MAD, at least `floor`, drawn towards `prior` by
/// eight imagined observations: s² = (n·max(MAD, floor)² + 8·prior²) / (n + 8). The MAD of four to
/// eight values alone is often near zero by luck and makes anything an outlier.
double shrunken_sd(std::span<const double> values, double center, double prior, double floor);

/// A straight line through (x, y): Theil-Sen's slope, through the median of what is left. Flat when
/// fewer than two points differ in x.
struct RobustLine {
  double slope{};
  double intercept{};
  double at(double x) const { return intercept + slope * x; }
};
RobustLine robust_line(std::span<const double> x, std::span<const double> y);

/// Pearson's correlation; 0 when either side does not vary or fewer than three pairs are given.
double correlation(std::span<const double> x, std::span<const double> y);

double mean(std::span<const double> values);
double standard_deviation(std::span<const double> values);

}  // namespace doctor
