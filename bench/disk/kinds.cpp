#include "bench/disk/kinds.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace doctor::bench {
namespace {

double order_0_bits(const std::vector<double>& symbols) {
  std::map<double, double> counts;
  for (const double symbol : symbols) ++counts[symbol];
  const auto n = static_cast<double>(symbols.size());
  double bits = 0;
  for (const auto& [symbol, count] : counts) bits += count * std::log2(n / count);
  return bits;
}

double written_bits(double symbol) {
  constexpr double kRaw = 64;
  if (std::floor(symbol) != symbol) return kRaw;
  return std::min(kRaw, 2 + 2 * std::floor(std::log2(std::abs(symbol) + 1)));  // and its sign
}

double learned_bits(const std::vector<double>& symbols) {
  std::map<double, double> counts;
  double bits = 0;
  double n = 0;
  for (const double symbol : symbols) {
    double& count = counts[symbol];
    const bool is_new = count == 0;
    const auto kinds = static_cast<double>(counts.size()) - (is_new ? 1 : 0);
    if (n > 0) bits += std::log2((n + kinds) / (is_new ? kinds : count));
    if (is_new) bits += written_bits(symbol);
    ++count;
    ++n;
  }
  return bits;
}

std::vector<double> steps_of(const std::vector<double>& values) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < values.size(); ++i) steps.push_back(values[i] - values[i - 1]);
  return steps;
}

}  // namespace

SeriesKind kind_of(const std::vector<double>& values) {
  const auto is_whole = [](double value) { return std::floor(value) == value; };
  if (std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); })) {
    return SeriesKind::constant;
  }
  if (!std::all_of(values.begin(), values.end(), is_whole)) return SeriesKind::digits;
  return std::is_sorted(values.begin(), values.end()) ? SeriesKind::counter : SeriesKind::number;
}

double entropy_bits(const std::vector<double>& values) {
  const std::vector<double> steps = steps_of(values);
  return std::min({order_0_bits(values), order_0_bits(steps), order_0_bits(steps_of(steps))});
}

double learning_bits(const std::vector<double>& values) {
  const std::vector<double> steps = steps_of(values);
  const double first = written_bits(values.front());
  return std::min(
      {learned_bits(values), first + learned_bits(steps),
       first + (steps.empty() ? 0 : written_bits(steps.front())) + learned_bits(steps_of(steps))});
}

std::array<KindSum, kSeriesKinds.size()> kinds_of(const Recorded& recorded) {
  std::array<KindSum, kSeriesKinds.size()> kinds;
  for (const auto& [name, series] : recorded.series) {
    KindSum& kind = kinds.at(static_cast<std::size_t>(kind_of(series.values)));
    ++kind.series;
    kind.samples += static_cast<double>(series.values.size());
    kind.bits += entropy_bits(series.values);
    kind.learning_bits += learning_bits(series.values);
  }
  return kinds;
}

}  // namespace doctor::bench
