#include "model/raw_ring.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <random>
#include <vector>

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Pushes them all, and compares with the last 32 after each.
void expect_kept(const std::vector<Sample>& samples) {
  RawRing ring;
  std::deque<Sample> last;
  for (const Sample& sample : samples) {
    ring.push(sample);
    last.push_back(sample);
    if (last.size() > RawRing::kSamples) last.pop_front();
    ASSERT_EQ(ring.size(), last.size());
    for (std::size_t i = 0; i < last.size(); ++i) {
      ASSERT_EQ(ring.at(i).at, last[i].at) << i << " of " << last.size();
      ASSERT_EQ(bits(ring.at(i).value), bits(last[i].value)) << i << " of " << last.size();
    }
  }
}

std::vector<Sample> every_15_s(const std::vector<double>& values) {
  std::vector<Sample> samples;
  for (const double value : values) {
    samples.push_back({kStart + static_cast<TimestampMs>(samples.size()) * 15'000, value});
  }
  return samples;
}

TEST(RawRingTest, ValuesComeBackBitByBitWhateverTheyAre) {
  const double inf = std::numeric_limits<double>::infinity();
  const double tiny = std::numeric_limits<double>::denorm_min();
  std::vector<double> all{0, 0, -0.0, 5, 0.5, 1.5, 1e15, 1e15 + 1, -9.223372036854776e18, NAN, inf};
  all.insert(all.end(), {-inf, tiny, 4294967295.0, 4294967296.0, -1, 3, 3, 1e308, -1e308, 7});
  for (int i = 0; i < 40; ++i) all.push_back(1e9 + i);
  expect_kept(every_15_s(all));
}

TEST(RawRingTest, CountersAndGaugesOfAllKindsSlideThrough) {
  std::mt19937_64 random(1);
  for (const double step : {0.0, 1.0, 1501.0, 3e9, 5e9, 0.25, 1e-3}) {
    for (const double from : {0.0, 1e7, 9e15, -1e6, 0.1}) {
      std::vector<double> rising, falling, wandering;
      for (int i = 0; i < 100; ++i) {
        rising.push_back(from + step * i);
        falling.push_back(from - step * i);
        wandering.push_back(from + step * static_cast<double>(random() % 1000));
      }
      expect_kept(every_15_s(rising));
      expect_kept(every_15_s(falling));
      expect_kept(every_15_s(wandering));
    }
  }
}

TEST(RawRingTest, AClockThatIsSetBackAndALongSilenceAreKept) {
  expect_kept({{kStart, 1}, {kStart + 10, 2}, {kStart - kHourMs, 3}, {kStart + 40 * kDayMs, 4}});
}

TEST(RawRingTest, WhatIsFurtherApartThanTimesReachBeginsAnew) {
  RawRing ring;
  ring.push({kStart, 1});
  ring.push({kStart + 10, 2});
  ring.push({kStart + 60 * kDayMs, 3});
  ASSERT_EQ(ring.size(), 1U);
  EXPECT_EQ(ring.back().at, kStart + 60 * kDayMs);
  EXPECT_EQ(ring.back().value, 3);
}

TEST(RawRingTest, AQuickSourceDoesNotShortenWhatIsRemembered) {
  RawRing ring;
  for (int i = 0; i <= 100; ++i) ring.push_apart({kStart + i * kSecondMs, 1.0 * i}, 12'000);
  EXPECT_EQ(ring.back().value, 100);
  EXPECT_EQ(ring.at(0).value, 0);
  for (std::size_t i = 1; i + 1 < ring.size(); ++i) {
    EXPECT_GE(ring.at(i).at - ring.at(i - 1).at, 12'000);
  }
}

}  // namespace
}  // namespace doctor
