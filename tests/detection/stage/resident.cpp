#include "tests/detection/stage/resident.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/detection/families/plans.hpp"

namespace doctor::detection {
namespace {

constexpr double kSettledBefore = 0.7;  // of the arenas, what a restart does not give back
constexpr double kSettleMs = 4.0 * kHourMs;
constexpr double kDirectTouched = 0.9;

}  // namespace

double Resident::at(TimestampMs at) const {
  const double touched = 1 - std::exp(-3 * static_cast<double>(at - start_) / spec_.fill_ms);
  const double settled = 1 - std::exp(-static_cast<double>(at - settles_from_) / kSettleMs);
  const double share = std::min(1.0, kSettledBefore + settled);
  return kDirectTouched * spec_.direct + spec_.nonheap + spec_.native +
         touched * (spec_.heap + spec_.managed * (1 + overrun)) + share * spec_.arenas +
         tide * season(at, 1, 0) / 2 + leaked;
}

void Resident::join(Process& process) {
  const EntityId entity = process.entity;
  Block block;
  for (const Metric metric :
       {Metric::host_resident_anonymous, Metric::jvm_nonheap_committed, Metric::jvm_direct_capacity,
        Metric::managed_used, Metric::managed_total, Metric::cgroup_limit}) {
    block.keys.push_back({metric, entity});
  }
  block.fill = [this](TimestampMs now, double* values) {
    wobble_ = 0.99 * wobble_ + 0.14 * spec_.noise * noise_.normal();
    values[0] = std::max(0.0, at(now) + wobble_);
    values[1] = spec_.nonheap;
    values[2] = spec_.direct;
    values[3] = values[4] = spec_.managed;
    values[5] = limit();
  };
  process.add(std::move(block));
}

}  // namespace doctor::detection
