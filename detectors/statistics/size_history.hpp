// The sizes of a job's completed checkpoints over time, split into what is normal for the job and
// what has left it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "model/facts.hpp"

namespace doctor {

struct SizePoint {
  TimestampMs at{};               // triggered
  double size{};                  // bytes, full, without in-flight data
  double in_flight{};             // bytes of persisted in-flight data (unaligned checkpoints)
  std::optional<double> written;  // bytes written by this one alone
};

/// Completed checkpoints with a known full size, oldest first. Savepoints are left out: they are
/// canonical and full, whatever the checkpoints are.
std::vector<SizePoint> size_points(std::span<const CheckpointRecord> records);

struct OutlierLimits {
  double sds_min{};            // distance from the expected size in spreads
  double ratio_min{};          // new size / expected size
  double delta_min_bytes{};    // needed of the newest only
  std::size_t run_min{};       // consecutive outliers, up to the newest
  std::size_t baseline_min{};  // checkpoints of the past needed
};

struct SizeRun {
  std::size_t begin{};  // the first outlier of the run, as index into the points
  double expected{};    // bytes, for the newest, from the past's level and trend
  double normal{};      // bytes, median of the past
  double past_max{};    // bytes, second largest of the past
  double sds{};         // the least distance within the run, in spreads
};

/// The longest run of outliers that reaches to the newest point. Only upwards. A past that grows
/// steadily is continued as a line before it is compared.
std::optional<SizeRun> outlier_run(std::span<const SizePoint> points, const OutlierLimits& limits);

}  // namespace doctor
