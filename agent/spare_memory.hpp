// SpareMemory: what the allocator holds and nobody uses. A first scrape needs lists that are a
// hundred times what is kept of it, and the holes that they leave are given back to the system.
#pragma once

#include <cstdint>

#include "model/time.hpp"

namespace doctor {

class SpareMemory {
 public:
  /// Gives it back where the number of series has changed since the last time, which is five
  /// seconds ago or longer: it costs milliseconds.
  void settle(TimestampMs now, std::uint64_t series);

 private:
  std::uint64_t series_{0};
  TimestampMs at_{0};
};

}  // namespace doctor
