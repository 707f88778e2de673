#include "model/feature.hpp"

#include <gtest/gtest.h>

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'000'000 * kMinuteMs;

TEST(MinuteRises, ARateWhateverThePaceOfSamples) {
  for (const DurationMs pace : {5 * kSecondMs, 15 * kSecondMs, 60 * kSecondMs, 200 * kSecondMs}) {
    MinuteRises rises;
    for (TimestampMs at = kStart; at <= kStart + 20 * kMinuteMs; at += pace) {
      rises.add({at, 7 * static_cast<double>(at - kStart) / kSecondMs});
    }
    const auto rate = rises.per_second(kStart + 10 * kMinuteMs, kStart + 15 * kMinuteMs);
    ASSERT_TRUE(rate) << pace;
    EXPECT_NEAR(*rate, 7, 1e-3) << pace;
  }
}

TEST(MinuteRises, AFallBeginsAnewAndIsNoRise) {
  MinuteRises rises;
  for (int i = 0; i <= 40; ++i) {  // 100 per 15 s, reset at 5 min
    const int count = i < 20 ? i : i - 20;
    rises.add({kStart + i * 15 * kSecondMs, 100.0 * count});
  }
  const auto rate = rises.per_second(kStart, kStart + 10 * kMinuteMs);
  ASSERT_TRUE(rate);
  EXPECT_NEAR(*rate, 100.0 / 15, 1e-3) << "the 15 s of the fall are not counted at all";
}

TEST(MinuteRises, SilenceIsNoEvidence) {
  MinuteRises rises;
  rises.add({kStart, 0});
  rises.add({kStart + kMinuteMs, 60});
  rises.add({kStart + 8 * kMinuteMs, 6000});  // seven minutes later: not spread over them
  EXPECT_FALSE(rises.per_second(kStart + kMinuteMs, kStart + 6 * kMinuteMs));
  EXPECT_FALSE(rises.per_second(kStart + 20 * kMinuteMs, kStart + 25 * kMinuteMs)) << "not yet";
  ASSERT_TRUE(rises.per_second(kStart, kStart + 2 * kMinuteMs)) << "half of it was seen";
  EXPECT_NEAR(*rises.per_second(kStart, kStart + 2 * kMinuteMs), 1, 1e-6);
  EXPECT_FALSE(rises.per_second(kStart, kStart + 3 * kMinuteMs));
}

TEST(MinuteRises, WhatIsTooOldIsForgottenAndAClockSetBackBeginsAnew) {
  MinuteRises rises;
  for (int i = 0; i <= 30; ++i) rises.add({kStart + i * kMinuteMs, 60.0 * i});
  EXPECT_FALSE(rises.per_second(kStart, kStart + 5 * kMinuteMs));
  EXPECT_TRUE(rises.per_second(kStart + 25 * kMinuteMs, kStart + 30 * kMinuteMs));
  const TimestampMs back = kStart - kHourMs;
  for (int i = 0; i <= 5; ++i) rises.add({back + i * kMinuteMs, 2000 + 120.0 * i});
  ASSERT_TRUE(rises.per_second(back, back + 5 * kMinuteMs));
  EXPECT_NEAR(*rises.per_second(back, back + 5 * kMinuteMs), 2, 1e-6);
}

TEST(Moves, TellWhenItMovedAndWhatItIsUsedTo) {
  Moves moves;
  moves.add({kStart, 10});
  EXPECT_EQ(moves.count(), 0U);
  EXPECT_EQ(moves.moved_at(), kStart);
  const auto stand = [&](DurationMs ms, double value) {  // then a move to `value`
    const TimestampMs until = moves.last().at + ms;
    const double before = moves.last().value;
    while (moves.last().at + 15 * kSecondMs < until) {
      moves.add({moves.last().at + 15 * kSecondMs, before});
    }
    moves.add({until, value});
  };
  stand(kMinuteMs, 11);
  EXPECT_EQ(moves.usual_pause_ms(), 0) << "once is no habit";
  stand(30 * kSecondMs, 12);
  EXPECT_EQ(moves.usual_pause_ms(), 30 * kSecondMs);
  stand(10 * kMinuteMs, 13);
  EXPECT_EQ(moves.usual_pause_ms(), kMinuteMs) << "the longest alone may have been a fault";
  EXPECT_EQ(moves.count(), 3U);
  EXPECT_EQ(moves.moved_at(), moves.last().at);
}

TEST(Moves, AHabitIsForgottenAfterTwoHours) {
  Moves moves;
  double value = 0;
  TimestampMs at = kStart;
  const auto run = [&](DurationMs pace, DurationMs ms) {
    for (const TimestampMs end = at + ms; at < end; at += 15 * kSecondMs) {
      if ((at - kStart) % pace == 0) ++value;
      moves.add({at, value});
    }
  };
  run(4 * kMinuteMs, 30 * kMinuteMs);
  EXPECT_EQ(moves.usual_pause_ms(), 4 * kMinuteMs);
  run(15 * kSecondMs, 60 * kMinuteMs);
  EXPECT_EQ(moves.usual_pause_ms(), 4 * kMinuteMs);
  run(15 * kSecondMs, 60 * kMinuteMs);
  EXPECT_EQ(moves.usual_pause_ms(), 15 * kSecondMs);
}

TEST(Moves, LooksFarApartAreNoStandstills) {
  Moves moves;
  for (int look = 0; look < 20; ++look) {
    moves.add({kStart + look * 100 * kSecondMs, 1.0 + look});
  }
  EXPECT_EQ(moves.usual_pause_ms(), 30 * kSecondMs) << "it moved each time";
  moves.add({kStart + 2000 * kSecondMs, 20});  // seen to stand
  moves.add({kStart + 2100 * kSecondMs, 21});
  moves.add({kStart + 2200 * kSecondMs, 21});
  moves.add({kStart + 2300 * kSecondMs, 22});
  EXPECT_EQ(moves.usual_pause_ms(), 130 * kSecondMs);
}

TEST(Moves, AFallAndASilenceAreNoPauses) {
  Moves moves;
  moves.add({kStart, 100});
  moves.add({kStart + 20 * kMinuteMs, 200});
  moves.add({kStart + 40 * kMinuteMs, 300});
  EXPECT_EQ(moves.usual_pause_ms(), 0) << "nobody knows when it moved";
  moves.add({kStart + 41 * kMinuteMs, 50});
  moves.add({kStart + 42 * kMinuteMs, 40});
  EXPECT_EQ(moves.usual_pause_ms(), 0) << "another attempt";
  EXPECT_EQ(moves.moved_at(), kStart + 42 * kMinuteMs);
}

}  // namespace
}  // namespace doctor
