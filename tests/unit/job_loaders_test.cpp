#include "detectors/statistics/job_loaders.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "detectors/statistics/stepped_growth.hpp"

namespace doctor {
namespace {

constexpr DurationMs kSoftMs = 30 * kMinuteMs;

/// Of each job what a submission loads, and which share of that stays for ever.
struct Job {
  std::string_view name;
  double classes, kept;
};
using Jobs = std::map<char, Job>;

const Jobs kOneKeeps{{'a', {"orders", 100, 1}}, {'b', {"clicks", 50, 0}}};

/// A session cluster: a submission an hour, in the order of `order`, each over after ten minutes.
/// Collections run just before the submissions `before`.
struct Session {
  std::vector<SteppedPoint> steps;
  std::vector<Opportunity> opportunities;

  Session(const Jobs& jobs, std::string_view order, const std::vector<std::size_t>& before) {
    SteppedPoint base;
    base.loaded = 8000;
    base.unloaded = 20;
    steps.push_back(base);
    double loaded = 8000, unloaded = 20, last = 100, owed = 0;
    for (std::size_t i = 1; i <= order.size(); ++i) {
      const Job& job = jobs.at(order[i - 1]);
      SteppedPoint step;
      step.from = static_cast<TimestampMs>(i) * kHourMs;
      step.events = 1;
      for (const std::size_t at : before) {
        if (at != i) continue;
        unloaded += owed;
        owed = 0;
        Opportunity& opportunity = opportunities.emplace_back();
        opportunity.from = step.from;
        opportunity.outcome = Reclaim::partial;
      }
      step.loaded = loaded += job.classes;
      step.unloaded = unloaded;
      step.last = last += job.classes / 10;
      step.names = {job.name};
      step.ends = {step.from + 10 * kMinuteMs};
      owed += (1 - job.kept) * job.classes;
      steps.push_back(step);
    }
  }
  std::optional<JobLoaders> kept() const { return kept_loaders(steps, opportunities, kSoftMs); }
};

TEST(KeptLoaders, NamesTheJobWhoseLoadersStay) {
  const auto kept = Session(kOneKeeps, "abbabaabbbaabab", {6, 15}).kept();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->job, "orders");
  EXPECT_EQ(kept->finished, 7) << "of the fourteen before the last collection";
  EXPECT_DOUBLE_EQ(kept->classes, 100);
  EXPECT_NEAR(kept->kept_ratio, 1, 1e-12);
  EXPECT_NEAR(kept->others_ratio, 1, 1e-12);
  EXPECT_TRUE(kept->proven);
}

TEST(KeptLoaders, TheShareIsThatOfLeastSquares) {
  const Jobs jobs{{'a', {"orders", 100, 0.7}}, {'b', {"clicks", 60, 0.1}}};
  const std::string_view order = "abbabaabbbaababbbbba";
  const std::vector<std::size_t> before{5, 9, 13, 20};
  const auto kept = Session(jobs, order, before).kept();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->job, "orders");
  // Brute force: what each collection left, against every share of what "orders" had loaded.
  double best = HUGE_VAL, share = 0;
  for (int i = 0; i <= 11'500; ++i) {
    const double tried = i / 10'000.0;
    double error = 0;
    for (const std::size_t at : before) {
      double left = 0, own = 0;
      for (std::size_t s = 0; s + 1 < at; ++s) {
        const Job& job = jobs.at(order[s]);
        left += job.kept * job.classes;
        own += order[s] == 'a' ? job.classes : 0;
      }
      error += (left - tried * own) * (left - tried * own);
    }
    if (error >= best) continue;
    best = error;
    share = tried;
  }
  EXPECT_NEAR(kept->kept_ratio, share, 1e-4);
  EXPECT_GT(share, 0.7) << "it also carries what the other job left";
  EXPECT_LT(share, 0.9);
}

TEST(KeptLoaders, WithoutNamesCountsOrACollectionNothingIsSaid) {
  const std::string_view order = "abbabaabbbaabab";
  EXPECT_FALSE(Session(kOneKeeps, order, {}).kept());
  EXPECT_FALSE(Session(kOneKeeps, "aaaaaaaa", {8}).kept()) << "one job alone explains nothing";
  Session unnamed(kOneKeeps, order, {6, 15});
  for (SteppedPoint& step : unnamed.steps) {
    step.names.clear();
    step.ends.clear();
  }
  EXPECT_FALSE(unnamed.kept());
  Session uncounted(kOneKeeps, order, {6, 15});
  for (SteppedPoint& step : uncounted.steps) step.loaded.reset();
  EXPECT_FALSE(uncounted.kept());
  Session none(kOneKeeps, order, {6, 15});
  for (Opportunity& opportunity : none.opportunities) opportunity.outcome = Reclaim::none;
  EXPECT_FALSE(none.kept());
  EXPECT_FALSE(kept_loaders({}, {}, kSoftMs));
}

TEST(KeptLoaders, WhoGivesEverythingBackIsNotNamed) {
  const Jobs jobs{{'a', {"orders", 100, 0}}, {'b', {"clicks", 50, 0}}};
  EXPECT_FALSE(Session(jobs, "abbabaabbbaabab", {6, 15}).kept());
}

TEST(KeptLoaders, OneFinishedSubmissionIsTooFew) {
  const Jobs jobs{{'a', {"orders", 10, 1}}, {'b', {"clicks", 50, 0}}};
  EXPECT_FALSE(Session(jobs, "abbbbbb", {7}).kept());
  ASSERT_TRUE(Session(jobs, "ababbbb", {7}).kept());
  EXPECT_EQ(Session(jobs, "ababbbb", {7}).kept()->job, "orders");
}

