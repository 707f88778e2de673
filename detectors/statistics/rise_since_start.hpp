// Has a floor risen since its process was first seen, or did it begin later? A cache that fills and
// a leak draw the same straight line; only what was before the line tells them apart.
#pragma once

#include "detectors/statistics/floor_growth.hpp"
#include "model/floors.hpp"

namespace doctor {

/// True while less than a week of `floors` is known and a straight line since the first explains
/// its hours about as well as a level that something later began to lift. The day's tide, what
/// follows `load` and what settles in the first hours are granted to both (ordinary least squares).
/// On the first day every rise is one since the start. `level` is where the floor stands now: at or
/// below the first one nothing has risen.
bool has_risen_since_start(const Floors& floors, double level, const HourCovariate& load = {});

}  // namespace doctor
