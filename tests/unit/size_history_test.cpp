#include "detectors/statistics/size_history.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr double kMb = 1e6;
constexpr OutlierLimits kLimits{3.5, 1.5, 10 * kMb, 2, 8};

/// A checkpoint every ten minutes.
std::vector<SizePoint> points_of(const std::vector<double>& megabytes) {
  std::vector<SizePoint> points;
  for (const double size : megabytes) {
    const auto i = static_cast<TimestampMs>(points.size());
    points.push_back({kStart + i * 10 * kMinuteMs, size * kMb, 0, {}});
  }
  return points;
}

std::vector<double> then(std::size_t count, double past, const std::vector<double>& newest) {
  std::vector<double> sizes(count, past);
  sizes.insert(sizes.end(), newest.begin(), newest.end());
  return sizes;
}

CheckpointRecord record(double state_size, double persisted = 0) {
  CheckpointRecord record;
  record.status = CheckpointRecord::Status::completed;
  record.triggered = kStart;
  record.state_size = state_size;
  record.persisted_data = persisted;
  record.checkpointed_size = 7;
  return record;
}

TEST(SizePoints, AreCompletedCheckpointsWithoutInFlightData) {
  const std::vector<CheckpointRecord> records{record(100), record(100, 30)};
  const std::vector<SizePoint> points = size_points(records);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].at, kStart);
  EXPECT_EQ(points[0].size, 100);
  EXPECT_EQ(points[0].written, 7);
  EXPECT_EQ(points[1].size, 70);
  EXPECT_EQ(points[1].in_flight, 30);
}

TEST(SizePoints, LeaveOutSavepointsFailuresAndWhatHasNoSize) {
  std::vector<CheckpointRecord> records(5, record(100));
  records[0].savepoint = true;
  records[1].status = CheckpointRecord::Status::failed;
  records[2].status = CheckpointRecord::Status::in_progress;
  records[3].state_size.reset();
  records[4].state_size = std::nan("");
  EXPECT_TRUE(size_points(records).empty());
  records[4].state_size = -1;
  EXPECT_TRUE(size_points(records).empty());
  EXPECT_TRUE(size_points({}).empty());
}

TEST(SizePoints, InFlightDataIsNoMoreThanTheWholeAndNoLessThanNothing) {
  const std::vector<CheckpointRecord> records{record(100, 130), record(100, -5)};
  const std::vector<SizePoint> points = size_points(records);
  EXPECT_EQ(points[0].size, 0);
  EXPECT_EQ(points[0].in_flight, 100);
  EXPECT_EQ(points[1].size, 100);
  CheckpointRecord untold = record(100);
  untold.persisted_data.reset();
  EXPECT_EQ(size_points(std::vector{untold}).front().size, 100);
}

TEST(OutlierRun, SaysByHowMuchItLeftTheNormal) {
  const auto run = outlier_run(points_of(then(12, 100, {300, 310})), kLimits);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->begin, 12U);
  EXPECT_DOUBLE_EQ(run->expected, 100 * kMb);
  EXPECT_DOUBLE_EQ(run->normal, 100 * kMb);
  EXPECT_DOUBLE_EQ(run->past_max, 100 * kMb);
  // Twelve equal sizes spread by 5 % at least, drawn towards 10 % by eight.
  const double least = std::log(1.05), prior = std::log(1.1);
  const double spread = std::sqrt((12 * least * least + 8 * prior * prior) / 20);
  EXPECT_NEAR(run->sds, std::log(3) / spread, 1e-9) << "of the lesser one";
}

TEST(OutlierRun, OneIsNoRunAndTheNewestMustBelongToIt) {
  EXPECT_FALSE(outlier_run(points_of(then(12, 100, {300})), kLimits));
  EXPECT_FALSE(outlier_run(points_of(then(12, 100, {300, 300, 100})), kLimits));
  EXPECT_FALSE(outlier_run(points_of(then(12, 100, {300, 100, 300})), kLimits));
  OutlierLimits one = kLimits;
  one.run_min = 1;
  EXPECT_EQ(outlier_run(points_of(then(12, 100, {300})), one)->begin, 12U);
}

TEST(OutlierRun, IsTheLongest) {
  EXPECT_EQ(outlier_run(points_of(then(12, 100, {300, 300, 280, 300})), kLimits)->begin, 12U);
}

TEST(OutlierRun, ThinEvidenceIsNone) {
  EXPECT_FALSE(outlier_run({}, kLimits));
  EXPECT_FALSE(outlier_run(points_of(then(7, 100, {300, 300})), kLimits));
  EXPECT_TRUE(outlier_run(points_of(then(8, 100, {300, 300})), kLimits));
  const OutlierLimits none{3.5, 1.5, 0, 0, 0};
  EXPECT_FALSE(outlier_run(points_of({100, 300}), none)) << "a past of two at least";
}

TEST(OutlierRun, OnlyUpwardsAndOnlyByEnough) {
  EXPECT_FALSE(outlier_run(points_of(then(12, 100, {30, 30})), kLimits));
  EXPECT_FALSE(outlier_run(points_of(then(12, 100, {100, 100})), kLimits));
  EXPECT_FALSE(outlier_run(points_of(then(12, 100, {149, 149})), kLimits)) << "ratio";
  EXPECT_TRUE(outlier_run(points_of(then(12, 100, {150, 150})), kLimits));
  EXPECT_FALSE(outlier_run(points_of(then(12, 4, {13.9, 13.9})), kLimits)) << "bytes";
  EXPECT_TRUE(outlier_run(points_of(then(12, 4, {13.9, 14})), kLimits)) << "of the newest only";
}

