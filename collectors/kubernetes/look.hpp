// When to ask again for something beside the pods, which may not be there, or not be for us to see,
// and what to believe of an answer.
#pragma once

#include "model/time.hpp"

namespace doctor::kubernetes {

struct Look {
  TimestampMs due{};
  bool forbidden{false};
  bool seen{false};  // once, at least
  int misses{0};     // in a row: not there, or not for us

  /// False when an answer with this status (0: there was none) says nothing about it, as of a
  /// server that is starting or a token that has run out: what was known stands.
  bool believes(int status, TimestampMs now);
};

}  // namespace doctor::kubernetes
