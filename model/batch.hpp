// Batch: one scrape of one source, moved along the stream. Values stand in the order of the
// layout's keys; kAbsent (a reserved NaN) marks "not there", which is never zero.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/entity.hpp"
#include "model/metric.hpp"
#include "model/time.hpp"

namespace doctor {

using SourceId = std::uint32_t;

/// What a store of the past told of one process: its samples are older than what sources tell that
/// answer now, and from one clock with them.
inline constexpr SourceId kHistoryBit = 0x8000'0000U;
constexpr bool is_history(SourceId source) { return (source & kHistoryBit) != 0; }
constexpr SourceId history_source(EntityId process) { return kHistoryBit | process; }

inline constexpr std::uint64_t kAbsentBits = 0x7ff0000000000d0cULL;
inline const double kAbsent = std::bit_cast<double>(kAbsentBits);
inline bool is_present(double value) { return !std::isnan(value); }

/// What a source reports, until it reports something else. Immutable.
struct Layout {
  SourceId source{};
  std::uint64_t version{};
  /// The process that answered, when the source is one process (a reporter); kNoEntity for REST.
  EntityId process{kNoEntity};
  std::vector<SeriesKey> keys;
};

struct Batch {
  SourceId source{};
  TimestampMs at{};  // our clock, when the body had ended well
  std::shared_ptr<const Layout> layout;
  std::vector<double> values;  // one per key
};

}  // namespace doctor
