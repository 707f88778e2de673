// A respite for who does not answer: a source that failed a few times in a row is asked ever more
// seldom, and not by all agents at once, until it answers again. It keeps its turns; most pass.
#pragma once

#include <cstdint>
#include <random>

#include "model/time.hpp"

namespace doctor {

class Respite {
 public:
  /// Of a source whose turns are `period_ms` apart. Another `seed`, other pauses.
  Respite(DurationMs period_ms, std::uint64_t seed) : period_ms_(period_ms), random_(seed) {}

  /// Whether this turn is to be used.
  bool is_over(TimestampMs now) const { return now >= until_ || now < noted_at_; }
  /// After each round: whether there was an answer. The first failures are followed up at once, so
  /// that an outage is known, and what is away for a moment is seen again, as soon as ever.
  void note(bool answered, TimestampMs now);

 private:
  DurationMs period_ms_;
  std::mt19937_64 random_;
  int failures_{0};  // in a row
  TimestampMs noted_at_{0};
  TimestampMs until_{0};
};

}  // namespace doctor
