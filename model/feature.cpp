#include "model/feature.hpp"

#include <algorithm>
#include <limits>

namespace doctor {
namespace {

constexpr DurationMs kUnseenPauseMaxMs = 30 * kSecondMs;

constexpr std::size_t slot_of(std::int64_t minute) {
  return static_cast<std::size_t>(minute) % MinuteRises::kMinutes;
}

}  // namespace

void Plateaus::cut(TimestampMs at) {
  if (size_ == 0) return;  // no level seen yet that this submission could have changed
  Plateau& open = plateaus_[(start_ + size_ - 1) % kPlateausMax];
  if (open.samples == 0) {
    ++open.events;
    return;
  }
  restore(Plateau{at, 1, 0, 0, 0});
}

void Plateaus::restore(const Plateau& plateau) {
  if (size_ == kPlateausMax) {
    start_ = (start_ + 1) % kPlateausMax;
    --size_;
    ++dropped_;
  }
  plateaus_[(start_ + size_) % kPlateausMax] = plateau;
  ++size_;
}

void Plateaus::add(const Sample& sample) {
  if (size_ == 0) {
    plateaus_[start_] = Plateau{sample.at, 0, 0, 0, 0};
    size_ = 1;
  }
  Plateau& open = plateaus_[(start_ + size_ - 1) % kPlateausMax];
  open.min = open.samples == 0 ? sample.value : std::min(open.min, sample.value);
  open.last = sample.value;
  ++open.samples;
}

void MinuteRises::open(std::int64_t minute) {
  const std::int64_t first =
      std::max(newest_ + 1, minute + 1 - static_cast<std::int64_t>(kMinutes));
  for (std::int64_t i = first; i <= minute; ++i) {
    rises_[slot_of(i)] = 0;
    seen_ms_[slot_of(i)] = 0;
  }
  newest_ = std::max(newest_, minute);
}

void MinuteRises::add(const Sample& sample) {
  if (last_.at - sample.at > kSilenceMaxMs) *this = {};  // the clock was set back
  const Sample before = last_;
  if (sample.at <= before.at) return;
  last_ = sample;
  open(sample.at / kMinuteMs);
  const DurationMs span = sample.at - before.at;
  if (before.at == 0 || span > kSilenceMaxMs || sample.value < before.value) return;
  const double rise_per_ms = (sample.value - before.value) / static_cast<double>(span);
  for (TimestampMs from = before.at; from < sample.at;) {
    const std::int64_t minute = from / kMinuteMs;
    const TimestampMs to = std::min(sample.at, (minute + 1) * kMinuteMs);
    rises_[slot_of(minute)] += static_cast<float>(rise_per_ms * static_cast<double>(to - from));
    seen_ms_[slot_of(minute)] = static_cast<std::uint16_t>(seen_ms_[slot_of(minute)] + (to - from));
    from = to;
  }
}

std::optional<double> MinuteRises::per_second(TimestampMs from, TimestampMs to) const {
  double rise = 0;
  DurationMs seen_ms = 0;
  for (std::int64_t minute = from / kMinuteMs; minute < to / kMinuteMs; ++minute) {
    if (minute > newest_ || minute <= newest_ - static_cast<std::int64_t>(kMinutes)) continue;
    rise += static_cast<double>(rises_[slot_of(minute)]);
    seen_ms += seen_ms_[slot_of(minute)];
  }
  if (seen_ms <= 0 || 2 * seen_ms < to - from) return std::nullopt;
  return 1000 * rise / static_cast<double>(seen_ms);
}

void Moves::take(Longest& longest, std::uint32_t pause_ms) {
  if (pause_ms > longest[0]) std::swap(pause_ms, longest[0]);
  longest[1] = std::max(longest[1], pause_ms);
}

void Moves::add(const Sample& sample) {
  if (last_.at - sample.at > kSilenceMaxMs) *this = {};  // the clock was set back
  const Sample before = last_;
  last_ = sample;
  if (before.at == 0) {
    moved_at_ = hour_began_ = sample.at;
    return;
  }
  if (sample.at - hour_began_ >= kHourMs) {
    hour_before_ = sample.at - hour_began_ < 2 * kHourMs ? hour_ : Longest{};
    hour_ = {};
    hour_began_ = sample.at;
  }
  if (sample.value == before.value) return;
  // After a silence nobody knows when it moved, and a fall is another attempt's beginning.
  const bool is_pause = sample.value > before.value && sample.at - before.at <= kSilenceMaxMs;
  if (is_pause) {
    // Looks far apart see it move each time, however short it stood: only a look or so of it
    // counts.
    const DurationMs unseen = std::min(sample.at - before.at, kUnseenPauseMaxMs);
    const DurationMs pause = before.at - moved_at_ + unseen;
    take(hour_, static_cast<std::uint32_t>(
                    std::clamp<DurationMs>(pause, 0, std::numeric_limits<std::uint32_t>::max())));
  }
  moved_at_ = sample.at;
  ++count_;
}

DurationMs Moves::usual_pause_ms() const {
  Longest longest = hour_;
  for (const std::uint32_t pause_ms : hour_before_) take(longest, pause_ms);
  return longest[1];
}

}  // namespace doctor
