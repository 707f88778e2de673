// What is made of the times that tasks tell; how those are read is in task_times_test.cpp.
#include "detectors/statistics/task_load.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

using Windows = std::vector<std::optional<double>>;

TEST(VertexLoad, IsTheMeanOfTheWindowsThatWereSeen) {
  VertexLoad load;
  EXPECT_FALSE(load.busy());
  EXPECT_FALSE(load.backpressured());
  EXPECT_EQ(load.windows_seen(), 0U);
  load.busy_max = Windows{0.2, std::nullopt, 0.6};
  load.backpressured_max = Windows{std::nullopt, std::nullopt, 0.25};
  EXPECT_DOUBLE_EQ(load.busy().value(), 0.4);
  EXPECT_DOUBLE_EQ(load.backpressured().value(), 0.25);
  EXPECT_EQ(load.windows_seen(), 1U);
  EXPECT_EQ(load.windows_with(0.25), 1U);
  EXPECT_EQ(load.windows_with(0.26), 0U);
  EXPECT_EQ(load.windows_with(0), 1U) << "what was not seen is not 0";
}

TEST(SampleSpan, IsFreshUntilOneReadingAndAHalfDidNotCome) {
  EXPECT_EQ(fresh_ms({0, 1000, 0}), 90 * kSecondMs);
  EXPECT_EQ(fresh_ms({0, 1000, 60 * kSecondMs}), 90 * kSecondMs);
  EXPECT_EQ(fresh_ms({0, 1000, 100 * kSecondMs}), 150 * kSecondMs);
  EXPECT_EQ(fresh_until({0, 1000, 0}, 1000), 1000 + 90 * kSecondMs);
  EXPECT_EQ(fresh_until({0, 1001, 0}, 1000), 0) << "by a clock that is ahead of ours";
}

