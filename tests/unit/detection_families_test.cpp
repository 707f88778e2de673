// The benchmark's generators: the same seed is the same stream, and what they simulate behaves.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <map>
#include <stdexcept>
#include <string>

#include "agent/history/features.hpp"
#include "detectors/registry.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/product.hpp"
#include "tests/detection/scoring.hpp"
#include "tests/detection/stage/flow.hpp"
#include "tests/detection/stage/jvm.hpp"

namespace doctor::detection {
namespace {

/// Everything that was sent, as one number.
class Digest final : public Stage {
 public:
  void send(StreamItem item) override {
    mix(static_cast<double>(item.at));
    mix(static_cast<double>(item.what.index()));
    if (const auto* batch = std::get_if<Batch>(&item.what)) {
      for (const double value : batch->values) mix(is_present(value) ? value : -1);
    }
    ++items_;
  }
  EntityTable& entities() override { return entities_; }
  bool selected(Metric) const override { return true; }
  std::uint64_t value() const { return hash_; }
  std::size_t items() const { return items_; }

 private:
  void mix(double value) {
    hash_ = (hash_ ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3ULL;
  }

  EntityTable entities_{100'000};
  std::uint64_t hash_{0xcbf29ce484222325ULL};
  std::size_t items_{0};
};

const Family& family(std::string_view name) {
  for (const Family* known : all_families()) {
    if (known->name == name) return *known;
  }
  throw std::out_of_range(std::string(name));
}

TEST(DetectionFamilies, OneSeedIsOneStream) {
  const Family& bottlenecks = family("bottlenecks");
  const Ranges ranges(bottlenecks.name, bottlenecks.ranges,
                      {{"bottlenecks", {{"vertices", {4, 6}}}}}, 0);
  Digest first, again, other;
  bottlenecks.play(7, ranges, first);
  bottlenecks.play(7, ranges, again);
  bottlenecks.play(8, ranges, other);
  EXPECT_GT(first.items(), 50U);
  EXPECT_EQ(first.value(), again.value());
  EXPECT_NE(first.value(), other.value());
}

TEST(DetectionFamilies, HaveUniqueNamesAndSoundRanges) {
  for (const Family* one : all_families()) {
    EXPECT_EQ(&family(one->name), one) << one->name;
    for (const Range& range : one->ranges) {
      EXPECT_LE(range.low, range.high) << one->name << "." << range.name;
      EXPECT_GE(range.low, range.least) << one->name << "." << range.name;
      EXPECT_LE(range.high, range.most) << one->name << "." << range.name;
      EXPECT_TRUE(range.scale == Scale::linear || range.low > 0) << one->name << "." << range.name;
    }
  }
}

/// The newest of each metric of one process, and how often each came.
class OneProcess final : public Stage {
 public:
  void send(StreamItem item) override {
    const auto* batch = std::get_if<Batch>(&item.what);
    if (batch == nullptr || entities_.name(batch->layout->process) == "jobmanager") return;
    for (std::size_t i = 0; i < batch->values.size(); ++i) {
      if (!is_present(batch->values[i])) continue;
      latest[batch->layout->keys[i].metric] = batch->values[i];
      ++counts[batch->layout->keys[i].metric];
    }
    sound &= latest[Metric::jvm_heap_used] <= latest[Metric::jvm_heap_max];
    sound &= latest[Metric::host_resident_anonymous] < latest[Metric::cgroup_limit];
  }
  EntityTable& entities() override { return entities_; }
  bool selected(Metric) const override { return true; }

  std::map<Metric, double> latest;
  std::map<Metric, int> counts;
  bool sound{true};

 private:
  EntityTable entities_{100'000};
};

TEST(DetectionFamilies, ProcessesOfAWholeClusterTellAllOfTheirMemory) {
  const Family& weeks = family("cluster_weeks");
  const Ranges ranges(weeks.name, weeks.ranges,
                      {{"cluster_weeks",
                        {{"task_managers", {1, 1}},
                         {"jobs", {1, 1}},
                         {"weeks", {0.1, 0.1}},
                         {"lost_per_week", {1e-6, 1e-6}}}}},
                      0);
  OneProcess seen;
  const Truth truth = weeks.play(3, ranges, seen);
  EXPECT_TRUE(truth.goals.empty());
  for (const Metric metric :
       {Metric::jvm_heap_used, Metric::jvm_threads, Metric::host_descriptors,
        Metric::jvm_direct_used, Metric::managed_total, Metric::jvm_cpu_time}) {
    EXPECT_EQ(seen.counts[metric], seen.counts[Metric::jvm_metaspace_used]) << info(metric).name;
    EXPECT_GT(seen.counts[metric], 1000) << info(metric).name;
  }
  EXPECT_TRUE(seen.sound);
}

TEST(DetectionFlow, WhatIsBeforeTheBottleneckIsHeldUpAndWhatIsBehindIsIdle) {
  std::vector<FlowVertex> chain(3);
  for (std::size_t v = 0; v < chain.size(); ++v) {
    chain[v].shares = {1};
    chain[v].speeds = {1};
    if (v > 0) chain[v].inputs = {v - 1};
  }
  chain[0].capacity = chain[2].capacity = 10;
  chain[1].capacity = 0.5;
  Flow flow(
      chain, [](TimestampMs) { return 1.0; }, false, Random(1));
  flow.advance(kCaseStart, true);
  flow.advance(kCaseStart + kMinuteMs, true);
  const auto shares = [&](std::size_t vertex) {
    double values[4];
    const SubtaskSeries series = flow.series(vertex);
    series.fill(0, kCaseStart + kMinuteMs, values);
    return std::array<double, 4>{values[0] / kMinuteMs, values[1] / kMinuteMs,
                                 values[2] / kMinuteMs, values[3]};
  };
  EXPECT_TRUE(flow.limits(1));
  EXPECT_GT(shares(0)[1], 0.8);
  EXPECT_GT(shares(1)[0], 0.9);
  EXPECT_LT(shares(1)[1], 0.02);
  EXPECT_GT(shares(2)[2], 0.9);
  EXPECT_NEAR(shares(2)[3], 30, 1);  // half of what came
}

TEST(DetectionFlow, ABacklogIsReadAtFullSpeedAndThenGone) {
  std::vector<FlowVertex> one(1);
  one[0].capacity = 2;
  one[0].shares = one[0].speeds = {1};
  Flow flow(
      one, [](TimestampMs) { return 1.0; }, true, Random(1));
  flow.advance(kCaseStart, true);
  flow.advance(kCaseStart + kMinuteMs, false);
  EXPECT_NEAR(flow.backlog_seconds(), 60, 1);
  flow.advance(kCaseStart + 90 * kSecondMs, true);
  EXPECT_NEAR(flow.backlog_seconds(), 30, 1);
  flow.advance(kCaseStart + 3 * kMinuteMs, true);
  EXPECT_EQ(flow.backlog_seconds(), 0);
}

TEST(DetectionJvm, DeadLoadersAreFreedAtTheLimitAndRetainedOnesKillIt) {
  JvmSpec spec;
  spec.base_bytes = 80e6;
  spec.limit_bytes = 256e6;
  const auto submissions_until_death = [&](double retained) {
    Jvm jvm(spec, Random(3), kCaseStart);
    TimestampMs at = kCaseStart;
    for (int i = 0; i < 400; ++i) {
      at += kHourMs;
      const Jvm::Loader loader = jvm.load(5e6, 1000, retained, at);
      if (jvm.out_of_memory()) return i;
      jvm.release(loader, at + kMinuteMs);
    }
    return 400;
  };
  EXPECT_EQ(submissions_until_death(0), 400);
  EXPECT_EQ(submissions_until_death(1), static_cast<int>((256e6 / 1.04 - 80e6) / 5e6));
}

TEST(DetectionProduct, TheWholePathFindsABottleneck) {
  const Family& bottlenecks = family("bottlenecks");
  const RangeOverrides easy{{"bottlenecks",
                             {{"vertices", {4, 4}},
                              {"parallelism", {1, 1}},
                              {"scrape_s", {15, 15}},
                              {"healthy_min", {10, 10}},
                              {"rho", {3, 3}},
                              {"distractor_share", {0, 0}},
                              {"intermittent_share", {0, 0}}}}};
  const Ranges ranges(bottlenecks.name, bottlenecks.ranges, easy, 0);
  const FeaturePlan plan(all_detectors());
  class OnlyProduct final : public Stage {
   public:
    explicit OnlyProduct(const FeaturePlan& features) : product(all_detectors(), features) {}
    void send(StreamItem item) override { product.absorb(item); }
    EntityTable& entities() override { return product.entities(); }
    bool selected(Metric) const override { return true; }
    Product product;
  } stage(plan);
  const Truth truth = bottlenecks.play(1, ranges, stage);
  const CaseScore scored = score(truth, stage.product.alarms());
  ASSERT_EQ(scored.goals.size(), 1U);
  EXPECT_TRUE(scored.goals[0].hit);
  EXPECT_EQ(scored.goals[0].named, 1.0);
  EXPECT_TRUE(scored.false_alarms.empty());
  EXPECT_GT(stage.product.finish().samples, 0U);
}

}  // namespace
}  // namespace doctor::detection
