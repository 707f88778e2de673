#include "detectors/statistics/epoch_growth.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace doctor {
namespace {

constexpr double kRisingP = 0.01;
constexpr std::size_t kLevelsMin = 6;

struct Life {
  Slope slope;
  double start{}, peak{};
};

std::optional<Life> rising_life(const EpochSummary& summary, double late_slope_ratio_min) {
  const auto length = static_cast<double>(summary.to - summary.from);
  std::vector<double> t, x;
  for (std::size_t i = 0; i < summary.levels.size(); ++i) {
    if (std::isnan(summary.levels[i])) continue;
    t.push_back((static_cast<double>(i) + 0.5) / kEpochLevels * length);
    x.push_back(summary.levels[i]);
  }
  if (x.size() < kLevelsMin || rising_test(x).p > kRisingP) return std::nullopt;
  const std::optional<Slope> slope = theil_sen(t, x);
  const std::size_t half = x.size() / 2;
  const std::optional<Slope> late = theil_sen(std::span(t).last(half), std::span(x).last(half));
  if (!slope || !late || late->value < late_slope_ratio_min * slope->value) return std::nullopt;
  return Life{*slope, x.front(), *std::max_element(x.begin(), x.end())};
}

}  // namespace

std::optional<EpochGrowth> epoch_growth(std::span<const EpochSummary> lives,
                                        double late_slope_ratio_min) {
  EpochGrowth growth;
  std::vector<double> starts, peaks;
  double low = 0;
  double high = HUGE_VAL;
  for (auto summary = lives.rbegin(); summary != lives.rend(); ++summary) {
    const std::optional<Life> life = rising_life(*summary, late_slope_ratio_min);
    if (!life) break;
    const double shared_low = std::max(low, life->slope.low);
    const double shared_high = std::min(high, life->slope.high);
    if (shared_low > shared_high) break;
    low = shared_low;
    high = shared_high;
    starts.push_back(life->start);
    peaks.push_back(life->peak);
    growth.from = summary->from;
    ++growth.lives;
  }
  if (growth.lives < kLivesMin || !std::isfinite(high)) return std::nullopt;
  growth.to = lives.back().to;
  growth.slope = {(low + high) / 2, low, high};
  growth.start = median(starts).value();
  growth.peak = median(peaks).value();
  return growth;
}

}  // namespace doctor
