// What the stores of several clusters keep together, and what the limits say that left series out.
#include "agent/history/series_budget.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/delivery/report.hpp"
#include "agent/history/features.hpp"
#include "agent/history/image.hpp"
#include "agent/judge.hpp"
#include "detectors/registry.hpp"
#include "tests/unit/delivery_views.hpp"
#include "tests/unit/recording_fixture.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr TimestampMs kStart = 1'000'000'000;

Verdict nothing(const Window&, const Params&) { return {}; }

constexpr Read kReads[] = {{Metric::jvm_heap_used, Feature::raw, true},
                           {Metric::jvm_metaspace_used, Feature::plateaus, true},
                           {Metric::jvm_classes_loaded, Feature::latest, true}};
const Detector kReader{"reader", "", Lane::page, 1000, 0, 0, kReads, {}, nothing};

class SeriesBudgetTest : public testing::Test {
 protected:
  struct Cluster {
    explicit Cluster(SeriesBudgetTest& test)
        : features(test.plan_, entities, test.limits_, test.budget_) {}

    /// Heaps of so many TaskManagers, from the `first` on.
    void scrape(TimestampMs at, int task_managers, int first = 0) {
      auto layout = std::make_shared<Layout>();
      layout->source = 1;
      for (int i = first; i < first + task_managers; ++i) {
        const std::string name = "tm-" + std::to_string(i);
        layout->keys.push_back(
            {Metric::jvm_heap_used, entities.intern(Level::process, kClusterEntity, name)});
      }
      std::vector<double> values(layout->keys.size(), 1.0);
      features.absorb(Batch{1, at, std::move(layout), std::move(values)});
    }
    bool knows(int task_manager) const {
      const EntityId id =
          entities.find(Level::process, kClusterEntity, "tm-" + std::to_string(task_manager));
      return features.raw(Metric::jvm_heap_used, id) != nullptr;
    }

    EntityTable entities{1000};
    FeatureStore features;
  };

  Limits limits_;
  const Detector* const detectors_[1] = {&kReader};
  FeaturePlan plan_{detectors_};
  std::shared_ptr<SeriesBudget> budget_ = std::make_shared<SeriesBudget>(10);
  Cluster first_{*this}, second_{*this};
};

TEST_F(SeriesBudgetTest, WhoComesFirstTakesAllAndTheOtherIsRefused) {
  first_.scrape(kStart, 10);
  second_.scrape(kStart + 1, 3);
  second_.scrape(kStart + 2, 3);
  EXPECT_EQ(first_.features.series(), 10U);
  EXPECT_EQ(second_.features.series(), 0U);
  EXPECT_EQ(budget_->taken(), 10U);
  EXPECT_EQ(second_.features.shared_limit().samples_dropped, 6U) << "again with each scrape";
  EXPECT_EQ(second_.features.shared_limit().last_dropped, kStart + 2);
  EXPECT_EQ(second_.features.shared_limit().series_max, 10U);
  EXPECT_EQ(second_.features.own_limit().samples_dropped, 0U);
  EXPECT_EQ(first_.features.shared_limit().samples_dropped, 0U);
}

TEST_F(SeriesBudgetTest, OldSeriesStayAndGoOnBeingTold) {
  second_.scrape(kStart, 2);
  first_.scrape(kStart, 20);
  second_.scrape(kStart + 1000, 5);
  EXPECT_EQ(first_.features.series(), 8U);
  EXPECT_EQ(second_.features.series(), 2U);
  EXPECT_TRUE(second_.knows(0) && second_.knows(1) && !second_.knows(2));
  const EntityId old = second_.entities.find(Level::process, kClusterEntity, "tm-1");
  EXPECT_EQ(second_.features.latest(Metric::jvm_heap_used, old)->at, kStart + 1000);
  EXPECT_EQ(second_.features.shared_limit().samples_dropped, 3U);
  EXPECT_EQ(first_.features.shared_limit().samples_dropped, 12U);
}

TEST_F(SeriesBudgetTest, WhatOneForgetsTheOtherMayHave) {
  first_.scrape(kStart, 10);
  first_.scrape(kStart + kHourMs, 4);
  second_.scrape(kStart + kHourMs, 8);
  EXPECT_EQ(second_.features.series(), 0U);
  first_.features.forget(kStart + kMinuteMs, {});
  EXPECT_EQ(first_.features.series(), 4U);
  EXPECT_EQ(budget_->taken(), 4U);
  second_.scrape(kStart + kHourMs + 1, 8);
  EXPECT_EQ(second_.features.series(), 6U);
  EXPECT_EQ(second_.features.shared_limit().samples_dropped, 8U + 2U);
  EXPECT_EQ(budget_->taken(), 10U);
}

TEST_F(SeriesBudgetTest, ChurnGivesBackAllThatItTook) {
  for (int round = 0; round < 100; ++round) {
    const TimestampMs at = kStart + round * kHourMs;
    first_.scrape(at, 10, 10 * round);
    EXPECT_TRUE(first_.knows(10 * round + 9)) << round;
    first_.features.forget(at + 1, {});
    ASSERT_EQ(budget_->taken(), 0U);
  }
  EXPECT_EQ(first_.features.shared_limit().samples_dropped, 0U);
}

