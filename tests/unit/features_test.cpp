#include "agent/history/features.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include "agent/history/image.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'000'000'000;

Verdict nothing(const Window&, const Params&) { return {}; }

constexpr Read kReads[] = {{Metric::jvm_metaspace_used, Feature::plateaus, true},
                           {Metric::jvm_metaspace_used, Feature::floors, false},
                           {Metric::jvm_classes_loaded, Feature::plateaus, true},
                           {Metric::gc_count, Feature::latest, false},
                           {Metric::task_accumulated_busy, Feature::raw, true},
                           {Metric::task_records_out, Feature::minutes, true},
                           {Metric::task_records_out, Feature::source_floors, true}};
const Detector kReader{"reader", "", Lane::page, 1000, 0, 0, kReads, {}, nothing};

class FeaturesTest : public testing::Test {
 protected:
  void scrape(TimestampMs at, double metaspace, double classes, SourceId source = 1) {
    auto layout = std::make_shared<Layout>();
    layout->source = source;
    layout->process = tm;
    layout->keys = {{Metric::jvm_metaspace_used, tm}, {Metric::jvm_classes_loaded, tm}};
    features.absorb(Batch{source, at, layout, {metaspace, classes}});
  }
  const Plateaus& levels() const { return *features.plateaus(Metric::jvm_metaspace_used, tm); }

  Limits limits;
  const Detector* const detectors[1] = {&kReader};
  FeaturePlan plan{detectors};
  EntityTable entities{limits.entities_per_cluster_max};
  FeatureStore features{plan, entities, limits};
  EntityId tm = entities.intern(Level::process, kClusterEntity, "tm-1");
};

TEST_F(FeaturesTest, APlateauIsTheLevelBetweenTwoSubmissions) {
  scrape(kStart, 60, 1000);
  scrape(kStart + 1000, 58, 1000);
  features.submitted(kStart + 1500);
  scrape(kStart + 2000, 63, 1600);
  ASSERT_EQ(levels().size(), 2U);
  EXPECT_EQ(levels().at(0).min, 58);
  EXPECT_EQ(levels().at(1).min, 63);
  EXPECT_EQ(levels().at(1).events, 1U);
}

TEST_F(FeaturesTest, SubmissionsWithoutASampleBetweenThemShareAPlateau) {
  scrape(kStart, 60, 1000);
  for (int i = 0; i < 3; ++i) features.submitted(kStart + 100 + i);
  scrape(kStart + 1000, 69, 2800);
  ASSERT_EQ(levels().size(), 2U);
  EXPECT_EQ(levels().at(1).events, 3U);
}

TEST_F(FeaturesTest, AFallingClassCountIsANewJvm) {
  scrape(kStart, 60, 1000);
  features.submitted(kStart + 1);
  scrape(kStart + 1000, 63, 1600);
  scrape(kStart + 2000, 40, 900);
  EXPECT_EQ(levels().size(), 1U);
  EXPECT_EQ(features.epoch_start(tm), kStart + 2000);
}

TEST_F(FeaturesTest, AnOlderValueFromAnotherSourceIsNeitherEpochNorSample) {
  scrape(kStart, 60, 1000, 1);
  scrape(kStart + 1000, 60, 990, 2);
  EXPECT_EQ(features.epoch_start(tm), kStart);
  EXPECT_EQ(features.latest(Metric::jvm_classes_loaded, tm)->value, 1000);
}

TEST_F(FeaturesTest, AbsentIsNotZero) {
  scrape(kStart, kAbsent, 1000);
  EXPECT_FALSE(features.latest(Metric::jvm_metaspace_used, tm));
}

TEST_F(FeaturesTest, OnlyWhatIsReadGetsRings) {
  scrape(kStart, 60, 1000);
  EXPECT_EQ(features.raw(Metric::jvm_metaspace_used, tm), nullptr);
  EXPECT_TRUE(plan.keeps(Metric::task_accumulated_busy, Feature::raw));
  EXPECT_FALSE(plan.keeps(Metric::task_accumulated_busy, Feature::plateaus));
}

