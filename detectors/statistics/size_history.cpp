#include "detectors/statistics/size_history.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

// Healthy spread of ln(size): 10 % before anything is known, never taken for less than 5 %.
const double kPriorSpread = std::log(1.10);
const double kLeastSpread = std::log(1.05);
// A past that more than doubled has not settled: its trend may bend, so distance counts less.
constexpr double kUnsettledGrowth = 2;
// Above everything seen before, not only above the usual: tides of a day or an hour come back.
constexpr double kAbovePast = 1.2;

struct Baseline {
  RobustLine line;  // bytes over hours since `origin`
  TimestampMs origin{};
  double normal{};
  double past_max{};
  double spread{};  // of ln(size)
  double expected(TimestampMs at) const {
    return std::max(normal, line.at(static_cast<double>(at - origin) / kHourMs));
  }
};

Baseline baseline_of(std::span<const SizePoint> past) {
  Baseline baseline;
  baseline.origin = past.front().at;
  std::vector<double> hours;
  std::vector<double> sizes;
  for (const SizePoint& point : past) {
    hours.push_back(static_cast<double>(point.at - baseline.origin) / kHourMs);
    sizes.push_back(point.size);
  }
  baseline.line = robust_line(hours, sizes);
  baseline.normal = median(sizes).value();
  const double first = std::max(1.0, baseline.line.at(hours.front()));
  const bool settled = baseline.line.at(hours.back()) < kUnsettledGrowth * first;
  std::vector<double> logs;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double center = settled ? std::max(1.0, baseline.line.at(hours[i])) : 1.0;
    logs.push_back(std::log(std::max(1.0, sizes[i])) - std::log(center));
  }
  baseline.spread = shrunken_sd(logs, median(logs).value(), kPriorSpread, kLeastSpread);
  std::nth_element(sizes.begin(), sizes.begin() + 1, sizes.end(), std::greater<>());
  baseline.past_max = sizes[1];
  return baseline;
}

double distance(const Baseline& baseline, const SizePoint& point) {
  const double expected = std::max(1.0, baseline.expected(point.at));
  return (std::log(std::max(1.0, point.size)) - std::log(expected)) / baseline.spread;
}

/// The second largest of the past, and the least of what follows it: what every run of outliers
/// must show is told from these at next to no cost.
struct Gate {
  double past_max{};
  double least{};
};

/// By where the run begins, from `first` on, which is two at least.
std::vector<Gate> gates_of(std::span<const SizePoint> points, std::size_t first) {
  std::vector<Gate> gates(points.size() - first);
  double largest = 0;
  double second = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i >= first) gates[i - first].past_max = second;
    second = std::max(second, std::min(largest, points[i].size));
    largest = std::max(largest, points[i].size);
  }
  double least = std::numeric_limits<double>::max();
  for (std::size_t i = points.size(); i-- > first;) {
    gates[i - first].least = least = std::min(least, points[i].size);
  }
  return gates;
}

/// Without the cost of a trend: O(n) instead of O(n²).
bool may_be_run(std::span<const SizePoint> past, const SizePoint& newest, const Gate& gate,
                const OutlierLimits& limits) {
  if (gate.least < kAbovePast * gate.past_max) return false;
  std::vector<double> sizes;
  sizes.reserve(past.size());
  for (const SizePoint& point : past) sizes.push_back(point.size);
  const double normal = median(sizes).value();
  return gate.least >= limits.ratio_min * normal && newest.size - normal >= limits.delta_min_bytes;
}

bool is_outlier(const Baseline& baseline, const SizePoint& point, const OutlierLimits& limits) {
  return distance(baseline, point) >= limits.sds_min &&
         point.size >= limits.ratio_min * baseline.expected(point.at) &&
         point.size >= kAbovePast * baseline.past_max;
}

}  // namespace

std::vector<SizePoint> size_points(std::span<const CheckpointRecord> records) {
  std::vector<SizePoint> points;
  points.reserve(records.size());
  for (const CheckpointRecord& record : records) {
    if (record.status != CheckpointRecord::Status::completed || record.savepoint) continue;
    if (!record.state_size || !(*record.state_size >= 0)) continue;
    const double in_flight = std::clamp(record.persisted_data.value_or(0), 0.0, *record.state_size);
    points.push_back(
        {record.triggered, *record.state_size - in_flight, in_flight, record.checkpointed_size});
  }
  return points;
}

std::optional<SizeRun> outlier_run(std::span<const SizePoint> points, const OutlierLimits& limits) {
  const std::size_t baseline_min = std::max<std::size_t>(limits.baseline_min, 2);
  const std::size_t run_min = std::max<std::size_t>(limits.run_min, 1);
  if (points.size() < baseline_min + run_min) return std::nullopt;
  const std::vector<Gate> gates = gates_of(points, baseline_min);
  for (std::size_t begin = baseline_min; begin + run_min <= points.size(); ++begin) {
    const auto run = points.subspan(begin);
    const Gate& gate = gates[begin - baseline_min];
    if (!may_be_run(points.first(begin), points.back(), gate, limits)) continue;
    const Baseline baseline = baseline_of(points.first(begin));
    const double expected = baseline.expected(run.back().at);
    if (run.back().size - expected < limits.delta_min_bytes) continue;
    double least = std::numeric_limits<double>::max();
    bool all = true;
    for (const SizePoint& point : run) {
      all = all && is_outlier(baseline, point, limits);
      least = std::min(least, distance(baseline, point));
    }
    if (all) return SizeRun{begin, expected, baseline.normal, baseline.past_max, least};
  }
  return std::nullopt;
}

}  // namespace doctor
