// What knowing nothing and knowing everything would score, on the same cases with the same rules:
// never, always (an alarm a day on everything that has a goal), random (as many alarms as the
// product pushed, at any time of any case, on an entity that has a goal where one has), oracle.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/detection/scoring.hpp"

namespace doctor::detection {

struct PlayedCase {
  Truth truth;
  TimestampMs end{};
  std::vector<Alarm> product;
};

std::map<std::string, Tally> control_tallies(const std::vector<PlayedCase>& cases);

}  // namespace doctor::detection
