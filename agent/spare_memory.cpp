#include "agent/spare_memory.hpp"

#include <malloc.h>

namespace doctor {
namespace {

constexpr DurationMs kChangingMs = 5 * kSecondMs;
constexpr DurationMs kSettledMs = kMinuteMs;

}  // namespace

void SpareMemory::settle(TimestampMs now, std::uint64_t series) {
  if (at_ == 0) at_ = now;
  if (now - at_ < (series == series_ ? kSettledMs : kChangingMs)) return;
  series_ = series;
  at_ = now;
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace doctor