/// A vertex of two subtasks, told every 15 s.
class TaskLoads : public testing::Test {
 protected:
  TaskLoads() : job_(fake_.job("j1", "orders", "RUNNING", fake_.now - kHourMs)) {
    fake_.now = fake_.now / kMinuteMs * kMinuteMs;
    VertexFacts& vertex = job_.vertices.emplace_back();
    vertex.id = "work";
    vertex.parallelism = 2;
  }
  EntityId subtask(std::uint32_t index) { return fake_.subtask("j1", "work", index); }
  void put(Metric metric, EntityId entity, double more) {
    fake_.features.put(metric, entity, fake_.now, counts_[{metric, entity}] += more);
  }
  /// A minute in which each subtask is busy and backpressured for such a share of the time.
  void minute(const std::vector<TaskShares>& of) {
    for (int step = 0; step < 4; ++step) {
      fake_.now += 15 * kSecondMs;
      for (std::size_t i = 0; i < of.size(); ++i) {
        const EntityId entity = subtask(static_cast<std::uint32_t>(i));
        const double busy = of[i].busy.value_or(0);
        if (of[i].busy) put(Metric::task_accumulated_busy, entity, 15'000 * busy);
        put(Metric::task_accumulated_backpressured, entity, 15'000 * of[i].backpressured);
        put(Metric::task_accumulated_idle, entity, 15'000 * (1 - busy - of[i].backpressured));
      }
    }
  }
  VertexLoad load(const WindowSpec& spec) {
    return load_of(fake_.window(), job_, job_.vertices.front(), spec);
  }

  FakeCluster fake_;
  JobFacts& job_;
  std::map<std::pair<Metric, EntityId>, double> counts_;
};

TEST_F(TaskLoads, TheBusiestSubtaskCountsInEachWindow) {
  minute({{0, 0}, {0, 0}});
  minute({{0.2, 0.6}, {0.5, 0.1}});
  minute({{0.8, 0.1}, {0.3, 0.4}});
  const VertexLoad load = this->load({fake_.now, kMinuteMs, 2});
  ASSERT_EQ(load.busy_max.size(), 2U);
  EXPECT_NEAR(load.busy_max[0].value(), 0.5, 1e-9) << "oldest first";
  EXPECT_NEAR(load.busy_max[1].value(), 0.8, 1e-9);
  EXPECT_NEAR(load.backpressured_max[0].value(), 0.6, 1e-9);
  EXPECT_NEAR(load.backpressured_max[1].value(), 0.4, 1e-9);
  ASSERT_EQ(load.subtasks.size(), 2U);
  EXPECT_NEAR(load.subtasks[0].shares->busy.value(), 0.5, 1e-9) << "over both";
  EXPECT_NEAR(load.subtasks[1].shares->backpressured, 0.25, 1e-9);
  EXPECT_FALSE(load.subtasks[0].records_in_s) << "nobody asked";
}

TEST_F(TaskLoads, WindowsThatBeginTooEarlyAreNotLookedAt) {
  for (int i = 0; i < 4; ++i) minute({{0.5, 0}, {0.5, 0}});
  EXPECT_EQ(load({fake_.now, kMinuteMs, 3}).windows_seen(), 3U);
  EXPECT_EQ(load({fake_.now, kMinuteMs, 3, fake_.now - 2 * kMinuteMs}).windows_seen(), 2U);
  EXPECT_EQ(load({fake_.now, kMinuteMs, 3, fake_.now - 2 * kMinuteMs + 1}).windows_seen(), 1U);
}

TEST_F(TaskLoads, ASourceWhoseBusyTimeIsNotToldHasNone) {
  minute({{std::nullopt, 0.3}, {std::nullopt, 0.3}});
  minute({{std::nullopt, 0.3}, {std::nullopt, 0.3}});
  const VertexLoad load = this->load({fake_.now, kMinuteMs, 1});
  EXPECT_FALSE(load.busy());
  EXPECT_NEAR(load.backpressured().value(), 0.3, 1e-9);
}

TEST_F(TaskLoads, EachSpecIsAsIfItWereAlone) {
  for (int i = 0; i < 4; ++i) minute({{0.2 * i, 0.1}, {0.1, 0.2 * i}});
  const std::vector<WindowSpec> specs{{fake_.now, kMinuteMs, 2},
                                      {fake_.now - kMinuteMs, 2 * kMinuteMs, 1}};
  const auto loads = load_of_each(fake_.window(), job_, job_.vertices.front(), specs);
  ASSERT_EQ(loads.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loads[i].busy_max, load(specs[i]).busy_max);
    EXPECT_EQ(loads[i].backpressured_max, load(specs[i]).backpressured_max);
  }
  EXPECT_NEAR(loads[1].busy_max[0].value(), 0.3, 1e-9) << "of the second and third minute";
}

TEST_F(TaskLoads, WhatIsReceivedIsARatePerSecond) {
  for (int i = 0; i < 3; ++i) {
    minute({{0.5, 0}, {0.5, 0}});
    put(Metric::task_records_in, subtask(0), 6000);
  }
  WindowSpec spec{fake_.now, kMinuteMs, 2};
  spec.each_rate = true;
  const VertexLoad load = this->load(spec);
  EXPECT_NEAR(load.subtasks[0].records_in_s.value(), 100, 1e-9);
  EXPECT_FALSE(load.subtasks[1].records_in_s);
}

TEST_F(TaskLoads, SubtasksOfBeforeARescaleAreGone) {
  minute({{0.1, 0}, {0.2, 0}, {1, 0}});
  EXPECT_EQ(subtasks_of(fake_.window(), job_, job_.vertices[0]).size(), 2U);
  job_.vertices[0].parallelism = 0;
  EXPECT_EQ(subtasks_of(fake_.window(), job_, job_.vertices[0]).size(), 3U) << "not known";
  VertexFacts other;
  other.id = "other";
  EXPECT_TRUE(subtasks_of(fake_.window(), job_, other).empty());
  job_.id = "j2";
  EXPECT_TRUE(subtasks_of(fake_.window(), job_, job_.vertices[0]).empty());
}

TEST_F(TaskLoads, ASpanReachesFromTheOldestToTheNewestOfAll) {
  EXPECT_FALSE(sample_span(fake_.window(), job_));
  const TimestampMs begin = fake_.now + 15 * kSecondMs;
  minute({{0.1, 0}});
  minute({{0.1, 0}, {0.1, 0}});
  const auto span = sample_span(fake_.window(), job_);
  ASSERT_TRUE(span);
  EXPECT_EQ(span->oldest, begin);
  EXPECT_EQ(span->newest, fake_.now);
  EXPECT_EQ(span->spacing_ms, 15 * kSecondMs);
}

/// What a process tells of itself.
class ProcessLoads : public TaskLoads {
 protected:
  ProcessLoads() : process_(fake_.task_manager("tm-1", "host-1")) {}
  void tell(Metric metric, EntityId entity, DurationMs ago_ms, double value) {
    fake_.features.put(metric, entity, fake_.now - ago_ms, value);
  }
  EntityId process_;
};

TEST_F(ProcessLoads, CollectorsShareOfTheTimeAddsUp) {
  EXPECT_FALSE(gc_share(fake_.window(), process_));
  const EntityId young = fake_.collector(process_, "Young"), old = fake_.collector(process_, "Old");
  tell(Metric::gc_time, young, 200'000, 1000);
  tell(Metric::gc_time, young, 0, 21'000);
  EXPECT_DOUBLE_EQ(gc_share(fake_.window(), process_).value(), 0.1);
  tell(Metric::gc_time, old, 100'000, 0);
  EXPECT_DOUBLE_EQ(gc_share(fake_.window(), process_).value(), 0.1) << "one sample is no rate";
  tell(Metric::gc_time, old, 0, 5000);
  EXPECT_DOUBLE_EQ(gc_share(fake_.window(), process_).value(), 0.15);
  EXPECT_FALSE(gc_share(fake_.window(), kNoEntity));
}

TEST_F(ProcessLoads, CoresAreNanosecondsPerMillisecond) {
  tell(Metric::jvm_cpu_time, process_, 100'000, 7e9);
  EXPECT_FALSE(cores_used(fake_.window(), process_));
  tell(Metric::jvm_cpu_time, process_, 0, 7e9 + 250e9);
  EXPECT_DOUBLE_EQ(cores_used(fake_.window(), process_).value(), 2.5);
  EXPECT_FALSE(cores_used(fake_.window(), kNoEntity));
}

TEST_F(ProcessLoads, OldSamplesDoNotCount) {
  tell(Metric::jvm_cpu_time, process_, 6 * kMinuteMs + 1, 0);
  tell(Metric::jvm_cpu_time, process_, 100'000, 100e9);
  tell(Metric::jvm_cpu_time, process_, 0, 200e9);
  EXPECT_DOUBLE_EQ(cores_used(fake_.window(), process_).value(), 1);
  fake_.now += 5 * kMinuteMs;
  EXPECT_FALSE(cores_used(fake_.window(), process_)) << "of six minutes one sample is left";
}

TEST_F(ProcessLoads, NoNumberAndAnotherLifeDoNotCount) {
  tell(Metric::jvm_cpu_time, process_, 300'000, 900e9);
  tell(Metric::jvm_cpu_time, process_, 250'000, std::numeric_limits<double>::quiet_NaN());
  tell(Metric::jvm_cpu_time, process_, 200'000, 1e9);  // a new JVM
  tell(Metric::jvm_cpu_time, process_, 100'000, 101e9);
  EXPECT_DOUBLE_EQ(cores_used(fake_.window(), process_).value(), 1);
}

}  // namespace
}  // namespace doctor
