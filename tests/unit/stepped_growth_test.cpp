// Growth in steps, on what a real JVM drew: Flink 1.20 on OpenJDK 17, a job with a class loader of
// 1,006 classes submitted every 20 s, none of them kept.
#include "detectors/statistics/stepped_growth.hpp"

#include <gtest/gtest.h>

namespace doctor {
namespace {

constexpr double kMb = 1 << 20;
constexpr double kStep = 3.77 * kMb;
constexpr double kClasses = 1006;

struct Collection {
  int before;  // which submission
  int takes;   // loaders
  bool counted;
};

/// What `submissions` leave, one every `every_ms`.
std::vector<SteppedPoint> stairs(int submissions, DurationMs every_ms,
                                 const std::vector<Collection>& collections) {
  std::vector<SteppedPoint> points;
  double held = 0, unloaded = 0, counted = 0;
  for (int i = 1; i <= submissions; ++i) {
    SteppedPoint point;
    double lowest = held + 1;
    for (const Collection& collection : collections) {
      if (collection.before != i) continue;
      held -= collection.takes;
      unloaded += collection.takes * kClasses;
      counted += collection.counted ? 1 : 0;
      lowest = held;
    }
    ++held;
    point.from = i * every_ms;
    point.events = 1;
    point.last = 39.6 * kMb + held * kStep;
    point.min = 39.6 * kMb + std::min(lowest, held) * kStep;
    point.loaded = 8000 + i * kClasses;
    point.unloaded = unloaded;
    point.collections = counted;
    points.push_back(point);
  }
  return points;
}

SteppedGrowth judged(const std::vector<SteppedPoint>& points, DurationMs soft_age_ms) {
  SteppedGrowthRules rules;
  rules.step_min_bytes = 1e6;
  rules.limit_bytes = 120 * kMb;
  rules.threshold_ratio = 3.4;
  rules.soft_age_ms = soft_age_ms;
  return stepped_growth(points, rules);
}

/// As counted at its classes: before which submission, how many loaders went.
const std::vector<Collection> kReal = {{13, 3, true},   {24, 8, true},  {33, 15, false},
                                       {48, 14, false}, {62, 5, false}, {67, 14, false},
                                       {81, 5, false},  {85, 14, false}};

TEST(SteppedGrowth, WhatARealJvmHeldSoftlyAccusesNobody) {
  for (const bool counted : {false, true}) {
    std::vector<Collection> collections = kReal;
    for (Collection& one : collections) one.counted = one.counted || counted;
    const std::vector<SteppedPoint> all = stairs(95, 20 * kSecondMs, collections);
    for (std::size_t begin = 0; begin < 60; begin += 5) {
      for (std::size_t end = begin + 2; end <= all.size(); ++end) {
        const std::vector<SteppedPoint> seen(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                             all.begin() + static_cast<std::ptrdiff_t>(end));
        EXPECT_EQ(judged(seen, 600 * kSecondMs).proof, Proof::none)
            << "from " << begin << " to " << end << (counted ? ", counted" : "");
      }
    }
  }
}

TEST(SteppedGrowth, TheSameStairsOverDaysAreALeakInPart) {
  // An hour apart nothing is held softly any more: what stays is kept.
  const std::vector<SteppedPoint> points =
      stairs(30, kHourMs, {{10, 3, true}, {20, 4, true}, {28, 3, true}});
  EXPECT_EQ(judged(points, 10 * kMinuteMs).proof, Proof::rising_troughs);
}

TEST(SteppedGrowth, ACollectionProvesNothingAboutJobsThatHaveJustEnded) {
  const std::vector<SteppedPoint> quick = stairs(12, 20 * kSecondMs, {{10, 0, true}});
  EXPECT_EQ(judged(quick, 600 * kSecondMs).proof, Proof::none);
  const std::vector<SteppedPoint> slow = stairs(12, 20 * kMinuteMs, {{10, 0, true}});
  EXPECT_EQ(judged(slow, 600 * kSecondMs).proof, Proof::barren_collection);
}

TEST(SteppedGrowth, WhatFullCollectionsLeaveRisesTimeAndAgainThoughLittleOfEachJobStays) {
  std::vector<Collection> leaks, held;
  for (int before = 11; before < 70; before += 10) {
    leaks.push_back({before, 8, true});
    held.push_back({before, before == 11 ? 8 : 10, true});
  }
  EXPECT_EQ(judged(stairs(70, kHourMs, leaks), 10 * kMinuteMs).proof, Proof::rising_troughs);
  EXPECT_EQ(judged(stairs(70, kHourMs, held), 10 * kMinuteMs).proof, Proof::none)
      << "two stay, but always two";
}

/// As `points`, with so many young collections between two submissions.
std::vector<SteppedPoint> with_young(std::vector<SteppedPoint> points, double each) {
  double young = 0;
  for (SteppedPoint& point : points) point.young_collections = young += each;
  return points;
}

TEST(SteppedGrowth, WhoUnloadsAllThatWasLoadedKeepsNothingThoughItsTroughsRise) {
  std::vector<Collection> leaks;
  for (int before = 11; before < 70; before += 10) leaks.push_back({before, 8, true});
  std::vector<SteppedPoint> points = stairs(70, kHourMs, leaks);
  EXPECT_EQ(judged(points, 10 * kMinuteMs).proof, Proof::rising_troughs);
  for (SteppedPoint& point : points) *point.unloaded *= 70.0 / 48.0;
  EXPECT_EQ(judged(points, 10 * kMinuteMs).proof, Proof::none);
}

TEST(SteppedGrowth, WhatIsStillYoungIsNotOwedByAConcurrentCycle) {
  std::vector<SteppedPoint> points = stairs(16, kHourMs, {});
  for (std::size_t i = 12; i < points.size(); ++i) points[i].cycles = 1;
  EXPECT_EQ(judged(with_young(points, 1), 10 * kMinuteMs).proof, Proof::none)
      << "after 11 young collections nothing was promoted yet";
  EXPECT_EQ(judged(with_young(points, 5), 10 * kMinuteMs).proof, Proof::barren_collection);
  for (std::size_t i = 12; i < points.size(); ++i) points[i].collections = 1;
  EXPECT_EQ(judged(with_young(points, 1), 10 * kMinuteMs).proof, Proof::barren_collection)
      << "a full collection takes the young as well";
}

TEST(SteppedGrowth, BeyondEveryThresholdOnlyWhatWasTenuredIsALeak) {
  const std::vector<SteppedPoint> points = stairs(40, kHourMs, {});
  EXPECT_EQ(judged(with_young(points, 2), 10 * kMinuteMs).proof, Proof::beyond_threshold);
  EXPECT_EQ(judged(with_young(points, 0.4), 10 * kMinuteMs).proof, Proof::none)
      << "as on a JVM that hardly allocates";
}

TEST(SteppedGrowth, AThresholdThatWasRaisedByAnEarlierPeakProvesNothing) {
  // Twice as high as ever before would be needed; the JVM collects where it did the last time.
  const std::vector<SteppedPoint> points = stairs(75, kHourMs, {{38, 37, true}});
  EXPECT_EQ(judged(with_young(points, 5), 10 * kMinuteMs).proof, Proof::none);
}

TEST(SteppedGrowth, OneLoaderGivenBackShowsNothingOfTheOthers) {
  const auto keeps = [](int before, int takes) {
    return judged(stairs(16, kHourMs, {{before, takes, false}}), 10 * kMinuteMs).keeps;
  };
  EXPECT_EQ(keeps(6, 1), true);
  EXPECT_EQ(keeps(6, 2), false) << "half of the four that had ended";
  EXPECT_EQ(keeps(10, 2), true) << "two of eight";
  EXPECT_EQ(keeps(10, 5), false);
}

TEST(SteppedGrowth, WithoutClassCountsNobodyKnowsWhatIsKept) {
  std::vector<SteppedPoint> points = stairs(16, kHourMs, {});
  EXPECT_EQ(judged(points, 10 * kMinuteMs).keeps, true);
  for (SteppedPoint& point : points) point.unloaded.reset();
  EXPECT_EQ(judged(points, 10 * kMinuteMs).keeps, std::nullopt);
}

}  // namespace
}  // namespace doctor
