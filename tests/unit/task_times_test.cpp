// How a task spent its minutes, from what its rings remember: windows side by side say what each of
// them says alone, and what was not told together, or is a new attempt, says nothing.
#include "detectors/statistics/task_times.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kFrom = 1'000'000'000'000;
constexpr EntityId kTask = 7;

struct Task {
  FakeFeatures features;
  double busy{0}, backpressured{0}, idle{0};
  TimestampMs at{kFrom};

  void pass(DurationMs ms, double busy_share, double backpressured_share) {
    const auto passed = static_cast<double>(ms);
    busy += busy_share * passed;
    backpressured += backpressured_share * passed;
    idle += (1 - busy_share - backpressured_share) * passed;
    at += ms;
    tell();
  }
  void tell(bool with_busy = true) {
    features.put(Metric::task_accumulated_backpressured, kTask, at, backpressured);
    features.put(Metric::task_accumulated_idle, kTask, at, idle);
    if (with_busy) features.put(Metric::task_accumulated_busy, kTask, at, busy);
  }
};

TEST(TaskTimes, WindowsSideBySideAreWhatEachIsAlone) {
  std::mt19937 random(3);
  for (int run = 0; run < 200; ++run) {
    Task task;
    task.tell();
    for (int i = 0; i < 40; ++i) {
      const auto passed = static_cast<DurationMs>(1000 + random() % 40'000);
      task.pass(passed, 0.5 * static_cast<double>(random() % 100) / 100,
                0.5 * static_cast<double>(random() % 100) / 100);
      if (random() % 15 == 0) task.busy = task.backpressured = task.idle = 0;  // a new attempt
      if (random() % 15 == 0) task.at += 3 * kMinuteMs;                        // silence
    }
    TaskTimes times;
    ASSERT_TRUE(times.read(task.features, kTask, kClocksOfTask, 1));
    const DurationMs width = run % 2 == 0 ? kMinuteMs : kMinuteMs / 2;
    const TimestampMs begin = task.at - 5 * width - 7000;
    std::vector<std::optional<TaskShares>> together(6);
    times.shares_of_each(begin, width, 10'000, together);
    for (std::size_t i = 0; i < together.size(); ++i) {
      const TimestampMs from = begin + static_cast<DurationMs>(i) * width;
      const auto alone = times.shares_in(from, from + width, 10'000);
      ASSERT_EQ(together[i].has_value(), alone.has_value());
      if (!alone) continue;
      EXPECT_EQ(together[i]->busy, alone->busy);
      EXPECT_EQ(together[i]->backpressured, alone->backpressured);
    }
  }
}

TEST(TaskTimes, SharesAreThoseOfTheTimeThatPassed) {
  Task task;
  task.tell();
  for (int i = 0; i < 4; ++i) task.pass(15'000, 0.5, 0.25);
  TaskTimes times;
  ASSERT_TRUE(times.read(task.features, kTask, kClocksOfTask, 1));
  const auto shares = times.shares_in(kFrom, kFrom + kMinuteMs, kMinuteMs / 2);
  ASSERT_TRUE(shares);
  EXPECT_DOUBLE_EQ(*shares->busy, 0.5);
  EXPECT_DOUBLE_EQ(shares->backpressured, 0.25);
  EXPECT_DOUBLE_EQ(*times.life().busy, 0.5);
  EXPECT_FALSE(times.shares_in(kFrom - kMinuteMs, kFrom, 1));
  EXPECT_FALSE(times.shares_in(kFrom + 45'000, kFrom + 45'000 + kMinuteMs, kMinuteMs / 2));
}

TEST(TaskTimes, ANewAttemptAndASilenceAreNotSpread) {
  Task task;
  task.tell();
  task.pass(15'000, 1, 0);
  task.busy = task.backpressured = task.idle = 0;
  task.pass(15'000, 1, 0);
  task.pass(3 * kMinuteMs, 1, 0);
  TaskTimes times;
  ASSERT_TRUE(times.read(task.features, kTask, kClocksOfTask, 1));
  EXPECT_TRUE(times.shares_in(kFrom, kFrom + 15'000, 15'000));
  EXPECT_FALSE(times.shares_in(kFrom + 15'000, task.at, 1));
}

TEST(TaskTimes, BusyTimeThatIsTakenBackIsNoNewAttempt) {
  Task task;  // as a real Flink 2.0 told of a task that was held up all the time
  task.busy = 2000;
  task.tell();
  for (const double taken_back : {195.0, 0.0, 60.0, 110.0}) {
    task.busy -= taken_back;
    task.pass(15'000, 0, 1);
  }
  TaskTimes times;
  ASSERT_TRUE(times.read(task.features, kTask, kClocksOfTask, 1));
  const auto shares = times.shares_in(kFrom, kFrom + kMinuteMs, kMinuteMs);
  ASSERT_TRUE(shares);
  EXPECT_DOUBLE_EQ(shares->backpressured, 1);
  EXPECT_DOUBLE_EQ(*shares->busy, 0);
}

TEST(TaskTimes, WithoutBusyTimeTheRestOfTheClockIsNotTaken) {
  Task task;
  task.tell(false);
  task.backpressured = 6'000;
  task.idle = 4'000;
  task.at += 30'000;
  task.tell(false);
  TaskTimes times;
  ASSERT_TRUE(times.read(task.features, kTask, kClocksOfTask, 1));
  const auto shares = times.shares_in(kFrom, task.at, 15'000);
  ASSERT_TRUE(shares);
  EXPECT_FALSE(shares->busy);
  EXPECT_DOUBLE_EQ(shares->backpressured, 0.2);  // of 30 s, not of the 10 s that were told
}

TEST(TaskTimes, OnlyWhatWasToldTogetherCounts) {
  FakeFeatures features;
  TaskTimes times;
  EXPECT_FALSE(times.read(features, kTask, kClocksOfTask, 1));
  features.put(Metric::task_accumulated_backpressured, kTask, kFrom, 1);
  features.put(Metric::task_accumulated_idle, kTask, kFrom + 1, 1);
  EXPECT_FALSE(times.read(features, kTask, kClocksOfTask, 1));
}

}  // namespace
}  // namespace doctor
