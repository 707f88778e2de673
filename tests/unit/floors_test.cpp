#include "model/floors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

namespace doctor {
namespace {

constexpr TimestampMs kStart = 480'000 * kHourMs;  // begins a bin of every scale
constexpr DurationMs kEvery = 30 * kSecondMs;
constexpr std::int64_t kBin = kStart / (5 * kMinuteMs);

void feed(Floors& floors, TimestampMs from, TimestampMs to, double value,
          DurationMs every = kEvery) {
  for (TimestampMs at = from; at < to; at += every) floors.add({at, value});
}

TEST(Floors, AFloorIsTheLowestOfItsBinOnceThatHasEnded) {
  Floors floors;
  EXPECT_TRUE(floors.empty());
  feed(floors, kStart, kStart + 5 * kMinuteMs, 7);
  EXPECT_FALSE(floors.at(FloorScale::five_minutes, kBin));
  floors.add({kStart + 5 * kMinuteMs, 3});
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin), 7);
  EXPECT_FALSE(floors.at(FloorScale::five_minutes, kBin + 1));
  floors.add({kStart + 8 * kMinuteMs, 9});
  floors.add({kStart + 10 * kMinuteMs, 9});
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin + 1), 3);
}

TEST(Floors, ABinThatWasHardlySampledIsAGap) {
  Floors floors;
  feed(floors, kStart, kStart + 5 * kMinuteMs, 7);
  feed(floors, kStart + 5 * kMinuteMs, kStart + 6 * kMinuteMs, 5);  // one quarter of four
  feed(floors, kStart + 10 * kMinuteMs, kStart + 15 * kMinuteMs + kEvery, 6);
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin), 7);
  EXPECT_FALSE(floors.at(FloorScale::five_minutes, kBin + 1));
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin + 2), 6);
  EXPECT_EQ(floors.at(FloorScale::quarter_hour, kBin / 3), 6);  // two of its three are known
}

TEST(Floors, SlowScrapesStillCount) {
  Floors floors;
  feed(floors, kStart, kStart + kHourMs + kMinuteMs, 7, 60 * kSecondMs);
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin), 7);
  EXPECT_EQ(floors.hour(kStart / kHourMs).has_value(), true);
}

TEST(Floors, LooksTenMinutesApartTellOnTheCoarseScales) {
  Floors floors;
  const TimestampMs end = kStart + 12 * kHourMs;
  int looks = 0;
  for (TimestampMs at = kStart + kMinuteMs; at < end + kHourMs; at += 11 * kMinuteMs) {
    floors.add({at, 100.0 + looks++ % 4});
  }
  EXPECT_FALSE(floors.at(FloorScale::five_minutes, kBin));
  EXPECT_FALSE(floors.at(FloorScale::quarter_hour, kBin / 3));
  for (std::int64_t bin = 0; bin < 16; ++bin) {
    EXPECT_EQ(floors.at(FloorScale::three_quarters, kBin / 9 + bin), 100) << bin;
  }
  for (std::int64_t hour = 0; hour < 12; ++hour) {
    EXPECT_NEAR(floors.hour(kStart / kHourMs + hour).value_or(0), 100, 0.2) << hour;
  }
  EXPECT_TRUE(floors.at(FloorScale::three_hours, kStart / (3 * kHourMs)));
  EXPECT_TRUE(summarize(floors)) << "on a scale that shows them";
  Floors again;
  ASSERT_TRUE(again.restore(floors.image()));
  EXPECT_EQ(again.image(), floors.image());
  EXPECT_FALSE(again.at(FloorScale::five_minutes, again.newest(FloorScale::five_minutes) - 3));
}

TEST(Floors, LooksThatLeaveOutAThirdOfABinAreAGap) {
  Floors floors;
  for (const int minute : {1, 12, 18, 24}) floors.add({kStart + minute * kMinuteMs, 7});
  floors.add({kStart + kHourMs, 7});
  EXPECT_FALSE(floors.at(FloorScale::three_quarters, kBin / 9)) << "nobody looked at its end";
}

