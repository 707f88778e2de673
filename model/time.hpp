// Time is an argument, never asked for below agent/. Milliseconds since the Unix epoch.
#pragma once

#include <cstdint>
#include <string>

namespace doctor {

using TimestampMs = std::int64_t;
using DurationMs = std::int64_t;

inline constexpr TimestampMs kForEver = INT64_MAX;

inline constexpr DurationMs kSecondMs = 1000;
inline constexpr DurationMs kMinuteMs = 60 * kSecondMs;
inline constexpr DurationMs kHourMs = 60 * kMinuteMs;
inline constexpr DurationMs kDayMs = 24 * kHourMs;

/// "2026-11-21T08:30:00.000Z"
std::string format_rfc3339(TimestampMs at);

}  // namespace doctor
