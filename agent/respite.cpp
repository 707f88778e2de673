#include "agent/respite.hpp"

#include <algorithm>

namespace doctor {
namespace {

constexpr int kAtOnce = 3;  // failures in a row without a respite
constexpr int kDoublingsMax = 16;
/// With a half more by chance, and until the next turn, who is back is asked within a minute.
constexpr DurationMs kPauseMaxMs = 30 * kSecondMs;

}  // namespace

void Respite::note(bool answered, TimestampMs now) {
  failures_ = answered ? 0 : failures_ + 1;
  noted_at_ = until_ = now;
  if (failures_ <= kAtOnce || period_ms_ >= kPauseMaxMs) return;
  const int doublings = std::min(failures_ - kAtOnce, kDoublingsMax);
  const DurationMs pause = std::min(period_ms_ << doublings, kPauseMaxMs);
  until_ += std::uniform_int_distribution<DurationMs>(pause / 2, pause + pause / 2)(random_);
}

}  // namespace doctor
