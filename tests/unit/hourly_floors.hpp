// Floors whose hours are what a function says of them.
#pragma once

#include <cstdint>
#include <functional>

#include "model/floors.hpp"

namespace doctor::hourly {

constexpr std::int64_t kFirst = 480'000;  // hours since the epoch

using Level = std::function<double(std::int64_t)>;

/// What `level` says of the hours [from, to) since the first, told every minute.
inline void feed(Floors& floors, std::int64_t from, std::int64_t to, const Level& level) {
  for (std::int64_t hour = from; hour < to; ++hour) {
    for (std::int64_t minute = 0; minute < 60; ++minute) {
      floors.add({(kFirst + hour) * kHourMs + minute * kMinuteMs, level(hour)});
    }
  }
}

/// The same, and one sample later, which closes the last hour.
inline Floors floors_of(std::int64_t hours, const Level& level) {
  Floors floors;
  feed(floors, 0, hours, level);
  floors.add({(kFirst + hours) * kHourMs, level(hours)});
  return floors;
}

}  // namespace doctor::hourly
