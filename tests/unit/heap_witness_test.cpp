#include "detectors/statistics/heap_witness.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 480'000 * kHourMs;  // begins a bin of every scale
constexpr double kMb = 1e6;
constexpr HeapWitnessRules kRules{0.01, 0.85, 3};

/// A heap that is told every minute, in hours since the start and MB.
class HeapWitnesses : public testing::Test {
 protected:
  HeapWitnesses() : process_(fake_.task_manager("tm-1", "host-1")) {}
  using Value = std::function<double(double hour)>;
  void tell(double hours, const Value& value) {
    put(Metric::jvm_heap_used, process_, hours, value);
  }
  void put(Metric metric, EntityId entity, double hours, const Value& value) {
    for (std::int64_t minute = 0; minute <= static_cast<std::int64_t>(60 * hours); ++minute) {
      fake_.now = kStart + minute * kMinuteMs;
      const double scale = metric == Metric::jvm_heap_used ? kMb : 1;
      fake_.features.put(metric, entity, fake_.now,
                         scale * value(static_cast<double>(minute) / 60));
    }
  }
  void limit(double mb) { fake_.features.put(Metric::jvm_heap_max, process_, fake_.now, mb * kMb); }
  /// As floor_growth would see the last `hours`, by quarters of an hour.
  FloorGrowth growth(double hours, double first, double level) {
    FloorGrowth growth;
    growth.scale = FloorScale::quarter_hour;
    growth.to = fake_.now;
    growth.from = growth.to - static_cast<DurationMs>(hours * kHourMs);
    growth.first = first * kMb;
    growth.level = level * kMb;
    return growth;
  }
  HeapTestimony judge(const FloorGrowth& growth, const HeapWitnessRules& rules = kRules) {
    return testify(HeapProcess(fake_.window(), process_), growth, rules);
  }

  FakeCluster fake_;
  EntityId process_;
};

double within(double hour) { return hour - static_cast<double>(static_cast<int>(hour)); }

TEST_F(HeapWitnesses, TroughsThatRiseAreALeak) {
  // Before the first hour's end nothing was taken: seven collections, each 10 MB higher.
  tell(8, [](double h) { return 300 + 10.0 * static_cast<int>(h) + 80 * within(h); });
  const HeapTestimony testimony = judge(growth(8, 320, 430));
  ASSERT_EQ(testimony.troughs.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(testimony.troughs[i], (310 + 10.0 * static_cast<double>(i)) * kMb, kMb);
  }
  EXPECT_NEAR(testimony.rising.p, 1.0 / 5040, 1e-9);
  EXPECT_EQ(testimony.witness, HeapWitness::collections);
  EXPECT_EQ(testimony.full_collections, 0) << "nobody counts them";
}

TEST_F(HeapWitnesses, GarbageThatIsTakenAgainIsNone) {
  tell(8, [](double h) { return 300 + 80 * within(h); });
  const HeapTestimony testimony = judge(growth(8, 320, 360));
  EXPECT_EQ(testimony.troughs.size(), 7U);
  EXPECT_GT(testimony.rising.p, 0.5);
  EXPECT_EQ(testimony.witness, HeapWitness::none);
}

TEST_F(HeapWitnesses, WhatNobodyCollectedIsNone) {
  tell(8, [](double h) { return 300 + 20 * h; });
  const HeapTestimony testimony = judge(growth(8, 300, 460));
  EXPECT_TRUE(testimony.troughs.empty());
  EXPECT_EQ(testimony.rising.p, 1);
  EXPECT_EQ(testimony.witness, HeapWitness::none);
}

TEST_F(HeapWitnesses, FourTroughsAreTooFew) {
  tell(8, [](double h) { return 300 + 10.0 * static_cast<int>(h) + 80 * within(h); });
  HeapWitnessRules lenient = kRules;
  lenient.p_max = 0.05;  // four have 1 / 24
  EXPECT_EQ(judge(growth(4.25, 360, 430), lenient).troughs.size(), 4U);
  EXPECT_EQ(judge(growth(4.25, 360, 430), lenient).witness, HeapWitness::none);
  EXPECT_EQ(judge(growth(5.25, 350, 430), lenient).witness, HeapWitness::collections);
}

TEST_F(HeapWitnesses, FallsThatNoiseMakesAreNoCollections) {
  tell(8, [](double h) { return 300 + 10.0 * static_cast<int>(h) + 80 * within(h); });
  FloorGrowth noisy = growth(8, 320, 430);
  noisy.trend.sd = 20 * kMb;  // of which 2.5 are 50; a fall at the full hour is 60 less 10
  EXPECT_EQ(judge(noisy).troughs.size(), 7U);
  noisy.trend.sd = 20.5 * kMb;
  EXPECT_TRUE(judge(noisy).troughs.empty());
  EXPECT_TRUE(judge(growth(8, 0, 600)).troughs.empty()) << "and of a large rise a tenth is more";
}

