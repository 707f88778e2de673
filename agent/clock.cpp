#include "agent/clock.hpp"

#include <chrono>

namespace doctor {
namespace {

TimestampMs wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

DurationMs monotonic_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

TimestampMs now_ms() {
  static const TimestampMs anchor = wall_ms() - monotonic_ms();
  return anchor + monotonic_ms();
}

DurationMs clock_step_ms() { return wall_ms() - now_ms(); }

}  // namespace doctor
