#include "detectors/statistics/retained_state.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr double kMb = 1e6;

/// Jobs on tm-1 unless told otherwise, with a checkpoint every ten minutes.
class RetainedStates : public testing::Test {
 protected:
  RetainedStates() : process_(fake_.task_manager("tm-1", "host-1")) {
    fake_.task_manager("tm-2", "host-2");
    fake_.now = kStart + 10 * kHourMs;
  }
  JobFacts& job(const std::string& name, const std::string& backend = "HashMapStateBackend",
                const std::string& task_manager = "tm-1") {
    JobFacts& job = fake_.job("id-" + name, name, "RUNNING", kStart);
    job.checkpoint_config = CheckpointConfig{};
    job.checkpoint_config->state_backend = backend;
    VertexFacts& vertex = job.vertices.emplace_back();
    vertex.id = "v1";
    vertex.subtasks = {{0, "RUNNING", 0, task_manager, "host"}};
    return job;
  }
  /// So many megabytes at the i-th.
  void take(JobFacts& job, int count, const std::function<double(int)>& megabytes) {
    for (int i = 0; i < count; ++i) {
      CheckpointRecord record;
      record.id = i + 1;
      record.status = CheckpointRecord::Status::completed;
      record.triggered = kStart + i * 10 * kMinuteMs;
      record.state_size = megabytes(i) * kMb;
      job.checkpoints.push_back(record);
    }
    remember(job);
  }
  void remember(const JobFacts& job) { fake_.features.checkpoint_log(job.id).absorb(job); }
  std::optional<RetainedState> judge(TimestampMs since = kStart) {
    return retained_state(fake_.window(), process_, since);
  }

  FakeCluster fake_;
  EntityId process_;
};

/// With a ripple of a megabyte: nothing real is straighter than that.
double line(int i) { return 100 + 5.0 * i + (i % 3 == 0 ? 1 : i % 3 == 1 ? -1 : 0); }

TEST_F(RetainedStates, GrowInALineOverTime) {
  take(job("orders"), 30, line);
  const auto state = judge();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->job, "orders");
  EXPECT_EQ(state->checkpoints, 30);
  EXPECT_EQ(state->from, kStart);
  EXPECT_EQ(state->to, kStart + 290 * kMinuteMs);
  EXPECT_NEAR(state->first, 100 * kMb, kMb) << "on the line";
  EXPECT_EQ(state->last, line(29) * kMb) << "as it was told";
  EXPECT_NEAR(state->trend.slope.value * 10 * kMinuteMs, 5 * kMb, 0.05 * kMb) << "per millisecond";
  EXPECT_FALSE(state->watermark_behind_ms);
}

TEST_F(RetainedStates, OnlyCheckpointsSinceThenCount) {
  take(job("orders"), 40, [](int i) { return i < 20 ? 900 : line(i); });
  EXPECT_FALSE(judge());
  const auto state = judge(kStart + 200 * kMinuteMs);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->checkpoints, 20);
  EXPECT_EQ(state->from, kStart + 200 * kMinuteMs);
  EXPECT_NEAR(state->first, 200 * kMb, kMb);
  EXPECT_FALSE(judge(kStart + 340 * kMinuteMs)) << "six of them";
}

TEST_F(RetainedStates, SavepointsFailuresAndUnknownSizesDoNotCount) {
  JobFacts& orders = job("orders");
  take(orders, 33, line);
  orders.checkpoints[5].savepoint = true;
  orders.checkpoints[5].state_size = 1e12;
  orders.checkpoints[6].status = CheckpointRecord::Status::failed;
  orders.checkpoints[6].state_size = 0;
  orders.checkpoints[7].state_size.reset();
  remember(orders);
  const auto state = judge();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->checkpoints, 30);
  EXPECT_DOUBLE_EQ(state->trend.tau, 1);
}

TEST_F(RetainedStates, ThatStandFallOrWobbleAreNone) {
  JobFacts& orders = job("orders");
  take(orders, 30, [](int) { return 100; });
  EXPECT_FALSE(judge());
  JobFacts& falling = job("falling");
  take(falling, 30, [](int i) { return 400 - line(i); });
  EXPECT_FALSE(judge());
  JobFacts& tide = job("tide");
  take(tide, 30, [](int i) { return 100 + 30 * ((i / 5) % 2) + i * 0.5; });
  EXPECT_FALSE(judge());
}

TEST_F(RetainedStates, OfHeapBackendsOnly) {
  for (const char* backend : {"EmbeddedRocksDBStateBackend", "rocksdb", ""}) {
    take(job(std::string("not-") + backend, backend), 30, line);
  }
  JobFacts& untold = job("untold");
  untold.checkpoint_config.reset();
  take(untold, 30, line);
  EXPECT_FALSE(judge());
  for (const char* backend :
       {"hashmap", "org.apache.flink.runtime.state.memory.MemoryStateBackend", "FsStateBackend"}) {
    JobFacts& of = job(backend, backend);
    take(of, 30, line);
    const auto state = judge();
    ASSERT_TRUE(state) << backend;
    EXPECT_EQ(state->job, backend);
    of.state = "FINISHED";
    EXPECT_FALSE(judge()) << "it has ended";
  }
}

TEST_F(RetainedStates, OfJobsOnThatProcessTheOneThatGrewMost) {
  take(job("far", "hashmap", "tm-2"), 30, [](int i) { return 20 * line(i); });
  EXPECT_FALSE(judge());
  take(job("large"), 30, [](int i) { return 9000 + 0.8 * line(i); });
  take(job("quick"), 30, line);
  take(job("slow"), 30, [](int i) { return 0.4 * line(i); });
  EXPECT_EQ(judge()->job, "quick") << "bytes, and not the present size, decide";
}

TEST_F(RetainedStates, ThatNobodyRememberedAreNone) {
  JobFacts& orders = job("orders");
  EXPECT_FALSE(judge());
  remember(orders);
  EXPECT_FALSE(judge());
  take(orders, 7, line);
  EXPECT_FALSE(judge());
}

TEST_F(RetainedStates, AWatermarkThatIsFurtherBehindExplainsThem) {
  take(job("orders"), 30, line);
  const auto tell = [&](std::uint32_t subtask, TimestampMs watermark) {
    fake_.features.put(Metric::task_input_watermark, fake_.subtask("id-orders", "v1", subtask),
                       fake_.now, static_cast<double>(watermark));
  };
  tell(0, kStart + kHourMs);
  EXPECT_FALSE(judge()->watermark_behind_ms) << "it got on since";
  tell(1, kStart - 1);
  EXPECT_EQ(judge()->watermark_behind_ms, 10 * kHourMs + 1) << "the lowest counts";
  fake_.now += 2 * kMinuteMs;
  EXPECT_FALSE(judge()->watermark_behind_ms) << "old samples are not the present";
}

}  // namespace
}  // namespace doctor
