// What the floors of a series were before a window: how high they stood, how far they moved and how
// fast they rose, against which what happens in the window is held.
#pragma once

#include <optional>

#include "model/floors.hpp"

namespace doctor {

struct FloorPast {
  std::optional<double> peak;  // highest floor before the window's newest half
  DurationMs history_ms{};     // from the first floor of the past week until now
  double before_range{};       // highest less lowest floor before the window …
  DurationMs before_ms{};      // … and over how long
  /// The same over the three spans of the window (a day at least) before it; nothing when a quarter
  /// of that is not known.
  std::optional<double> quiet_range;
  /// Per ms, over the three spans before the window, of what was started within the week: what only
  /// fills slows down. Nothing where less than one span is known.
  std::optional<double> pace_since_start;
};

/// Of a window [from, to). Where less than a day is known before it, its older half counts as past
/// too, so that at least something is known that the newest half must leave behind.
FloorPast floor_past(const Floors& floors, TimestampMs from, TimestampMs to);

/// Time from the first floor of the past week until now; 0 when there is none.
DurationMs history_of(const Floors& floors);

}  // namespace doctor
