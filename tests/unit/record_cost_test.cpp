#include "detectors/statistics/record_cost.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

/// What a subtask does in a second.
struct Doing {
  double busy, records;
};

/// A vertex whose subtasks, each on a TaskManager of its own, tell every 15 s.
class RecordCosts : public testing::Test {
 protected:
  RecordCosts() : job_(fake_.job("j1", "orders", "RUNNING", fake_.now - kHourMs)) {
    fake_.now = fake_.now / kMinuteMs * kMinuteMs;
    VertexFacts& vertex = job_.vertices.emplace_back();
    vertex.id = "work";
    vertex.inputs = {{"source", "HASH"}};
    for (int i = 0; i < 8; ++i) {
      const std::string name = "tm-" + std::to_string(i);
      tms_.push_back(fake_.task_manager(name, name));
    }
  }
  void place(std::size_t subtask, std::size_t tm) {
    fake_.features.place(fake_.subtask("j1", "work", static_cast<std::uint32_t>(subtask)),
                         tms_[tm]);
  }
  void run(const std::vector<Doing>& of, int minutes) {
    job_.vertices[0].parallelism = static_cast<int>(of.size());
    for (int step = 0; step < 4 * minutes; ++step) {
      fake_.now += 15 * kSecondMs;
      for (std::size_t i = 0; i < of.size(); ++i) {
        const EntityId entity = fake_.subtask("j1", "work", static_cast<std::uint32_t>(i));
        if (fake_.features.process_of(entity) == kNoEntity) place(i, i);
        put(Metric::task_accumulated_busy, entity, 15'000 * of[i].busy);
        put(Metric::task_accumulated_backpressured, entity, 0);
        put(Metric::task_accumulated_idle, entity, 15'000 * (1 - of[i].busy));
        put(records_, entity, 15 * of[i].records);
      }
    }
  }
  void put(Metric metric, EntityId entity, double more) {
    fake_.features.put(metric, entity, fake_.now, counts_[{metric, entity}] += more);
  }
  CostView judge(TimestampMs not_before = 0) {
    CostRules rules;
    rules.newest = fake_.now;
    rules.not_before = not_before;
    return slow_subtasks(fake_.window(), job_, job_.vertices[0], rules);
  }
  static std::vector<Doing> all_but(std::size_t at, const Doing& other) {
    std::vector<Doing> of(8, {0.2, 100});
    of[at] = other;
    return of;
  }

  FakeCluster fake_;
  JobFacts& job_;
  Metric records_{Metric::task_records_in};
  std::vector<EntityId> tms_;
  std::map<std::pair<Metric, EntityId>, double> counts_;
};

TEST_F(RecordCosts, WhoPaysMoreForAnEqualShareIsSlow) {
  run(all_but(3, {0.9, 110}), 7);
  const CostView view = judge();
  EXPECT_EQ(view.windows, 3U);
  ASSERT_EQ(view.slow.size(), 1U);
  const SlowSubtask& slow = view.slow.front();
  EXPECT_EQ(slow.index, 3);
  EXPECT_EQ(slow.job, &job_);
  EXPECT_EQ(slow.vertex, &job_.vertices[0]);
  EXPECT_EQ(slow.process, tms_[3]);
  EXPECT_NEAR(slow.cost_ratio, 0.9 / 110 / (0.2 / 100), 1e-3);
  EXPECT_NEAR(slow.record_ratio, 1.1, 1e-3);
  EXPECT_NEAR(slow.busy, 0.9, 1e-6);
  EXPECT_NEAR(slow.typical_busy, 0.2, 1e-6);
}

TEST_F(RecordCosts, WhoGetsMoreWorkIsNotSlow) {
  run(all_but(3, {0.9, 450}), 7);
  EXPECT_TRUE(judge().slow.empty()) << "it pays what all pay";
}

TEST_F(RecordCosts, MoreThanAnEqualShareIsSkew) {
  run(all_but(3, {0.9, 149}), 7);
  EXPECT_EQ(judge().slow.size(), 1U);
  run(all_but(3, {0.9, 151}), 7);
  EXPECT_TRUE(judge().slow.empty());
}

TEST_F(RecordCosts, FewerRecordsMakeItNoLessSlow) {
  run(all_but(3, {0.9, 20}), 7);
  ASSERT_EQ(judge().slow.size(), 1U);
  EXPECT_NEAR(judge().slow[0].cost_ratio, 0.9 / 20 / (0.2 / 100), 1e-2);
}

TEST_F(RecordCosts, WhoIsNotBusyIsNotWorthAWord) {
  run(all_but(3, {0.49, 50}), 7);
  EXPECT_TRUE(judge().slow.empty());
  run(all_but(3, {0.51, 50}), 7);
  EXPECT_EQ(judge().slow.size(), 1U);
}

TEST_F(RecordCosts, AllAlikeAreNotSlowHoweverBusy) {
  run(std::vector<Doing>(8, {0.95, 100}), 7);
  EXPECT_TRUE(judge().slow.empty());
  EXPECT_EQ(judge().windows, 3U);
}

TEST_F(RecordCosts, ABurstInOneWindowIsNone) {
  run(all_but(3, {0.2, 100}), 5);
  run(all_but(3, {1.0, 100}), 2);
  EXPECT_TRUE(judge().slow.empty());
}

TEST_F(RecordCosts, TheDearestComesFirst) {
  std::vector<Doing> of(8, {0.1, 100});
  of[2] = {0.6, 100};
  of[5] = {0.9, 100};
  run(of, 7);
  const CostView view = judge();
  ASSERT_EQ(view.slow.size(), 2U);
  EXPECT_EQ(view.slow[0].index, 5);
  EXPECT_EQ(view.slow[1].index, 2);
  EXPECT_NEAR(view.slow[1].cost_ratio, 6, 1e-2) << "to those that are not slow";
}

TEST_F(RecordCosts, AllThatRunOnOneProcessAreSlowTogether) {
  // Half of the subtasks on one of three TaskManagers: alone, none of them stands out of eight.
  for (std::size_t i = 0; i < 8; ++i) place(i, i < 4 ? 0 : i < 6 ? 1 : 2);
  std::vector<Doing> of(8, {0.15, 100});
  for (std::size_t i = 0; i < 4; ++i) of[i] = {0.9, 100};
  run(of, 7);
  const CostView view = judge();
  ASSERT_EQ(view.slow.size(), 4U);
  for (const SlowSubtask& slow : view.slow) {
    EXPECT_LT(slow.index, 4);
    EXPECT_EQ(slow.process, tms_[0]);
    EXPECT_NEAR(slow.cost_ratio, 6, 1e-2);
  }
}

TEST_F(RecordCosts, OneWindowIsThinEvidence) {
  run(all_but(3, {0.9, 100}), 3);
  EXPECT_EQ(judge().windows, 1U);
  EXPECT_TRUE(judge().slow.empty());
  run(all_but(3, {0.9, 100}), 2);
  EXPECT_EQ(judge().windows, 2U);
  EXPECT_EQ(judge().slow.size(), 1U);
}

TEST_F(RecordCosts, WindowsThatBeginTooEarlyAreNotLookedAt) {
  run(all_but(3, {0.9, 100}), 7);
  EXPECT_EQ(judge(fake_.now - 4 * kMinuteMs).windows, 2U);
  EXPECT_EQ(judge(fake_.now - 4 * kMinuteMs + 1).windows, 1U);
  EXPECT_TRUE(judge(fake_.now - 4 * kMinuteMs + 1).slow.empty());
}

TEST_F(RecordCosts, OneSubtaskHasNoPeers) {
  run({{0.9, 100}}, 7);
  EXPECT_TRUE(judge().slow.empty());
  EXPECT_EQ(judge().windows, 0U);
}

TEST_F(RecordCosts, WhereMostAreNotSeenThereAreNoWindows) {
  run(all_but(3, {0.9, 100}), 7);
  job_.vertices[0].parallelism = 15;
  EXPECT_EQ(judge().windows, 3U);
  job_.vertices[0].parallelism = 16;
  EXPECT_EQ(judge().windows, 0U) << "eight of sixteen";
}

TEST_F(RecordCosts, ASourcePaysForWhatItSends) {
  job_.vertices[0].inputs.clear();
  run(all_but(3, {0.9, 100}), 7);
  EXPECT_TRUE(judge().slow.empty()) << "of what it receives nothing is made";
  records_ = Metric::task_records_out;
  run(all_but(3, {0.9, 100}), 7);
  EXPECT_EQ(judge().slow.size(), 1U);
}

}  // namespace
}  // namespace doctor
