#include "collectors/kubernetes/look.hpp"

namespace doctor::kubernetes {
namespace {

constexpr DurationMs kEveryMs = kMinuteMs;
constexpr DurationMs kUntoldMs = 30 * kSecondMs;
constexpr DurationMs kAbsentMs = 10 * kMinuteMs;

}  // namespace

bool Look::believes(int status, TimestampMs now) {
  const bool absent = status == 403 || status == 404;
  if (status != 200 && !absent) {
    due = now + kUntoldMs;
    return false;
  }
  misses = absent ? misses + 1 : 0;
  seen |= !absent;
  // A server that has just been started refuses what it shows a moment later.
  if (seen && misses == 1) return false;
  forbidden = status == 403;
  due = now + (misses > 1 ? kAbsentMs : kEveryMs);
  return true;
}

}  // namespace doctor::kubernetes
