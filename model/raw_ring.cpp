#include "model/raw_ring.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace doctor {
namespace {

constexpr std::uint32_t kWordMax = std::numeric_limits<std::uint32_t>::max();

bool is_same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// So many whole steps that nothing of the value is lost.
bool is_step(double least, double value) {
  const double steps = value - least;
  return steps >= 0 && steps <= kWordMax &&
         is_same(least + static_cast<double>(static_cast<std::uint32_t>(steps)), value);
}

}  // namespace

void RawRing::push(const Sample& sample) {
  if (size_ == kSamples) {
    start_ = static_cast<std::uint8_t>(slot_of(1));
  } else {
    ++size_;
  }
  put(size_ - 1U, sample);
}

void RawRing::push_apart(const Sample& sample, DurationMs apart_ms) {
  if (size_ >= 2 && back().at - at(size_ - 2U).at < apart_ms) {
    put(size_ - 1U, sample);
  } else {
    push(sample);
  }
}

Sample RawRing::at(std::size_t i) const {
  if (!words_) return {from_, least_};
  const std::size_t slot = slot_of(i);
  return {from_ + words_[slot], value_at(slot)};
}

std::size_t RawRing::copy(std::span<Sample, kSamples> samples) const {
  const auto each = [&](auto value_of) {
    for (std::size_t i = 0; i < size_; ++i) {
      const std::size_t slot = slot_of(i);
      samples[i] = {from_ + words_[slot], value_of(slot)};
    }
  };
  if (!words_) {
    std::fill_n(samples.begin(), size_, Sample{from_, least_});
  } else if (value_words_ == 0) {
    each([&](std::size_t) { return least_; });
  } else if (value_words_ == 1) {
    each([&](std::size_t slot) { return least_ + static_cast<double>(words_[kSamples + slot]); });
  } else {
    each([&](std::size_t slot) { return value_at(slot); });
  }
  return size_;
}

double RawRing::value_at(std::size_t slot) const {
  if (value_words_ == 0) return least_;
  if (value_words_ == 1) return least_ + static_cast<double>(words_[kSamples + slot]);
  const std::uint64_t high = words_[kSamples + 2 * slot];
  return std::bit_cast<double>(high << 32U | words_[kSamples + 2 * slot + 1]);
}

/// What does not fit what is there makes the ring anew.
void RawRing::put(std::size_t i, const Sample& sample) {
  if (store(i, sample)) return;
  std::array<Sample, kSamples> samples;
  for (std::size_t other = 0; other < size_; ++other) {
    samples[other] = other == i ? sample : at(other);
  }
  const std::span<const Sample> all(samples.data(), size_);
  const auto [first, last] = std::minmax_element(
      all.begin(), all.end(), [](const Sample& a, const Sample& b) { return a.at < b.at; });
  // What is weeks from the others is no neighbour of theirs.
  const bool is_apart = last->at - first->at > static_cast<DurationMs>(kWordMax);
  repack(is_apart ? std::span(&sample, 1) : all);
}

bool RawRing::store(std::size_t i, const Sample& sample) {
  const DurationMs after = sample.at - from_;
  if (!words_ || after < 0 || after > static_cast<DurationMs>(kWordMax)) return false;
  const std::size_t slot = slot_of(i);
  if (!store_value(slot, sample.value)) return false;
  words_[slot] = static_cast<Word>(after);
  return true;
}

bool RawRing::store_value(std::size_t slot, double value) {
  if (value_words_ == 0) return is_same(value, least_);
  if (value_words_ == 1) {
    if (!is_step(least_, value)) return false;
    words_[kSamples + slot] = static_cast<Word>(value - least_);
    return true;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value);
  words_[kSamples + 2 * slot] = static_cast<Word>(bits >> 32U);
  words_[kSamples + 2 * slot + 1] = static_cast<Word>(bits);
  return true;
}

void RawRing::repack(std::span<const Sample> samples) {
  from_ = samples.front().at;
  least_ = samples.front().value;
  bool all_same = true;
  for (const Sample& sample : samples) {
    from_ = std::min(from_, sample.at);
    all_same = all_same && is_same(sample.value, samples.front().value);
    if (sample.value < least_) least_ = sample.value;
  }
  const bool all_steps = std::all_of(samples.begin(), samples.end(), [&](const Sample& sample) {
    return is_step(least_, sample.value);
  });
  const std::uint8_t value_words = all_same ? 0 : all_steps ? 1 : 2;
  if (samples.size() == 1) {
    words_.reset();  // what a series needs shows at its second sample
  } else if (!words_ || value_words != value_words_) {
    words_ = std::make_unique<Word[]>(kSamples * (1U + value_words));
  }
  value_words_ = value_words;
  start_ = 0;
  size_ = static_cast<std::uint8_t>(samples.size());
  for (std::size_t i = 0; words_ && i < samples.size(); ++i) store(i, samples[i]);
}

}  // namespace doctor