TEST(KeptLoaders, OneFullCollectionProvesOnlyWhatIsClear) {
  EXPECT_TRUE(Session(kOneKeeps, "abababab", {8}).kept()->proven) << "four, and all of them stay";
  EXPECT_FALSE(Session(kOneKeeps, "abababb", {7}).kept()->proven) << "three";
  Session inferred(kOneKeeps, "abababab", {8});
  inferred.opportunities.front().full = false;
  EXPECT_FALSE(inferred.kept()->proven);
  const Jobs most{{'a', {"orders", 100, 0.8}}, {'b', {"clicks", 50, 0}}};
  EXPECT_FALSE(Session(most, "abababab", {8}).kept()->proven) << "a single one took a part";
}

TEST(KeptLoaders, TwoCollectionsNeedThreeMoreInBetween) {
  const auto more = Session(kOneKeeps, "ababbababab", {4, 11}).kept();
  ASSERT_TRUE(more);
  EXPECT_EQ(more->finished, 5);
  EXPECT_TRUE(more->proven);
  Session few(kOneKeeps, "ababbab", {4, 7});
  EXPECT_FALSE(few.kept()->proven) << "two at the first, one more at the second";
}

TEST(KeptLoaders, WhereNothingIsTidiedUpNobodyIsProven) {
  // Both keep all: the one that fits better is named, but the others stayed as well.
  const Jobs jobs{{'a', {"orders", 100, 1}}, {'b', {"clicks", 20, 1}}};
  const auto kept = Session(jobs, "abaababbaab", {4, 11}).kept();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->job, "orders");
  EXPECT_LT(kept->others_ratio, 0.5);
  EXPECT_FALSE(kept->proven);
}

TEST(KeptLoaders, WhatEndedWithinTheSoftAgeIsNotDue) {
  // The submissions before the last collection end just before it.
  Session session(kOneKeeps, "abababababab", {8, 12});
  for (std::size_t i = 8; i < 12; ++i) {
    session.steps[i].ends = {session.opportunities[1].from - kSoftMs + 1};
  }
  ASSERT_TRUE(session.kept());
  EXPECT_EQ(session.kept()->finished, 4);
  session.steps[9].ends = {session.opportunities[1].from - kSoftMs};
  EXPECT_EQ(session.kept()->finished, 5);
}

TEST(KeptLoaders, AConcurrentCycleOwesOnlyWhatWasTenured) {
  Session session(kOneKeeps, "abababababab", {6, 12});
  double young = 0;
  for (SteppedPoint& step : session.steps) step.young_collections = young += 5;
  for (Opportunity& opportunity : session.opportunities) {
    opportunity.tenured_only = true;
    opportunity.young_collections = 5.0 * static_cast<double>(opportunity.from / kHourMs);
  }
  // Of the submissions 1 … 11 those up to 8 had come 15 young collections before the last one.
  const auto kept = session.kept();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->finished, 4);
}

TEST(KeptLoaders, AFirstSubmissionDoesNotTellWhatLaterOnesLoad) {
  Session session(kOneKeeps, "abbabaabbbaabab", {6, 15});
  for (std::size_t i = 1; i < session.steps.size(); ++i) *session.steps[i].loaded += 900;
  session.steps[1].first_time = true;
  EXPECT_DOUBLE_EQ(session.kept()->classes, 100);
}

std::vector<SteppedPoint> rises(
    const std::vector<std::pair<std::vector<std::string_view>, int>>& of) {
  std::vector<SteppedPoint> steps(1);
  for (const auto& [names, rise] : of) {
    SteppedPoint step = steps.back();
    step.names = names;
    step.last += rise;
    steps.push_back(step);
  }
  return steps;
}

TEST(SteepestJob, IsClearlyAheadOfEveryOther) {
  EXPECT_EQ(steepest_job(rises({{{"a"}, 30}, {{"b"}, 20}})), "a");
  EXPECT_FALSE(steepest_job(rises({{{"a"}, 29}, {{"b"}, 20}})));
  EXPECT_EQ(steepest_job(rises({{{"a"}, 15}, {{"b"}, 20}, {{"a"}, 15}})), "a") << "in sum";
  EXPECT_FALSE(steepest_job(rises({{{"a"}, 39}, {{"b"}, 20}, {{"c"}, 20}, {{"d"}, 21}})))
      << "less than two fifths";
  EXPECT_EQ(steepest_job(rises({{{"a"}, 40}, {{"b"}, 20}, {{"c"}, 20}, {{"d"}, 20}})), "a");
}

TEST(SteepestJob, SharesAStepAndForgetsFalls) {
  // 60 of "a" and "b" together is 30 of each; "b" has 15 of its own.
  EXPECT_EQ(steepest_job(rises({{{"a", "b"}, 60}, {{"b"}, 15}})), "b");
  EXPECT_FALSE(steepest_job(rises({{{"a", "b"}, 60}, {{"b"}, 14}})));
  EXPECT_EQ(steepest_job(rises({{{"a"}, 30}, {{"a"}, -500}, {{"b"}, 20}})), "a");
}

TEST(SteepestJob, KnowsNoneWhereMostOfTheRiseHasNoName) {
  EXPECT_EQ(steepest_job(rises({{{"a"}, 30}, {{}, 30}})), "a");
  EXPECT_FALSE(steepest_job(rises({{{"a"}, 30}, {{}, 31}})));
  EXPECT_FALSE(steepest_job(rises({{{"a"}, 0}, {{"a"}, -5}})));
  EXPECT_FALSE(steepest_job(rises({})));
  EXPECT_FALSE(steepest_job({}));
}

}  // namespace
}  // namespace doctor
