// Counts what the program takes from the heap: linked in, operator new is the counting one.
#pragma once

#include <cstdint>

namespace doctor::bench {

/// Calls of operator new since the start, of all threads.
std::uint64_t allocations();

}  // namespace doctor::bench
