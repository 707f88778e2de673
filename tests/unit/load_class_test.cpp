#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "detectors/statistics/bottleneck.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

/// Subtasks of a vertex, one on each of as many TaskManagers.
class LoadClasses : public testing::Test {
 protected:
  struct Doing {
    std::optional<double> busy;
    std::optional<double> records_s;
  };
  void with(const std::vector<Doing>& of) {
    load_ = VertexLoad{};
    load_.vertex = &vertex_;
    for (std::size_t i = 0; i < of.size(); ++i) {
      const EntityId entity = fake_.subtask("j1", "work", static_cast<std::uint32_t>(i));
      fake_.features.place(entity, tm(i));
      load_.subtasks.push_back(
          {static_cast<int>(i), entity, TaskShares{of[i].busy, 0}, of[i].records_s});
    }
  }
  EntityId tm(std::size_t i) { return fake_.task_manager("tm-" + std::to_string(i), "host"); }
  /// Over 200 s to now.
  void rise(Metric metric, EntityId entity, double by) {
    fake_.features.put(metric, entity, fake_.now - 200'000, 0);
    fake_.features.put(metric, entity, fake_.now, by);
  }
  void use_cores(std::size_t i, double cores) { rise(Metric::jvm_cpu_time, tm(i), cores * 200e9); }
  Diagnosis judge() { return diagnose(fake_.window(), load_); }

  FakeCluster fake_;
  VertexFacts vertex_;
  VertexLoad load_;
};

TEST_F(LoadClasses, OneBusySubtaskWithManyRecordsIsSkew) {
  with({{0.2, 100}, {0.2, 100}, {0.95, 400}, {0.2, 100}, {0.2, 100}});
  const Diagnosis diagnosis = judge();
  EXPECT_EQ(diagnosis.load_class, LoadClass::skew);
  EXPECT_EQ(diagnosis.hot_subtask, 2);
  EXPECT_NE(diagnosis.text.find("subtask 2 is busy 95 %"), std::string::npos) << diagnosis.text;
  EXPECT_NE(diagnosis.text.find("4 × the records"), std::string::npos) << diagnosis.text;
  EXPECT_NE(diagnosis.text.find("spread unevenly"), std::string::npos) << diagnosis.text;
  vertex_.inputs = {{"source", "HASH"}};
  EXPECT_NE(judge().text.find("keys are skewed"), std::string::npos);
}

TEST_F(LoadClasses, OneBusySubtaskWithItsEqualShareIsSlow) {
  with({{0.2, 100}, {0.2, 100}, {0.95, 150}, {0.2, 100}, {0.2, 100}});
  EXPECT_EQ(judge().load_class, LoadClass::slow_instance);
  with({{0.2, 100}, {0.2, 100}, {0.95, 170}, {0.2, 100}, {0.2, 100}});
  EXPECT_EQ(judge().load_class, LoadClass::uneven) << "neither equal nor clearly more";
  with({{0.2, 0}, {0.2, 0}, {0.95, 0}, {0.2, 0}, {0.2, 0}});
  EXPECT_EQ(judge().load_class, LoadClass::slow_instance) << "nobody gets any";
}

TEST_F(LoadClasses, WithoutAllRecordsItIsOnlyUneven) {
  with({{0.2, 100}, {0.2, {}}, {0.95, 400}, {0.2, 100}, {0.2, 100}});
  EXPECT_EQ(judge().load_class, LoadClass::uneven);
  EXPECT_EQ(judge().hot_subtask, 2);
}

TEST_F(LoadClasses, UnevenIsTwiceTheMiddleAndHot) {
  with({{0.41, {}}, {0.41, {}}, {0.8, {}}, {0.41, {}}, {0.41, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::unclear);
  with({{0.4, {}}, {0.4, {}}, {0.8, {}}, {0.4, {}}, {0.4, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::uneven);
  with({{0.2, {}}, {0.2, {}}, {0.79, {}}, {0.2, {}}, {0.2, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::unclear) << "not hot";
  with({{0.27, {}}, {0.8, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::unclear) << "of two it is three times";
  with({{0.26, {}}, {0.8, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::uneven);
  EXPECT_EQ(judge().hot_subtask, 1);
}

TEST_F(LoadClasses, AllBusyIsSaturatedWhereNobodyTellsTheProcessors) {
  with({{0.7, {}}, {0.7, {}}, {0.9, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::saturated);
  EXPECT_EQ(judge().hot_subtask, -1);
  use_cores(0, 1);
  use_cores(1, 1);
  EXPECT_EQ(judge().load_class, LoadClass::saturated) << "of one it is not known";
  with({{0.69, {}}, {0.69, {}}, {0.9, {}}});
  EXPECT_EQ(judge().load_class, LoadClass::unclear);
}

TEST_F(LoadClasses, BusyWithoutProcessorsIsWaiting) {
  with({{0.8, {}}, {0.8, {}}});  // half of 1.6 would be 0.8 cores
  use_cores(0, 0.3);
  use_cores(1, 0.49);
  EXPECT_EQ(judge().load_class, LoadClass::waiting);
  EXPECT_NE(judge().text.find("0.79 cores"), std::string::npos) << judge().text;
}

TEST_F(LoadClasses, BusyWithProcessorsIsUnderProvisioned) {
  with({{0.8, {}}, {0.8, {}}});
  use_cores(0, 0.3);
  use_cores(1, 0.51);
  EXPECT_EQ(judge().load_class, LoadClass::under_provisioned);
}

TEST_F(LoadClasses, AProcessThatManySubtasksShareCountsOnce) {
  with({{0.8, {}}, {0.8, {}}});
  for (const std::uint32_t i : {0, 1}) fake_.features.place(fake_.subtask("j1", "work", i), tm(0));
  use_cores(0, 0.79);
  EXPECT_EQ(judge().load_class, LoadClass::waiting) << "not 1.58";
}

TEST_F(LoadClasses, ATenthOfTheTimeInCollectionsExplainsIt) {
  with({{0.9, {}}, {0.9, {}}});
  use_cores(0, 1);
  use_cores(1, 1);
  const EntityId collector = fake_.collector(tm(1), "G1_Old_Generation");
  rise(Metric::gc_time, collector, 19'900);
  EXPECT_EQ(judge().load_class, LoadClass::under_provisioned);
  fake_.features.put(Metric::gc_time, collector, fake_.now + 1000, 20'200);
  fake_.now += 1000;
  EXPECT_EQ(judge().load_class, LoadClass::collecting);
  EXPECT_NE(judge().text.find("tm_1"), std::string::npos) << judge().text;
}

TEST_F(LoadClasses, WithoutBusyTimeNothingIsClear) {
  with({});
  EXPECT_EQ(judge().load_class, LoadClass::unclear);
  with({{{}, 100}, {{}, 100}});
  EXPECT_EQ(judge().load_class, LoadClass::unclear) << "legacy sources do not tell it";
}

}  // namespace
}  // namespace doctor