TEST(OutlierRun, ASpreadThatIsWideHidesIt) {
  std::vector<double> sizes;
  for (int i = 0; i < 12; ++i) sizes.push_back(i % 2 == 0 ? 60 : 140);
  sizes.insert(sizes.end(), {250, 250});
  EXPECT_FALSE(outlier_run(points_of(sizes), kLimits));
  OutlierLimits near = kLimits;
  near.sds_min = 1.5;
  EXPECT_TRUE(outlier_run(points_of(sizes), near));
}

TEST(OutlierRun, WhatWasThereTwiceBeforeIsNoOutlier) {
  std::vector<double> sizes = then(12, 100, {200, 200});
  sizes[4] = 300;
  EXPECT_TRUE(outlier_run(points_of(sizes), kLimits)) << "once";
  sizes[7] = 170;
  EXPECT_FALSE(outlier_run(points_of(sizes), kLimits)) << "200 is not a fifth above 170";
  sizes[7] = 166;
  EXPECT_TRUE(outlier_run(points_of(sizes), kLimits));
  EXPECT_DOUBLE_EQ(outlier_run(points_of(sizes), kLimits)->past_max, 166 * kMb);
}

TEST(OutlierRun, SteadyGrowthIsContinuedAsALine) {
  std::vector<double> sizes;
  for (int i = 0; i < 60; ++i) sizes.push_back(100 + i);
  EXPECT_FALSE(outlier_run(points_of(sizes), kLimits)) << "each is as the line says";
  sizes.insert(sizes.end(), {400, 400});
  const auto run = outlier_run(points_of(sizes), kLimits);
  ASSERT_TRUE(run);
  EXPECT_NEAR(run->expected, 161 * kMb, 1) << "100 + 61";
  EXPECT_NEAR(run->normal, 129.5 * kMb, 1);
}

TEST(OutlierRun, APastThatDoubledHasNotSettledAndCountsAsWide) {
  for (const double per_step : {1.6, 1.8}) {  // to 194 and to 206
    std::vector<double> sizes;
    for (int i = 0; i < 60; ++i) sizes.push_back(100 + per_step * i);
    sizes.insert(sizes.end(), {450, 450});
    EXPECT_EQ(outlier_run(points_of(sizes), kLimits).has_value(), per_step < 1.7);
  }
}

TEST(OutlierRun, EmptyStateThatFillsIsJudgedByBytes) {
  const auto run = outlier_run(points_of(then(12, 0, {50, 50})), kLimits);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->expected, 0);
  EXPECT_TRUE(std::isfinite(run->sds));
  EXPECT_FALSE(outlier_run(points_of(then(14, 0, {})), kLimits));
}

TEST(OutlierRun, CheckpointsOfOneMomentHaveNoTrend) {
  std::vector<SizePoint> points = points_of(then(12, 100, {300, 300}));
  for (SizePoint& point : points) point.at = kStart;
  EXPECT_TRUE(outlier_run(points, kLimits));
}

/// By the definition, with nothing spared.
std::optional<std::size_t> begin_by_definition(const std::vector<SizePoint>& points) {
  for (std::size_t begin = kLimits.baseline_min; begin + kLimits.run_min <= points.size();
       ++begin) {
    std::vector<double> hours, sizes, logs;
    for (std::size_t i = 0; i < begin; ++i) {
      hours.push_back(static_cast<double>(points[i].at - kStart) / kHourMs);
      sizes.push_back(points[i].size);
    }
    const RobustLine line = robust_line(hours, sizes);
    const bool settled = line.at(hours.back()) < 2 * std::max(1.0, line.at(hours.front()));
    for (std::size_t i = 0; i < begin; ++i) {
      logs.push_back(std::log(sizes[i] / (settled ? std::max(1.0, line.at(hours[i])) : 1)));
    }
    const double spread = shrunken_sd(logs, median(logs).value(), std::log(1.1), std::log(1.05));
    const double normal = median(sizes).value();
    std::sort(sizes.begin(), sizes.end(), std::greater<>());
    double expected = 0;
    const bool all = std::all_of(
        points.begin() + static_cast<std::ptrdiff_t>(begin), points.end(), [&](const auto& point) {
          expected = std::max(normal, line.at(static_cast<double>(point.at - kStart) / kHourMs));
          return std::log(point.size / expected) >= kLimits.sds_min * spread &&
                 point.size >= kLimits.ratio_min * expected && point.size >= 1.2 * sizes[1];
        });
    if (all && points.back().size - expected >= kLimits.delta_min_bytes) return begin;
  }
  return std::nullopt;
}

TEST(OutlierRun, AgreesWithTheDefinitionOnAnyPast) {
  std::mt19937 random(17);
  std::normal_distribution<double> normal;
  int found = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> sizes;
    double level = 100;
    for (int i = 0; i < 24; ++i) {
      level *= 1 + 0.02 * (run % 4);
      const double jump = i >= 24 - run % 7 ? 1.2 + 0.1 * (run % 13) : 1;
      sizes.push_back(level * jump * std::exp(0.03 * (run % 5) * normal(random)));
    }
    const std::vector<SizePoint> points = points_of(sizes);
    const auto expected = begin_by_definition(points);
    const auto seen = outlier_run(points, kLimits);
    ASSERT_EQ(seen.has_value(), expected.has_value()) << run;
    if (!expected) continue;
    ++found;
    EXPECT_EQ(seen->begin, *expected) << run;
  }
  EXPECT_GT(found, 40);
  EXPECT_LT(found, kRuns - 40);
}

}  // namespace
}  // namespace doctor
