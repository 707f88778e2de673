// Rank statistics on a handful of points: no distribution assumed, no point can bend them alone.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace doctor {

struct RisingTest {
  int concordant{};  // pairs that rise
  int discordant{};  // pairs that fall
  int tied{};
  double p{1};  // exact one-sided probability of as few falling pairs without a trend
};

/// Mann-Kendall with its exact null distribution; ties count as falling pairs, which only makes p
/// larger. n = 5 without a falling pair: .0083. At most kRisingPointsMax values, the newest count.
inline constexpr int kRisingPointsMax = 64;
RisingTest rising_test(std::span<const double> values);

struct Slope {
  double value{};
  double low{}, high{};  // about 95 %; ±infinity when there are too few points to bound it
};

/// Theil-Sen: the median of the pairwise slopes dy/dx, with an interval from their order
/// statistics. Pairs of equal x do not count; nothing when no pair is left.
std::optional<Slope> theil_sen(std::span<const double> x, std::span<const double> y);

/// What theil_sen is made of: dy/dx of all pairs with different x, in no order …
std::vector<double> pairwise_slopes(std::span<const double> x, std::span<const double> y);
/// … and their median, with the values at ranks (N ∓ spread) / 2. Not for empty input.
Slope slope_between(std::vector<double> slopes, double spread);

/// Of a copy; the mean of the middle two when even. Nothing when empty.
std::optional<double> median(std::span<const double> values);
/// The same without a copy; not for empty input.
double median_reordering(std::vector<double>& values);

}  // namespace doctor
