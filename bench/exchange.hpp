// What one exchange over a connection that is kept takes from the heap.
#pragma once

#include <cstdint>
#include <string>

namespace doctor::bench {

/// Calls of operator new for one GET of `body` from a loopback peer, which calls none: the median
/// of 100, after as many that are not counted.
std::uint64_t allocations_per_exchange(const std::string& body);

}  // namespace doctor::bench
