// SpareMemory: what the allocator holds and nobody uses. A scrape that shows new series needs lists
// that are many times what is kept of it, and the holes that they leave are given back to the
// system.
#pragma once

#include <cstdint>

#include "model/time.hpp"

namespace doctor {

class SpareMemory {
 public:
  /// Gives it back every minute, and sooner while the number of series changes: it costs
  /// milliseconds.
  void settle(TimestampMs now, std::uint64_t series);

 private:
  std::uint64_t series_{0};
  TimestampMs at_{0};
};

}  // namespace doctor