TEST_F(SeriesBudgetTest, AnotherJvmGivesBackWhatTheLastOneHad) {
  const EntityId tm = first_.entities.intern(Level::process, kClusterEntity, "tm-0");
  const auto tell = [&](TimestampMs at, double classes) {
    auto layout = std::make_shared<Layout>();
    layout->source = 1;
    layout->keys = {{Metric::jvm_heap_used, tm}, {Metric::jvm_classes_loaded, tm}};
    first_.features.absorb(Batch{1, at, std::move(layout), {1.0, classes}});
  };
  for (int i = 0; i < 50; ++i) tell(kStart + i, i % 2 == 0 ? 2000 : 1000);
  EXPECT_EQ(first_.features.series(), 2U);
  EXPECT_EQ(budget_->taken(), 2U);
}

TEST_F(SeriesBudgetTest, AStoreThatGoesGivesAllBack) {
  {
    Cluster third(*this);
    third.scrape(kStart, 7);
    EXPECT_EQ(budget_->taken(), 7U);
  }
  EXPECT_EQ(budget_->taken(), 0U);
}

TEST_F(SeriesBudgetTest, TheClustersOwnLimitIsToldApart) {
  limits_.series_per_cluster_max = 6;
  first_.scrape(kStart, 9);
  second_.scrape(kStart, 9);
  EXPECT_EQ(first_.features.own_limit().samples_dropped, 3U);
  EXPECT_EQ(first_.features.own_limit().series_max, 6U);
  EXPECT_EQ(first_.features.shared_limit().samples_dropped, 0U);
  EXPECT_EQ(second_.features.series(), 4U);
  EXPECT_EQ(second_.features.own_limit().samples_dropped, 0U);
  EXPECT_EQ(second_.features.shared_limit().samples_dropped, 5U);
}

TEST_F(SeriesBudgetTest, WhatIsRememberedTakesItsShareToo) {
  FeatureStore::LearnedSeries learned;
  learned.metric = Metric::jvm_metaspace_used;
  learned.latest = {kStart, 60e6};
  first_.scrape(kStart, 9);
  for (const char* name : {"process=tm-100", "process=tm-101"}) {
    learned.entity = name;
    second_.features.restore(learned);
  }
  EXPECT_EQ(second_.features.series(), 1U);
  EXPECT_EQ(second_.features.shared_limit().samples_dropped, 1U);
  EXPECT_EQ(second_.features.shared_limit().last_dropped, kStart);
}

TEST(SeriesBudget, AStoreOfItsOwnHasNone) {
  const Limits limits;
  const FeaturePlan plan(all_detectors());
  EntityTable entities(10);
  const FeatureStore features(plan, entities, limits);
  EXPECT_EQ(features.budget().series_max(), SeriesBudget::kUnlimited);
}

TEST(SeriesBudget, TheReportSaysWhichLimitItWas) {
  View view = one_cluster();
  EXPECT_THAT(text_report(view, {false, 500}), Not(HasSubstr("Not all is seen")));
  view.clusters[0].shared_limit = {400'000, 1'234'567, kNow};
  const std::string shared = text_report(view, {false, 500});
  EXPECT_THAT(shared, HasSubstr("Not all is seen\n  1234567 samples found no room, the last at "
                                "2026-11-21 08:33:20 UTC: all clusters of this agent together have "
                                "more than the 400000 series that are kept (series_max)"));
  EXPECT_THAT(shared, Not(HasSubstr("this cluster has")));
  view.clusters[0].shared_limit = {};
  view.clusters[0].own_limit = {200'000, 5, kNow};
  const std::string own = text_report(view, {false, 500});
  EXPECT_THAT(own, HasSubstr("this cluster has more than the 200000 series that are kept of one"));
  EXPECT_THAT(own, Not(HasSubstr("series_max")));
}

/// The scenario's cluster twice, with room for one and a half: recorded and judged again.
class SharedRecording : public RecordingTest {};

TEST_F(SharedRecording, AReplayHasTheSameLimit) {
  const Limits limits;
  const FeaturePlan plan(all_detectors());
  const auto budget = std::make_shared<SeriesBudget>(5);
  std::vector<std::unique_ptr<Judge>> judges;
  for (const char* name : {"a", "b"}) {
    JudgeConfig config;
    config.cluster = name;
    judges.push_back(std::make_unique<Judge>(config, all_detectors(), plan, limits, budget));
  }
  auto recorder = Recorder::start(settings_, judges, {}, {}, kStart);
  ASSERT_TRUE(recorder) << recorder.error().message;
  const auto take = [&](const StreamItem& item) {
    (*recorder)->record(item);
    judges[item.cluster]->absorb(item);
  };
  for (ClusterIndex cluster = 0; cluster < 2; ++cluster) {
    auto layout = std::make_shared<Layout>();
    layout->source = 1;
    for (int i = 0; i < 4; ++i) {
      const std::string name = "tm-" + std::to_string(i);
      layout->keys.push_back(
          {Metric::jvm_classes_loaded,
           judges[cluster]->entities().intern(Level::process, kClusterEntity, name)});
    }
    take({cluster, kStart + 1, Batch{1, kStart + 1, std::move(layout), {1, 2, 3, 4}}});
    take({cluster, kStart + 2, Tick{kStart + 2}});
  }
  recorder->reset();
  std::vector<std::size_t> kept;
  ReplayOptions options;
  options.after_tick = [&](TimestampMs, std::span<const std::unique_ptr<Judge>> again) {
    kept = {again[0]->features().series(), again[1]->features().series()};
  };
  ASSERT_TRUE(replay(settings_.file, options));
  EXPECT_EQ(judges[1]->features().series(), 1U);
  EXPECT_EQ(kept, (std::vector<std::size_t>{4, 1}));
}

}  // namespace
}  // namespace doctor::test