TEST_F(FeaturesTest, JobsThatAreNoMoreGiveTheirMemoryBack) {
  for (int generation = 0; generation < 50; ++generation) {
    const TimestampMs at = kStart + generation * 2 * kHourMs;
    const EntityId job = entities.intern(Level::job, kClusterEntity, std::to_string(generation));
    const EntityId vertex = entities.intern(Level::vertex, job, "v");
    const EntityId subtask = entities.intern(Level::subtask, vertex, "", 0);
    auto layout = std::make_shared<Layout>();
    layout->process = tm;
    layout->keys = {{Metric::task_accumulated_busy, subtask}};
    features.absorb(Batch{1, at, layout, {1.0}});
    features.forget(at - kHourMs, {});
  }
  EXPECT_LE(features.series(), 2U);
  EXPECT_LE(entities.size(), 10U);
}

TEST_F(FeaturesTest, ManyJobsThatCameAndWentTakeNoMoreOfTheHeapThanAFew) {
  const auto run_job = [&](int generation) {
    const TimestampMs at = kStart + generation * 2 * kHourMs;
    const EntityId job = entities.intern(Level::job, kClusterEntity, std::to_string(generation));
    const EntityId vertex = entities.intern(Level::vertex, job, "v");
    auto layout = std::make_shared<Layout>();
    layout->process = tm;
    for (std::uint32_t index = 0; index < 300; ++index) {
      const EntityId subtask = entities.intern(Level::subtask, vertex, "", index);
      layout->keys.push_back({Metric::task_accumulated_busy, subtask});
    }
    for (int i = 0; i < 3; ++i) {
      features.absorb(Batch{1, at + i * 15'000, layout, std::vector<double>(300, 1.0 * i)});
    }
    features.forget(at - kHourMs, {});
  };
  for (int generation = 0; generation < 10; ++generation) run_job(generation);
  const std::size_t before = mallinfo2().uordblks;
  for (int generation = 10; generation < 60; ++generation) run_job(generation);
  EXPECT_LE(mallinfo2().uordblks, before + (64U << 10U));
  EXPECT_LE(features.series(), 600U);
}

TEST_F(FeaturesTest, SeriesAreFoundWhoeverCameAndWentBesides) {
  const EntityId job = entities.intern(Level::job, kClusterEntity, "job");
  const EntityId vertex = entities.intern(Level::vertex, job, "v");
  const auto subtask = [&](std::uint32_t index) {
    return entities.intern(Level::subtask, vertex, "", index);
  };
  const auto tell = [&](std::uint32_t from, std::uint32_t step, TimestampMs at) {
    auto layout = std::make_shared<Layout>();
    for (std::uint32_t i = from; i < 1000; i += step) {
      layout->keys.push_back({Metric::task_accumulated_busy, subtask(i)});
    }
    std::vector<double> values;
    for (std::uint32_t i = from; i < 1000; i += step) values.push_back(1.0 * i);
    features.absorb(Batch{1, at, layout, std::move(values)});
  };
  JobSummary listed;
  listed.id = "job";
  tell(0, 1, kStart);
  tell(0, 3, kStart + kHourMs);
  features.forget(kStart + 1, std::span(&listed, 1));
  EXPECT_EQ(features.series(), 334U);
  tell(1, 3, kStart + 2 * kHourMs);
  EXPECT_EQ(features.series(), 334U + 333U);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const RawRing* ring = features.raw(Metric::task_accumulated_busy, subtask(i));
    ASSERT_EQ(ring != nullptr, i % 3 != 2) << i;
    if (ring == nullptr) continue;
    EXPECT_EQ(ring->back().value, i);
    EXPECT_EQ(ring->size(), i % 3 == 0 ? 2U : 1U) << i;
    EXPECT_EQ(features.latest(Metric::task_accumulated_busy, subtask(i))->value, i);
  }
}

TEST_F(FeaturesTest, TheSeriesCapDropsNewOnesAndCounts) {
  limits.series_per_cluster_max = 1;
  scrape(kStart, 60, 1000);
  scrape(kStart + 1000, 61, 1000);
  EXPECT_EQ(features.series(), 1U);
  EXPECT_EQ(features.own_limit().samples_dropped, 2U);
  EXPECT_EQ(features.latest(Metric::jvm_metaspace_used, tm)->value, 61);
}

TEST_F(FeaturesTest, AnImageBringsPlateausAndLogsBack) {
  JobFacts job;
  job.id = "abc";
  job.state = "RUNNING";
  CheckpointRecord record;
  record.id = 7;
  record.status = CheckpointRecord::Status::completed;
  record.triggered = kStart;
  record.state_size = 1e6;
  job.checkpoints = {record};
  features.absorb(job, kStart);
  scrape(kStart, 60, 1000);
  features.submitted(kStart + 1);
  scrape(kStart + 1000, 63, 1600);

  EntityTable later(limits.entities_per_cluster_max);
  FeatureStore restored(plan, later, limits);
  ASSERT_TRUE(restore_features(features_image(features), restored, kStart + kHourMs));
  const EntityId again = later.find(Level::process, kClusterEntity, "tm-1");
  ASSERT_NE(restored.plateaus(Metric::jvm_metaspace_used, again), nullptr);
  EXPECT_EQ(restored.plateaus(Metric::jvm_metaspace_used, again)->size(), 2U);
  EXPECT_EQ(restored.epoch_start(again), kStart);
  ASSERT_NE(restored.checkpoints("abc"), nullptr);
  ASSERT_EQ(restored.checkpoints("abc")->records().size(), 1U);
  EXPECT_EQ(restored.checkpoints("abc")->records()[0].state_size, 1e6);
}

TEST_F(FeaturesTest, FloorsOutliveARestartOfTheAgentAndLeaveASummaryOfTheJvm) {
  constexpr TimestampMs kFloorsFrom = 480'000 * kHourMs;
  const auto feed = [&](TimestampMs from, double base, double classes) {
    for (int i = 0; i < 8 * 60; ++i) scrape(from + i * kMinuteMs, base + i, classes);
  };
  feed(kFloorsFrom, 100, 1000);
  const Floors* floors = features.floors(Metric::jvm_metaspace_used, tm);
  ASSERT_NE(floors, nullptr);
  EXPECT_EQ(floors->at(FloorScale::five_minutes, kFloorsFrom / (5 * kMinuteMs) + 80), 500);
  EXPECT_EQ(features.floors(Metric::jvm_classes_loaded, tm), nullptr);

  feed(kFloorsFrom + 8 * kHourMs, 100, 900);  // classes fell: another JVM
  const auto lives = features.past_epochs(Metric::jvm_metaspace_used, tm);
  ASSERT_EQ(lives.size(), 1U);
  EXPECT_EQ(lives[0].levels.front(), 100);
  EXPECT_GT(lives[0].levels.back(), 480);

  EntityTable later(limits.entities_per_cluster_max);
  FeatureStore restored(plan, later, limits);
  const std::string image = features_image(features);
  ASSERT_TRUE(restore_features(image, restored, kFloorsFrom + 16 * kHourMs));
  const EntityId again = later.find(Level::process, kClusterEntity, "tm-1");
  ASSERT_NE(restored.floors(Metric::jvm_metaspace_used, again), nullptr);
  EXPECT_EQ(restored.floors(Metric::jvm_metaspace_used, again)->image(),
            features.floors(Metric::jvm_metaspace_used, tm)->image());
  EXPECT_EQ(restored.past_epochs(Metric::jvm_metaspace_used, again).size(), 1U);
  EXPECT_EQ(features_image(restored), image);
}

class SourcesTest : public FeaturesTest {
 protected:
  static constexpr TimestampMs kFrom = 480'000 * kHourMs;

  /// Two hours of a source that sends 100 records a second, and of a sink that it feeds.
  void watch(TimestampMs from) {
    auto layout = std::make_shared<Layout>();
    layout->source = 1;
    layout->keys = {{Metric::task_records_out, source}, {Metric::task_records_out, sink}};
    for (int i = 0; i < 8 * 60; ++i) {
      const double sent = 1500.0 * i;
      features.absorb(Batch{1, from + i * 15 * kSecondMs, layout, {sent, sent}});
    }
  }
  static JobFacts graph() {
    JobFacts job;
    job.id = "abc";
    job.state = "RUNNING";
    for (const char* vertex : {"v1", "v2"}) job.vertices.emplace_back().id = vertex;
    job.vertices[1].inputs.emplace_back().from = "v1";
    return job;
  }
  EntityId subtask(const char* vertex) {
    return entities.intern(Level::subtask, entities.intern(Level::vertex, job, vertex), "", 0);
  }
  const Floors* floors(EntityId of) const { return features.floors(Metric::task_records_out, of); }

  EntityId job = entities.intern(Level::job, kClusterEntity, "abc");
  EntityId source = subtask("v1");
  EntityId sink = subtask("v2");
};

TEST_F(SourcesTest, HaveFloorsAndWhatTheyFeedHasNone) {
  features.absorb(graph(), kFrom);
  watch(kFrom);
  ASSERT_NE(floors(source), nullptr);
  EXPECT_NEAR(floors(source)->hour(kFrom / kHourMs).value_or(0), 100, 1);
  EXPECT_EQ(floors(sink), nullptr);
  EXPECT_NE(features.minutes(Metric::task_records_out, sink), nullptr);
}

TEST_F(SourcesTest, AreKnownByTheGraphWhichMayComeLateAndChange) {
  watch(kFrom);
  EXPECT_NE(floors(sink), nullptr);  // it may be one
  features.absorb(graph(), kFrom + 2 * kHourMs);
  EXPECT_EQ(floors(sink), nullptr);
  ASSERT_NE(floors(source), nullptr);
  JobFacts other = graph();
  other.vertices[1].inputs.clear();
  features.absorb(other, kFrom + 2 * kHourMs);
  watch(kFrom + 2 * kHourMs);
  EXPECT_NE(floors(sink), nullptr);
}

TEST_F(SourcesTest, AreRememberedOverARestartOfTheAgent) {
  features.absorb(graph(), kFrom);
  watch(kFrom);
  EntityTable later(limits.entities_per_cluster_max);
  later.intern(Level::process, kClusterEntity, "so that ids differ");
  FeatureStore restored(plan, later, limits);
  const std::string image = features_image(features);
  ASSERT_TRUE(restore_features(image, restored, kFrom + 2 * kHourMs));
  const EntityId vertex =
      later.find(Level::vertex, later.find(Level::job, kClusterEntity, "abc"), "v1");
  const EntityId again = later.find(Level::subtask, vertex, "", 0);
  ASSERT_NE(restored.floors(Metric::task_records_out, again), nullptr);
  EXPECT_EQ(restored.floors(Metric::task_records_out, again)->image(), floors(source)->image());
  EXPECT_EQ(features_image(restored), image);
}

TEST_F(FeaturesTest, AnImageOfTheVersionBeforeIsRead) {
  const std::string image =
      R"({"version":2,"jobs":[],"series":[{"process":"tm-1","collector":"G1_Old","metric":")" +
      std::string(info(Metric::jvm_metaspace_used).name) +
      R"(","source":1,"latest":[1000,7],"levels":[[900,1,2,5,7]],"floors":"","epochs":[]}]})";
  ASSERT_TRUE(restore_features(image, features, kStart));
  const EntityId collector = entities.find(Level::collector, tm, "G1_Old");
  ASSERT_NE(collector, kNoEntity);
  ASSERT_NE(features.plateaus(Metric::jvm_metaspace_used, collector), nullptr);
  EXPECT_EQ(features.plateaus(Metric::jvm_metaspace_used, collector)->at(0).min, 5);
}

TEST_F(FeaturesTest, ADamagedImageChangesNothing) {
  const std::string good = features_image(features);
  for (const std::string& bad : {std::string("{"), std::string("[]"),
                                 std::string("{\"version\":1}"), good.substr(0, good.size() - 2)}) {
    EXPECT_FALSE(restore_features(bad, features, kStart)) << bad;
  }
  EXPECT_EQ(features.series(), 0U);
}

}  // namespace
}  // namespace doctor
