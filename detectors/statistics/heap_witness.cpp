#include "detectors/statistics/heap_witness.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "detectors/statistics/rise_since_start.hpp"

namespace doctor {
namespace {

constexpr std::size_t kTroughsMin = 5;
constexpr std::int64_t kDropsMin = 3;
// A fall of the floor is a collection of old garbage when it is that large.
constexpr double kDropRiseRatio = 0.1;
constexpr double kDropNoise = 2.5;
constexpr double kQuickened = 3;
constexpr DurationMs kQuietMinMs = kDayMs;
constexpr DurationMs kQuietMaxMs = 3 * kDayMs;

struct Walk {
  std::vector<std::int64_t> bins;
  std::vector<double> floors;
};

Walk walk_of(const HeapProcess& process, FloorScale scale, TimestampMs from) {
  Walk walk;
  const std::int64_t newest = process.floors()->newest(scale);
  for (std::int64_t bin = newest - kFloorsPerScale + 1; bin <= newest; ++bin) {
    if (bin * width_ms(scale) < from) continue;
    const std::optional<double> floor = process.floors()->at(scale, bin);
    if (!floor || !process.is_informative(scale, bin)) continue;
    walk.bins.push_back(bin);
    walk.floors.push_back(*floor);
  }
  return walk;
}

/// Indexes of the lowest points after each fall of at least `drop`.
std::vector<std::size_t> falls(const std::vector<double>& floors, double drop) {
  std::vector<std::size_t> lows;
  std::size_t high = 0;
  std::size_t low = 0;
  bool fallen = false;
  for (std::size_t i = 1; i < floors.size(); ++i) {
    if (!fallen) {
      if (floors[i] > floors[high]) high = i;
      if (floors[high] - floors[i] < drop) continue;
      fallen = true;
      low = i;
    } else if (floors[i] < floors[low]) {
      low = i;
    } else if (floors[i] - floors[low] >= drop / 2) {
      lows.push_back(low);
      fallen = false;
      high = i;
    }
  }
  if (fallen) lows.push_back(low);
  return lows;
}

/// Whether finer scales show falls at least once per bin of this one: then each floor is a trough.
bool is_collected_in_every_bin(const HeapProcess& process, FloorScale scale, double drop) {
  for (const FloorScale finer : kFloorScales) {
    if (finer >= scale) break;
    const Walk walk = walk_of(process, finer, 0);
    const auto count = static_cast<std::int64_t>(falls(walk.floors, drop).size());
    if (count < kDropsMin) continue;
    const DurationMs span = (walk.bins.back() - walk.bins.front() + 1) * width_ms(finer);
    if (span / count <= width_ms(scale)) return true;
  }
  return false;
}

std::vector<double> troughs_of(const HeapProcess& process, const FloorGrowth& growth) {
  const Walk walk = walk_of(process, growth.scale, growth.from);
  const double drop = std::max(kDropRiseRatio * growth.rise(), kDropNoise * growth.trend.sd);
  if (is_collected_in_every_bin(process, growth.scale, drop)) return walk.floors;
  std::vector<std::size_t> lows = falls(walk.floors, drop);
  for (std::size_t i = 0; i < walk.bins.size(); ++i) {
    if (process.full_collections(growth.scale, walk.bins[i]) < 1) continue;
    // The bin also holds what was before the collection, the next one may be lower.
    const bool next = i + 1 < walk.floors.size() && walk.floors[i + 1] < walk.floors[i];
    lows.push_back(next ? i + 1 : i);
  }
  std::sort(lows.begin(), lows.end());
  lows.erase(std::unique(lows.begin(), lows.end()), lows.end());
  std::vector<double> troughs;
  troughs.reserve(lows.size());
  for (const std::size_t low : lows) troughs.push_back(walk.floors[low]);
  return troughs;
}

bool is_unprecedented(const FloorGrowth& growth, double ratio) {
  const DurationMs quiet = std::clamp(growth.to - growth.from, kQuietMinMs, kQuietMaxMs);
  return growth.before_ms >= quiet && growth.rise() >= ratio * growth.before_range;
}

/// What fills since the start moved before the window at the pace that it has within.
bool has_quickened(const FloorGrowth& growth) {
  if (growth.before_ms < kQuietMinMs) return false;
  const double before = growth.before_range / static_cast<double>(growth.before_ms);
  return growth.rise() / growth.span_ms() >= kQuickened * before;
}

}  // namespace

HeapTestimony testify(const HeapProcess& process, const FloorGrowth& growth,
                      const HeapWitnessRules& rules) {
  HeapTestimony testimony;
  for (std::int64_t bin = growth.from / width_ms(growth.scale);
       bin * width_ms(growth.scale) < growth.to; ++bin) {
    testimony.full_collections += process.full_collections(growth.scale, bin);
  }
  testimony.troughs = troughs_of(process, growth);
  testimony.rising = rising_test(testimony.troughs);
  const HourCovariate load = [&](std::int64_t hour) { return process.load_of_hour(hour); };
  testimony.since_start =
      !has_quickened(growth) && has_risen_since_start(*process.floors(), growth.level, load);
  const std::optional<double> limit = process.limit().bytes;
  if (testimony.troughs.size() >= kTroughsMin && testimony.rising.p <= rules.p_max) {
    testimony.witness = HeapWitness::collections;
  } else if (limit && growth.level >= rules.level_ratio * *limit) {
    testimony.witness = HeapWitness::level;
  } else if (is_unprecedented(growth, rules.unprecedented_ratio)) {
    testimony.witness = HeapWitness::unprecedented;
  }
  return testimony;
}

}  // namespace doctor