TEST_F(HeapWitnesses, AHeapThatIsFullWasCollected) {
  tell(8, [](double h) { return 300 + 20 * h; });
  limit(541);
  EXPECT_EQ(judge(growth(8, 300, 460)).witness, HeapWitness::level) << "460 of 541";
  limit(542);
  EXPECT_EQ(judge(growth(8, 300, 460)).witness, HeapWitness::none);
}

TEST_F(HeapWitnesses, NothingLikeItInALongQuietPastIsUnprecedented) {
  tell(8, [](double h) { return 300 + 20 * h; });
  FloorGrowth growth = this->growth(8, 300, 460);
  growth.before_ms = kDayMs;
  growth.before_range = 53 * kMb;
  EXPECT_EQ(judge(growth).witness, HeapWitness::unprecedented) << "160 is three times 53";
  growth.before_range = 54 * kMb;
  EXPECT_EQ(judge(growth).witness, HeapWitness::none);
  growth.before_range = 0;
  growth.before_ms = kDayMs - 1;
  EXPECT_EQ(judge(growth).witness, HeapWitness::none) << "less than a day is no long past";
}

TEST_F(HeapWitnesses, ThePastIsAsLongAsTheWindowAndThreeDaysAtMost) {
  tell(8, [](double h) { return 300 + 20 * h; });
  FloorGrowth growth = this->growth(48, 300, 460);
  growth.before_ms = 47 * kHourMs;
  EXPECT_EQ(judge(growth).witness, HeapWitness::none);
  growth.before_ms = 48 * kHourMs;
  EXPECT_EQ(judge(growth).witness, HeapWitness::unprecedented);
  growth.from -= 48 * kHourMs;
  growth.before_ms = 72 * kHourMs;
  EXPECT_EQ(judge(growth).witness, HeapWitness::unprecedented);
}

TEST_F(HeapWitnesses, CountedFullCollectionsMakeTroughsOfTheirOwn) {
  // Nothing falls, but the JVM says that it collected everything at each full hour.
  const EntityId full = fake_.collector(process_, "PS_MarkSweep");
  const EntityId young = fake_.collector(process_, "PS_Scavenge");
  tell(8, [](double h) { return 300 + 20 * h; });
  put(Metric::gc_count, full, 8, [](double h) { return static_cast<int>(h + 0.1); });
  put(Metric::gc_count, young, 8, [](double h) { return 60 * h; });
  const HeapTestimony testimony = judge(growth(8, 300, 460));
  EXPECT_EQ(testimony.full_collections, 8);
  ASSERT_EQ(testimony.troughs.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) {
    // In the last quarter of each hour, whose floor is its begin.
    EXPECT_NEAR(testimony.troughs[i], (315 + 20.0 * static_cast<double>(i)) * kMb, kMb);
  }
  EXPECT_EQ(testimony.witness, HeapWitness::collections);
}

TEST_F(HeapWitnesses, BinsWithoutAnyCollectionTellNothing) {
  const EntityId young = fake_.collector(process_, "PS_Scavenge");
  tell(8, [](double h) { return 300 + 10.0 * static_cast<int>(h) + 80 * within(h); });
  put(Metric::gc_count, young, 8, [](double) { return 5; });
  EXPECT_TRUE(judge(growth(8, 320, 430)).troughs.empty());
}

TEST_F(HeapWitnesses, ALineSinceTheStartMayBeACacheThatFills) {
  tell(8, [](double h) { return 300 + 20 * h; });
  EXPECT_TRUE(judge(growth(4, 380, 460)).since_start);
  EXPECT_FALSE(judge(growth(4, 380, 290)).since_start) << "it has not risen";
}

TEST_F(HeapWitnesses, WhatBeganToLeakLaterHasMadeNoWayBefore) {
  tell(48, [](double h) { return h < 4 ? 200 + 25 * h : h < 28 ? 300 : 300 + 15 * (h - 28); });
  EXPECT_FALSE(judge(growth(4, 540, 600)).since_start);
}

TEST_F(HeapWitnesses, WhatRisesThreeTimesFasterThanBeforeIsNoFill) {
  tell(40, [](double h) { return 300 + 2 * h; });
  const auto since_start = [&](double rise, DurationMs before) {
    FloorGrowth window = growth(4, 380 - rise, 380);
    window.before_ms = before;
    window.before_range = 2 * kMb * static_cast<double>(before) / kHourMs;
    return judge(window).since_start;
  };
  EXPECT_TRUE(since_start(8, 36 * kHourMs));
  EXPECT_TRUE(since_start(23, 36 * kHourMs));
  EXPECT_FALSE(since_start(25, 36 * kHourMs));
  EXPECT_TRUE(since_start(25, 20 * kHourMs)) << "less than a day before it tells nothing";
}

}  // namespace
}  // namespace doctor
