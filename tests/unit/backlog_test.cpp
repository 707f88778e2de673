#include "detectors/statistics/backlog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

/// A source of two subtasks, told every 15 s.
class Backlogs : public testing::Test {
 protected:
  Backlogs() : job_(fake_.job("j1", "orders", "RUNNING", kStart - kHourMs)) {
    VertexFacts& source = job_.vertices.emplace_back();
    source.id = "source";
    source.parallelism = 2;
    VertexFacts& work = job_.vertices.emplace_back();
    work.id = "work";
    work.parallelism = 1;
    work.inputs = {{"source", "HASH"}};
    fake_.now = kStart;
  }
  using Value = std::function<double(double second)>;
  void tell(std::uint32_t subtask, int from_s, int to_s, const Value& records,
            Metric metric = Metric::source_pending_records) {
    const EntityId op =
        fake_.entities.intern(Level::operator_, fake_.subtask("j1", "source", subtask), "reader");
    for (int second = from_s; second <= to_s; second += 15) {
      fake_.features.put(metric, op, kStart + second * kSecondMs, records(second));
    }
    fake_.now = std::max(fake_.now, kStart + to_s * kSecondMs);
  }
  std::optional<Backlog> judge() { return backlog_of(fake_.window(), job_); }

  FakeCluster fake_;
  JobFacts& job_;
};

double falling(double second) { return 9000 - 10 * second; }

TEST_F(Backlogs, AddUpOverAllSubtasksAndDrainAtTheirCommonPace) {
  tell(0, 0, 300, falling);
  tell(1, 0, 300, [](double s) { return 2000 + 4 * s; });
  const auto backlog = judge();
  ASSERT_TRUE(backlog);
  EXPECT_EQ(backlog->metric, Metric::source_pending_records);
  EXPECT_EQ(backlog->from, kStart);
  EXPECT_EQ(backlog->to, kStart + 300 * kSecondMs);
  EXPECT_DOUBLE_EQ(backlog->records, 6000 + 3200);
  EXPECT_NEAR(backlog->per_ms, -0.006, 1e-9);
  EXPECT_TRUE(backlog->drains);
  EXPECT_NEAR(backlog->left_ms.value(), 9200 / 0.006, 1) << "a straight line leaves no doubt";
}

TEST_F(Backlogs, ThatGrowDoNotDrain) {
  tell(0, 0, 300, falling);
  tell(1, 0, 300, [](double s) { return 11 * s; });
  const auto backlog = judge();
  ASSERT_TRUE(backlog);
  EXPECT_NEAR(backlog->per_ms, 0.001, 1e-9);
  EXPECT_FALSE(backlog->drains);
  EXPECT_FALSE(backlog->left_ms);
}

TEST_F(Backlogs, ThatFellAndDoNotAnyMoreDoNotDrain) {
  tell(0, 0, 300, [](double s) { return std::max(6000.0, 9000 - 20 * s); });
  tell(1, 0, 300, [](double) { return 0; });
  EXPECT_FALSE(judge()->drains);
}

TEST_F(Backlogs, OfWhichAFiftiethIsLeftAreAsGoodAsDrained) {
  const auto left = [&](double least) {
    fake_.features = FakeFeatures{};
    tell(0, 0, 300, [&](double s) { return std::max(least, 10'000 - 100 * s); });
    tell(1, 0, 300, [](double) { return 0; });
    return judge();
  };
  EXPECT_TRUE(left(200)->drains);
  EXPECT_EQ(left(200)->left_ms, 0);
  EXPECT_FALSE(left(201)->drains) << "it stands at more than that";
}

TEST_F(Backlogs, WhereNothingEverWaitedNothingDrains) {
  tell(0, 0, 300, [](double) { return 0; });
  tell(1, 0, 300, [](double) { return 0; });
  ASSERT_TRUE(judge());
  EXPECT_FALSE(judge()->drains);
  EXPECT_EQ(judge()->records, 0);
}

TEST_F(Backlogs, AreUnknownUnlessEverySourceTells) {
  EXPECT_FALSE(judge());
  tell(0, 0, 300, falling);
  EXPECT_FALSE(judge());
  tell(1, 0, 300, falling, Metric::kafka_records_lag_max);
  EXPECT_FALSE(judge()) << "each by another metric";
  tell(0, 0, 300, falling, Metric::kafka_records_lag_max);
  EXPECT_EQ(judge()->metric, Metric::kafka_records_lag_max);
}

TEST_F(Backlogs, AreUnknownBeforeTwoMinutes) {
  tell(0, 0, 105, falling);
  tell(1, 0, 105, falling);
  EXPECT_FALSE(judge());
  tell(0, 120, 120, falling);
  tell(1, 120, 120, falling);
  EXPECT_TRUE(judge());
}

TEST_F(Backlogs, NeedSixLooks) {
  for (const std::uint32_t subtask : {0, 1}) {
    for (const int second : {0, 30, 60, 90, 120}) tell(subtask, second, second, falling);
  }
  EXPECT_FALSE(judge());
  for (const std::uint32_t subtask : {0, 1}) tell(subtask, 150, 150, falling);
  EXPECT_TRUE(judge());
}

TEST_F(Backlogs, CountFromWhereTheTasksRun) {
  tell(0, 0, 300, falling);
  tell(1, 0, 300, falling);
  job_.all_tasks_running_since = kStart + 100 * kSecondMs;
  EXPECT_EQ(judge()->from, kStart + 105 * kSecondMs);
  job_.all_tasks_running_since = kStart + 200 * kSecondMs;
  EXPECT_FALSE(judge()) << "less than two minutes";
}

TEST_F(Backlogs, OfWhichASourceHasFallenSilentAreUnknown) {
  tell(0, 0, 450, falling);
  tell(1, 0, 330, falling);
  EXPECT_TRUE(judge()) << "two polls that were missed";
  tell(0, 455, 600, falling);
  EXPECT_FALSE(judge());
}

TEST_F(Backlogs, OfThePastAreNone) {
  tell(0, 0, 300, falling);
  tell(1, 0, 300, falling);
  fake_.now += 2 * kMinuteMs;
  EXPECT_TRUE(judge());
  fake_.now += 1;
  EXPECT_FALSE(judge());
}

}  // namespace
}  // namespace doctor
