// The agent's clock: wall time anchored once, then carried on by the monotonic clock, so that
// history stays ordered when somebody sets the wall clock.
#pragma once

#include "model/time.hpp"

namespace doctor {

TimestampMs now_ms();
/// Wall clock minus now_ms(): more than a few seconds means that the wall clock was stepped.
DurationMs clock_step_ms();

}  // namespace doctor
