// Floors: the lowest value of a series in each bin of time, on four scales, and hour by hour for a
// week. What a garbage collector or a tide takes away again does not lift a floor. Bins are counted
// from the Unix epoch, so that bin b of one series is bin b of every other. Of a counter, which
// never falls, the floor is its value as the bin began: two floors tell what happened in between.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/feature.hpp"

namespace doctor {

enum class FloorScale : std::uint8_t { five_minutes, quarter_hour, three_quarters, three_hours };

inline constexpr std::array kFloorScales{FloorScale::five_minutes, FloorScale::quarter_hour,
                                         FloorScale::three_quarters, FloorScale::three_hours};
inline constexpr std::array<DurationMs, 4> kFloorWidthsMs{5 * kMinuteMs, 15 * kMinuteMs,
                                                          45 * kMinuteMs, 3 * kHourMs};
constexpr DurationMs width_ms(FloorScale scale) {
  return kFloorWidthsMs.at(static_cast<std::size_t>(scale));
}

inline constexpr std::int64_t kFloorsPerScale = 32;
inline constexpr std::int64_t kHourlyFloors = 168;

class Floors {
 public:
  /// Samples in order; one that is older than the open bin is dropped, unless the clock was set
  /// back by more than a day: then all begins anew.
  void add(const Sample& sample);
  bool empty() const { return newest_ == kNever; }

  /// The newest closed bin. Not when empty.
  std::int64_t newest(FloorScale scale) const;
  /// Nothing for a gap (fewer than half of the bin's quarters were sampled), an open bin, or one
  /// that is too old. Of a series that is looked at every quarter of an hour or so the scales from
  /// 45 minutes up and the hours tell: there one look in each third of a bin is enough.
  std::optional<double> at(FloorScale scale, std::int64_t bin) const;
  /// By hour since the Unix epoch, to one part in 1,400. Floors below 0 are kept as 0.
  std::optional<double> hour(std::int64_t hour) const;
  std::int64_t newest_hour() const;

  /// Everything that is remembered as text without blanks, and back; false for text of another
  /// make.
  std::string image() const;
  bool restore(std::string_view image);

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  static constexpr std::size_t kScales = kFloorScales.size();
  using Ring = std::array<float, kFloorsPerScale>;  // NaN = gap

  bool is_thin(std::int64_t bin) const;
  void close_until(std::int64_t bin);
  void close_bin();
  void fold(std::int64_t bin, FloorScale from, int parts, FloorScale into);
  float lowest(FloorScale from, std::int64_t last, int parts) const;
  float& slot(FloorScale scale, std::int64_t bin);

  std::int64_t newest_{kNever};  // closed bin of five minutes; the one after it is open
  std::array<Ring, kScales> rings_{};
  std::array<std::uint16_t, kHourlyFloors> hours_{};  // 0 = gap
  float open_{};
  std::uint8_t quarters_{0};  // of the open bin, that were sampled
  std::uint32_t thin_{0};     // bins of five minutes of which only one quarter was sampled
};

inline constexpr std::size_t kEpochLevels = 8;
inline constexpr std::size_t kEpochsMax = 8;

/// What is left of a series when its JVM is replaced: a few levels, evenly spread over its life.
struct EpochSummary {
  TimestampMs from{}, to{};
  std::array<float, kEpochLevels> levels{};  // floors, oldest first; NaN = gap
};

/// Nothing for a life that is too short to tell: less than two hours of floors.
std::optional<EpochSummary> summarize(const Floors& floors);

}  // namespace doctor
