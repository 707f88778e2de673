// What is said of one process's metaspace, gate by gate.
#include "detectors/statistics/metaspace_process.hpp"

#include <gtest/gtest.h>

#include "detectors/registry.hpp"

namespace doctor {
namespace {

MetaspaceProcess filling() {
  MetaspaceProcess process;
  process.growth.growing = true;
  process.growth.reclaim_ratio = 0.07;  // one loader of fifteen
  process.growth.keeps = true;
  process.growth.base = 100e6;
  process.limit.bytes = 300e6;
  process.used = 280e6;
  process.submissions_left = 2;
  process.used_ratio = 0.95;
  return process;
}

std::optional<MetaspaceJudgement> judged(const MetaspaceProcess& process) {
  return judge_metaspace(process, Params(find_detector("metaspace_leak")->params));
}

TEST(MetaspaceProcess, PagesWhatIsNearlyFullAndGaveBackNextToNothing) {
  const auto judgement = judged(filling());
  ASSERT_TRUE(judgement);
  EXPECT_EQ(judgement->severity, Severity::critical);
  EXPECT_EQ(judgement->confidence, Confidence::imminent);
}

TEST(MetaspaceProcess, DoesNotPageBeforeItIsNearlyFull) {
  MetaspaceProcess process = filling();
  process.used_ratio = 0.85;
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->severity, Severity::warning);
}

TEST(MetaspaceProcess, OnlyMentionsWhatGaveBackBefore) {
  MetaspaceProcess process = filling();
  process.growth.keeps = false;
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->severity, Severity::info);
}

TEST(MetaspaceProcess, NeedsAProofWhereACollectionHasTidiedUpBefore) {
  MetaspaceProcess process = filling();
  process.growth.gave_back = true;
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->severity, Severity::info);
  process.growth.proof = Proof::barren_collection;
  EXPECT_EQ(judged(process)->confidence, Confidence::imminent);
}

TEST(MetaspaceProcess, PagesWhatAFullCollectionHardlyEmptiedThoughEarlierOnesDid) {
  MetaspaceProcess process = filling();
  process.growth.gave_back = true;
  process.growth.keeps = false;
  process.growth.freed_little = true;
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->confidence, Confidence::imminent);
  process.submissions_left = 8;
  EXPECT_EQ(judged(process)->confidence, Confidence::suspected);
}

TEST(MetaspaceProcess, SuspectsTheJobWhoseClassesStayWhereOthersWereTidiedUp) {
  MetaspaceProcess process = filling();
  process.growth.gave_back = true;
  process.growth.keeps = false;
  process.growth.kept = JobLoaders{"orders", 4, 3000, 0.9, 0.8, false};
  process.used_ratio = 0.85;
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->severity, Severity::warning);
  EXPECT_EQ(judged(process)->confidence, Confidence::suspected);
  process.growth.kept->kept_ratio = 0.3;
  EXPECT_EQ(judged(process)->severity, Severity::info) << "most of it is given back";
  process.growth.kept = JobLoaders{"orders", 4, 3000, 0.9, 0.2, false};
  EXPECT_EQ(judged(process)->severity, Severity::info) << "and little of the others' either";
}

TEST(MetaspaceProcess, PagesWhereOneJobKeepsItsClassesAndTheNextSubmissionsDoNotFit) {
  MetaspaceProcess process = filling();
  process.growth.gave_back = true;
  process.growth.keeps = false;
  process.growth.kept = JobLoaders{"orders", 4, 3000, 0.9, 0.8, false};
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->confidence, Confidence::imminent);
  process.submissions_left = 8;
  EXPECT_EQ(judged(process)->confidence, Confidence::suspected);
}

TEST(MetaspaceProcess, PagesWhatAFullCollectionLeftFullOfJobsThatRunToo) {
  MetaspaceProcess process = filling();
  process.growth.alive_bytes = 100e6;  // of the 180 MB above the base
  process.growth.freed_little = true;
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->confidence, Confidence::imminent);
  process.used_ratio = 0.85;
  EXPECT_EQ(judged(process)->severity, Severity::info);
}

TEST(MetaspaceProcess, JobsThatRunAreNoLeak) {
  MetaspaceProcess process = filling();
  process.growth.alive_bytes = 100e6;  // of the 180 MB above the base
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->severity, Severity::info);
}

TEST(MetaspaceProcess, SuspectsWhereClassesAreNotCountedButNeverPages) {
  MetaspaceProcess process = filling();
  process.growth.keeps.reset();
  process.growth.reclaim_ratio.reset();
  ASSERT_TRUE(judged(process));
  EXPECT_EQ(judged(process)->severity, Severity::warning);
  EXPECT_EQ(judged(process)->confidence, Confidence::suspected);
}

}  // namespace
}  // namespace doctor
