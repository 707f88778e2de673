// What the user says of a store that knows a cluster's past.
#pragma once

#include <string>
#include <vector>

#include "collectors/http.hpp"
#include "collectors/query_range/query.hpp"
#include "model/time.hpp"

namespace doctor {

struct BackfillSettings {
  static constexpr DurationMs kWindowMinMs = kHourMs;
  static constexpr DurationMs kWindowMaxMs = 7 * kDayMs;  // detectors remember no more
  static constexpr DurationMs kStepMinMs = 10 * kSecondMs;
  static constexpr DurationMs kStepMaxMs = kMinuteMs;  // what is older than 90 s is no present

  Endpoint store;  // below it is /api/v1/query_range
  std::vector<query_range::Matcher> match;
  DurationMs window_ms{kWindowMaxMs};
  DurationMs step_ms{kMinuteMs};
  DurationMs patience_ms{5 * kMinuteMs};  // that watching waits for it at most
};

/// Empty, or which of the bounds above is broken: "window: …".
std::string problem_of(const BackfillSettings& settings);

}  // namespace doctor
