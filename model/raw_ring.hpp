// RawRing: the last 32 samples of a series, bit by bit as they came, in as few bytes as they need:
// times as milliseconds after the first, values as nothing while all are the same, as four bytes
// where they are whole steps from the least, else as they are. Tens of thousands of series have
// one: what most of them hold is a counter's whole numbers, or zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "model/feature.hpp"

namespace doctor {

class RawRing {
 public:
  static constexpr std::size_t kSamples = 32;

  void push(const Sample& sample);
  /// The newest always, those before it at least so far apart: a quick source does not shorten
  /// what the ring remembers.
  void push_apart(const Sample& sample, DurationMs apart_ms);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Oldest first through at(0).
  Sample at(std::size_t i) const;
  Sample back() const { return at(size_ - 1U); }
  /// All of them, oldest first, to the begin of `samples`; how many they are.
  std::size_t copy(std::span<Sample, kSamples> samples) const;

 private:
  using Word = std::uint32_t;

  std::size_t slot_of(std::size_t i) const { return (start_ + i) % kSamples; }
  void put(std::size_t i, const Sample& sample);
  bool store(std::size_t i, const Sample& sample);
  bool store_value(std::size_t slot, double value);
  double value_at(std::size_t slot) const;
  void repack(std::span<const Sample> samples);

  // A time for each slot, then the values, each of value_words_; null while there is one sample.
  std::unique_ptr<Word[]> words_;
  TimestampMs from_{};  // times count from here
  double least_{};      // narrow values count from here
  std::uint8_t start_{0};
  std::uint8_t size_{0};
  std::uint8_t value_words_{0};
};

}  // namespace doctor
