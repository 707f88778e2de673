#include "detectors/statistics/record_spread.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr Metric kRecords = Metric::task_records_in;

/// Of each subtask its count in every window.
RecordSpread spread_of(const std::vector<std::vector<double>>& counts) {
  RecordSpread spread;
  spread.windows = counts.front().size();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    double total = 0;
    for (const double count : counts[i]) total += count;
    spread.subtasks.push_back({static_cast<int>(i), static_cast<EntityId>(i), counts[i], total});
  }
  return spread;
}

TEST(MinuteWindows, EndWithAWholeMinute) {
  const MinuteWindows windows = minute_windows(7 * kMinuteMs + 59'999, 5, 3, 42);
  EXPECT_EQ(windows.end, 7 * kMinuteMs);
  EXPECT_EQ(windows.minutes, 5);
  EXPECT_EQ(windows.count, 3U);
  EXPECT_EQ(windows.not_before, 42);
  EXPECT_EQ(minute_windows(7 * kMinuteMs, 5, 3, 42).end, 7 * kMinuteMs);
}

TEST(RecordSpread, TellsTheTotalAndTheMiddleOfTheOthers) {
  const RecordSpread spread = spread_of({{10, 20}, {1, 1}, {50, 50}, {2, 2}});
  EXPECT_EQ(spread.total(), 136);
  EXPECT_EQ(spread.typical_but(2), 4) << "of 30, 2, 4";
  EXPECT_EQ(spread.typical_but(1), 30) << "of 30, 100, 4";
  EXPECT_EQ(spread_of({{7}, {9}, {4}}).typical_but(0), 6.5);
  EXPECT_EQ(spread_of({{7}}).typical_but(0), 0) << "there is no other";
  EXPECT_EQ(RecordSpread{}.total(), 0);
}

TEST(Overloaded, GetsMoreThanItsPeersInEveryWindow) {
  std::vector<std::vector<double>> counts(8, {1000, 1000, 1000});
  EXPECT_TRUE(overloaded(spread_of(counts), {}).empty());
  counts[3] = {4000, 4000, 4000};
  EXPECT_EQ(overloaded(spread_of(counts), {}), std::vector<std::size_t>{3});
  counts[3] = {10000, 1000, 1000};
  EXPECT_TRUE(overloaded(spread_of(counts), {}).empty()) << "a burst is four times in the whole";
  counts[3] = {10, 10, 10};
  EXPECT_TRUE(overloaded(spread_of(counts), {}).empty()) << "less is no load";
}

TEST(Overloaded, TheMostLoadedComesFirst) {
  std::vector<std::vector<double>> counts(12, {1000, 1000});
  counts[4] = {5000, 5000};
  counts[9] = {9000, 9000};
  EXPECT_EQ(overloaded(spread_of(counts), {}), (std::vector<std::size_t>{9, 4}));
}

TEST(Overloaded, FewRecordsAreNoise) {
  std::vector<std::vector<double>> counts(8, {1, 1, 1});
  counts[3] = {4, 4, 4};
  EXPECT_TRUE(overloaded(spread_of(counts), {}).empty());
  counts.assign(8, {0, 0, 0});
  EXPECT_TRUE(overloaded(spread_of(counts), {}).empty());
  counts[3] = {1, 1, 1};
  EXPECT_TRUE(overloaded(spread_of(counts), {}).empty());
}

TEST(Overloaded, WhoMayExpectMoreIsNotBlamedForIt) {
  std::vector<std::vector<double>> counts(8, {1000, 1000});
  counts[3] = {4000, 4000};
  const std::vector<double> equal(8, 2.0);
  EXPECT_EQ(overloaded(spread_of(counts), equal).size(), 1U) << "only ratios of weights count";
  std::vector<double> weights(8, 1.0);
  weights[3] = 4;
  EXPECT_TRUE(overloaded(spread_of(counts), weights).empty());
  counts[5] = {4000, 4000};
  EXPECT_EQ(overloaded(spread_of(counts), weights), std::vector<std::size_t>{5});
}

TEST(Overloaded, WeightsAreByTheSubtasksOwnIndex) {
  RecordSpread spread = spread_of({{1000}, {1000}, {4000}, {1000}, {1000}});
  for (SubtaskRecords& subtask : spread.subtasks) subtask.index += 2;  // two are not seen
  EXPECT_TRUE(overloaded(spread, {1, 1, 1, 1, 4, 1, 1}).empty());
  EXPECT_EQ(overloaded(spread, {1, 1, 4, 1, 1, 1, 1}).size(), 1U);
  EXPECT_EQ(overloaded(spread, {1}).size(), 1U) << "too few weights count as one";
  EXPECT_EQ(overloaded(spread, {1, 1, 1, 1, 0, 1, 1}).size(), 1U) << "and so does none";
}

/// A vertex of four subtasks, told every 30 s.
class RecordsOf : public testing::Test {
 protected:
  RecordsOf() : job_(fake_.job("j1", "orders", "RUNNING", fake_.now - kHourMs)) {
    vertex_.id = vertex_.name = "work";
    vertex_.parallelism = 4;
    fake_.now = fake_.now / kMinuteMs * kMinuteMs;
  }
  /// So many records per second for so many minutes; nothing is told below 0.
  void run(const std::vector<double>& per_second, int minutes) {
    for (int step = 0; step < 2 * minutes; ++step) {
      fake_.now += 30 * kSecondMs;
      for (std::size_t i = 0; i < per_second.size(); ++i) {
        if (per_second[i] < 0) continue;
        counts_[i] += 30 * per_second[i];
        const EntityId entity = fake_.subtask("j1", "work", static_cast<std::uint32_t>(i));
        fake_.features.put(kRecords, entity, fake_.now, counts_[i]);
      }
    }
  }
  RecordSpread spread(std::size_t count = 3, TimestampMs not_before = 0) {
    return records_of(fake_.window(), job_, vertex_, kRecords,
                      minute_windows(fake_.now, 5, count, not_before));
  }

  FakeCluster fake_;
  JobFacts& job_;
  VertexFacts vertex_;
  std::vector<double> counts_ = std::vector<double>(8, 0.0);
};

TEST_F(RecordsOf, AreCountsPerWindowOldestFirst) {
  run({1, 1, 1, 1}, 1);  // the first sample is no rise
  run({10, 20, 30, 40}, 5);
  run({1, 2, 3, 4}, 5);
  run({2, 4, 6, 8}, 5);
  const RecordSpread spread = this->spread();
  EXPECT_EQ(spread.windows, 3U);
  EXPECT_EQ(spread.seconds, 900);
  EXPECT_EQ(spread.unseen, 0U);
  EXPECT_FALSE(spread.of_life);
  ASSERT_EQ(spread.subtasks.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const double times = static_cast<double>(i) + 1;
    EXPECT_EQ(spread.subtasks[i].index, static_cast<int>(i));
    ASSERT_EQ(spread.subtasks[i].counts.size(), 3U);
    EXPECT_NEAR(spread.subtasks[i].counts[0], 3000 * times, 1e-3 * times);
    EXPECT_NEAR(spread.subtasks[i].counts[1], 300 * times, 1e-3 * times);
    EXPECT_NEAR(spread.subtasks[i].counts[2], 600 * times, 1e-3 * times);
    EXPECT_NEAR(spread.subtasks[i].total, 3900 * times, 1e-2 * times);
  }
}

TEST_F(RecordsOf, OnlyWindowsInARowUpToTheNewestCount) {
  run({1, 1, 1, 1}, 6);
  run({-1, -1, -1, -1}, 5);
  run({1, 1, 1, 1}, 5);
  EXPECT_EQ(spread().windows, 1U) << "a silence of five minutes is a gap";
  EXPECT_EQ(spread().seconds, 300);
}

TEST_F(RecordsOf, AWindowBeforeTheLimitIsNotLookedAt) {
  run({1, 1, 1, 1}, 16);
  EXPECT_EQ(spread(3, fake_.now - 15 * kMinuteMs).windows, 3U);
  EXPECT_EQ(spread(3, fake_.now - 15 * kMinuteMs + 1).windows, 2U);
  EXPECT_EQ(spread(3, fake_.now - 4 * kMinuteMs).windows, 0U);
  EXPECT_TRUE(spread(3, fake_.now - 4 * kMinuteMs).subtasks.empty());
}

TEST_F(RecordsOf, WhoIsNotSeenInAllOfThemIsLeftOut) {
  run({1, 1, 1, -1}, 6);
  run({1, 1, 1, 1}, 10);
  const RecordSpread spread = this->spread();
  EXPECT_EQ(spread.windows, 3U) << "three of four were seen in the first";
  EXPECT_EQ(spread.subtasks.size(), 3U);
  EXPECT_EQ(spread.unseen, 1U);
  vertex_.parallelism = 6;
  EXPECT_EQ(this->spread().windows, 2U) << "three of six are no more than half";
  EXPECT_EQ(this->spread().subtasks.size(), 4U);
  EXPECT_EQ(this->spread().unseen, 2U);
}

TEST_F(RecordsOf, OneSubtaskAloneHasNoPeers) {
  vertex_.parallelism = 1;
  run({1}, 16);
  EXPECT_EQ(spread().windows, 0U);
}

TEST_F(RecordsOf, LeftOversOfARescaleDoNotCount) {
  run({1, 1, 1, 1, 9, 9}, 16);
  EXPECT_EQ(spread().subtasks.size(), 4U);
  EXPECT_EQ(spread().unseen, 0U);
}

TEST_F(RecordsOf, ALifeIsOneWindow) {
  run({10, 20, 30, 40}, 1);
  const RecordSpread life = life_records_of(fake_.window(), job_, vertex_, kRecords);
  EXPECT_TRUE(life.of_life);
  EXPECT_EQ(life.windows, 1U);
  EXPECT_EQ(life.seconds, static_cast<double>(fake_.now - job_.start) / kSecondMs);
  ASSERT_EQ(life.subtasks.size(), 4U);
  EXPECT_EQ(life.subtasks[1].counts, std::vector<double>{1200});
  EXPECT_EQ(life.total(), 60 * 100);
  vertex_.parallelism = 7;
  EXPECT_EQ(life_records_of(fake_.window(), job_, vertex_, kRecords).windows, 1U);
  vertex_.parallelism = 8;
  EXPECT_EQ(life_records_of(fake_.window(), job_, vertex_, kRecords).windows, 0U) << "half";
  EXPECT_EQ(life_records_of(fake_.window(), job_, vertex_, kRecords).unseen, 4U);
  fake_.now += 2 * kMinuteMs;
  EXPECT_TRUE(life_records_of(fake_.window(), job_, vertex_, kRecords).subtasks.empty())
      << "old samples are not the present";
}

}  // namespace
}  // namespace doctor
