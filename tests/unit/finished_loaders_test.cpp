#include "detectors/statistics/finished_loaders.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace doctor {
namespace {

constexpr double kStep = 4;
constexpr double kClasses = 70;  // per event

SteppedPoint step_at(std::int64_t minute, int events, double bytes, double classes,
                     std::vector<TimestampMs> end_minutes = {}) {
  SteppedPoint step;
  step.from = minute * kMinuteMs;
  step.events = events;
  step.last = step.min = bytes;
  step.loaded = classes;
  step.ends = std::move(end_minutes);
  for (TimestampMs& end : step.ends) end *= kMinuteMs;
  return step;
}

LoaderAccount account(const std::vector<SteppedPoint>& steps, std::size_t index,
                      const LoaderHolds& holds = {}, double step = kStep) {
  return FinishedLoaders(steps, step, kClasses).at(index, holds);
}

/// Three submissions after the base: ended at minute 15, at 100, and alive.
std::vector<SteppedPoint> three() {
  return {step_at(0, 0, 100, 1000), step_at(10, 1, 110, 1100, {15}),
          step_at(20, 1, 125, 1250, {100}), step_at(30, 1, 131, 1300, {100})};
}

TEST(FinishedLoaders, OwesWhatHadEndedAndHoldsTheRest) {
  const LoaderAccount of = account(three(), 3);
  EXPECT_EQ(of.jobs, 1);
  EXPECT_EQ(of.classes, 100);
  EXPECT_EQ(of.held_bytes, 15 + 6) << "the second runs, the third began the plateau";
  EXPECT_EQ(account(three(), 2).held_bytes, 15);
  EXPECT_EQ(account(three(), 1).jobs, 0);
  EXPECT_EQ(account(three(), 1).held_bytes, 10);
}

TEST(FinishedLoaders, WhoBeganThePlateauHoldsItsOwnEvenWhenItHasEnded) {
  std::vector<SteppedPoint> steps = three();
  steps[3].ends = {0};
  EXPECT_EQ(account(steps, 3).jobs, 1);
  EXPECT_EQ(account(steps, 3).held_bytes, 15 + 6);
}

TEST(FinishedLoaders, AnEndCountsFromItsMomentAndSoftReferencesLater) {
  std::vector<SteppedPoint> steps = three();
  steps[1].ends = {30 * kMinuteMs};
  EXPECT_EQ(account(steps, 3).jobs, 1);
  steps[1].ends = {30 * kMinuteMs + 1};
  EXPECT_EQ(account(steps, 3).jobs, 0);
  EXPECT_EQ(account(three(), 3, {.soft_age_ms = 15 * kMinuteMs}).jobs, 1);
  const LoaderAccount soft = account(three(), 3, {.soft_age_ms = 15 * kMinuteMs + 1});
  EXPECT_EQ(soft.jobs, 0);
  EXPECT_EQ(soft.held_bytes, 10 + 15 + 6);
}

TEST(FinishedLoaders, OfSeveralSubmissionsAtOnceEachEndCounts) {
  const std::vector<SteppedPoint> steps{step_at(0, 0, 100, 1000),
                                        step_at(10, 4, 140, 1400, {12, 15, 100, 100}),
                                        step_at(30, 1, 150, 1500, {100})};
  const LoaderAccount of = account(steps, 2);
  EXPECT_EQ(of.jobs, 2);
  EXPECT_EQ(of.classes, 200);
  EXPECT_EQ(of.held_bytes, 20 + 10);
}

TEST(FinishedLoaders, WhereNobodyTellsTheEndsThoseThatRunMayBeAny) {
  // Of 4 submissions before minute 30 one runs: three quarters of each step have ended.
  std::vector<SteppedPoint> steps{step_at(0, 0, 100, 1000), step_at(10, 2, 120, 1200),
                                  step_at(20, 2, 140, 1500), step_at(30, 2, 160, 1700)};
  steps[3].alive = 1;
  const LoaderAccount of = account(steps, 3);
  EXPECT_DOUBLE_EQ(of.jobs, 3);
  EXPECT_DOUBLE_EQ(of.classes, 0.75 * 500);
  EXPECT_DOUBLE_EQ(of.held_bytes, 0.25 * 40 + 20);
  steps[3].alive = 9;
  EXPECT_DOUBLE_EQ(account(steps, 3).jobs, 0) << "more run than are known: none has ended";
  steps[3].alive = 0;
  EXPECT_DOUBLE_EQ(account(steps, 3).jobs, 4);
}

TEST(FinishedLoaders, WithoutEndsOnlyWhatBeganBeforeTheSoftAgeMayHaveEnded) {
  std::vector<SteppedPoint> steps{step_at(0, 0, 100, 1000), step_at(10, 2, 120, 1200),
                                  step_at(20, 2, 140, 1500), step_at(30, 2, 160, 1700)};
  steps[3].alive = 1;
  // One of the two from minute 10 runs; those of minute 20 are too young.
  const LoaderAccount of = account(steps, 3, {.soft_age_ms = 15 * kMinuteMs});
  EXPECT_DOUBLE_EQ(of.jobs, 1);
  EXPECT_DOUBLE_EQ(of.held_bytes, 0.5 * 20 + 20 + 20);
}

TEST(FinishedLoaders, EndsOfSomeOnlyAreAsGoodAsNone) {
  std::vector<SteppedPoint> steps{step_at(0, 0, 100, 1000), step_at(10, 2, 120, 1200, {15}),
                                  step_at(30, 1, 130, 1300, {100})};
  steps[2].alive = 1;
  EXPECT_DOUBLE_EQ(account(steps, 2).jobs, 1) << "one of two, by what runs";
  steps[2].alive = 2;
  EXPECT_DOUBLE_EQ(account(steps, 2).jobs, 0);
}

TEST(FinishedLoaders, APlateauWithoutSubmissionsHoldsNothing) {
  std::vector<SteppedPoint> steps = three();
  steps[2].events = 0;
  EXPECT_EQ(account(steps, 3).held_bytes, 6);
  EXPECT_EQ(account(steps, 3).jobs, 1);
}

TEST(FinishedLoaders, WithoutClassCountsEachCountsAsTheAverage) {
  std::vector<SteppedPoint> steps = three();
  steps[0].loaded.reset();
  EXPECT_EQ(account(steps, 3).classes, kClasses);
  steps[1] = step_at(10, 2, 110, 0, {15, 15});
  steps[1].loaded.reset();
  EXPECT_EQ(account(steps, 3).classes, 2 * kClasses);
}

TEST(FinishedLoaders, AStepThatFellCountsAsTheUsualRise) {
  std::vector<SteppedPoint> steps = three();
  steps[2].last = 90;  // a collection took more than the job brought
  EXPECT_EQ(account(steps, 2).held_bytes, kStep);
  EXPECT_EQ(account(three(), 3, {}, 8).held_bytes, 15 + 8) << "a small one as well";
}

TEST(FinishedLoaders, WhatRoseLessSinceClassesWereUnloadedCountsByItsClasses) {
  std::vector<SteppedPoint> steps = three();  // a tenth of a byte a class
  for (SteppedPoint& step : steps) step.unloaded = 0;
  EXPECT_DOUBLE_EQ(bytes_per_class(steps), 0.1);
  steps[3].unloaded = 40;
  EXPECT_DOUBLE_EQ(account(steps, 3, {}, 1).held_bytes, 15 + 6) << "it rose by more than its own";
  steps[3].last = 126;
  EXPECT_DOUBLE_EQ(account(steps, 3, {}, 1).held_bytes, 15 + 50 * 0.1);
}

TEST(FinishedLoaders, BeforeAStepWithoutUnloadingAClassTakesWhatItDoesAtTheBase) {
  std::vector<SteppedPoint> steps = three();
  double unloaded = 490;
  for (SteppedPoint& step : steps) step.unloaded = unloaded += 10.0;
  EXPECT_DOUBLE_EQ(bytes_per_class(steps), 100.0 / 500.0);
  steps[0].unloaded.reset();
  EXPECT_EQ(bytes_per_class(steps), 0) << "nobody knows";
  EXPECT_EQ(bytes_per_class({}), 0);
}

TEST(FinishedLoaders, AConcurrentCycleTakesOnlyWhatWasTenured) {
  std::vector<SteppedPoint> steps = three();
  steps[2].ends = {25 * kMinuteMs};
  steps[1].young_collections = 100;
  steps[2].young_collections = 115;
  steps[3].young_collections = 300;
  const LoaderHolds concurrent{.soft_age_ms = 0, .tenured_only = true};
  EXPECT_EQ(account(steps, 3).jobs, 2) << "a full collection takes both";
  const LoaderAccount of = account(steps, 3, concurrent);
  EXPECT_EQ(of.jobs, 1) << "15 young collections promoted the first, none was sure of the second";
  EXPECT_EQ(of.held_bytes, 15 + 6);
  steps[1].young_collections = 101;
  EXPECT_EQ(account(steps, 3, concurrent).jobs, 0);
}

TEST(IsTenured, AfterFifteenYoungCollectionsOrWhereNobodyCounts) {
  SteppedPoint step;
  EXPECT_TRUE(is_tenured(step, 0.0));
  step.young_collections = 10;
  EXPECT_TRUE(is_tenured(step, std::nullopt));
  EXPECT_FALSE(is_tenured(step, 24.0));
  EXPECT_TRUE(is_tenured(step, 25.0));
  EXPECT_FALSE(is_tenured(step, 3.0)) << "a counter that began anew";
}

}  // namespace
}  // namespace doctor