/// Every scale against the lowest of all samples in the bin.
TEST(Floors, AgreeWithBruteForceOnEveryScale) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0, 1000);
  Floors floors;
  std::map<std::pair<std::size_t, std::int64_t>, float> expected;
  std::map<std::int64_t, float> hours;
  const TimestampMs end = kStart + 10 * kDayMs;
  for (TimestampMs at = kStart; at < end; at += kEvery) {
    const auto value = static_cast<float>(uniform(random));
    floors.add({at, value});
    for (std::size_t s = 0; s < kFloorScales.size(); ++s) {
      const auto [known, first] = expected.try_emplace({s, at / kFloorWidthsMs[s]}, value);
      if (!first) known->second = std::min(known->second, value);
    }
    const auto [known, first] = hours.try_emplace(at / kHourMs, value);
    if (!first) known->second = std::min(known->second, value);
  }
  floors.add({end, 1});
  for (std::size_t s = 0; s < kFloorScales.size(); ++s) {
    const std::int64_t newest = end / kFloorWidthsMs[s] - 1;
    ASSERT_EQ(floors.newest(kFloorScales[s]), newest);
    for (std::int64_t bin = newest - kFloorsPerScale + 1; bin <= newest; ++bin) {
      ASSERT_EQ(floors.at(kFloorScales[s], bin), (expected[{s, bin}])) << s << " " << bin;
    }
    EXPECT_FALSE(floors.at(kFloorScales[s], newest + 1));
    EXPECT_FALSE(floors.at(kFloorScales[s], newest - kFloorsPerScale));
  }
  const std::int64_t hour = end / kHourMs - 1;
  for (std::int64_t h = hour - kHourlyFloors + 1; h <= hour; ++h) {
    EXPECT_NEAR(floors.hour(h).value(), hours[h], 0.001 * hours[h] + 0.001);
  }
}

TEST(Floors, ALongGapForgetsAndAShortOneDoesNot) {
  Floors floors;
  feed(floors, kStart, kStart + 3 * kHourMs, 7);
  feed(floors, kStart + 15 * kHourMs, kStart + 16 * kHourMs, 8);
  EXPECT_TRUE(floors.hour(kStart / kHourMs + 1));
  EXPECT_FALSE(floors.hour(kStart / kHourMs + 5));
  feed(floors, kStart + 9 * kDayMs, kStart + 9 * kDayMs + 2 * kHourMs, 9);
  EXPECT_FALSE(floors.hour(kStart / kHourMs + 9 * 24 - 167));
  EXPECT_TRUE(floors.hour(kStart / kHourMs + 9 * 24));
}

TEST(Floors, LateSamplesAreDroppedAndAClockSetBackBeginsAnew) {
  Floors floors;
  feed(floors, kStart, kStart + kHourMs, 7);
  floors.add({kStart, 1});
  floors.add({kStart + kHourMs, 7});
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin), 7);
  feed(floors, kStart - 3 * kDayMs, kStart - 3 * kDayMs + kHourMs, 5);
  EXPECT_EQ(floors.at(FloorScale::five_minutes, kBin - 3 * 288), 5);
}

TEST(Floors, AnImageBringsAllBackAndADamagedOneNothing) {
  Floors floors;
  feed(floors, kStart, kStart + 2 * kDayMs, 123456789);
  Floors again;
  ASSERT_TRUE(again.restore(floors.image()));
  EXPECT_EQ(again.image(), floors.image());
  EXPECT_EQ(again.at(FloorScale::three_hours, again.newest(FloorScale::three_hours)),
            floors.at(FloorScale::three_hours, floors.newest(FloorScale::three_hours)));
  std::string image = floors.image();
  EXPECT_FALSE(again.restore(image.substr(1)));
  EXPECT_FALSE(again.restore(image + "0"));
  image[20] = 'x';
  EXPECT_FALSE(again.restore(image));
  EXPECT_FALSE(again.restore(std::string(image.size(), 'f')));  // a bin beyond every date
  EXPECT_FALSE(again.empty());
}

TEST(Floors, AreAKilobyte) { EXPECT_LE(sizeof(Floors), 1024U); }

TEST(EpochSummary, HoldsLevelsSpreadOverTheLife) {
  Floors floors;
  for (int i = 0; i < 16 * 60 * 2; ++i) floors.add({kStart + i * kEvery, 100.0 + i});
  const auto summary = summarize(floors);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->from, kStart);
  EXPECT_EQ(summary->levels.front(), 100);
  EXPECT_TRUE(std::is_sorted(summary->levels.begin(), summary->levels.end()));
  EXPECT_GT(summary->levels.back(), 100 + 0.8 * 16 * 120);
  Floors brief;
  feed(brief, kStart, kStart + kHourMs, 5);
  EXPECT_FALSE(summarize(brief));
  EXPECT_FALSE(summarize(Floors{}));
}

}  // namespace
}  // namespace doctor
