#include "agent/spare_memory.hpp"

#include <malloc.h>

namespace doctor {
namespace {

constexpr DurationMs kApartMs = 5 * kSecondMs;

}  // namespace

void SpareMemory::settle(TimestampMs now, std::uint64_t series) {
  if (at_ == 0) at_ = now;
  if (series == series_ || now - at_ < kApartMs) return;
  series_ = series;
  at_ = now;
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace doctor
