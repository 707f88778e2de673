#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/fake_features.hpp"

namespace doctor {

namespace detectors {
extern const Detector job_down;
}

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct JobDown : ::testing::Test {
  Verdict judge() { return fake.judge(detectors::job_down); }
  void expect_quiet() {
    const Verdict verdict = judge();
    EXPECT_TRUE(verdict.findings.empty()) << verdict.findings.front().summary;
  }
  Finding expect_one(Severity severity) {
    const Verdict verdict = judge();
    EXPECT_EQ(verdict.findings.size(), 1U);
    if (verdict.findings.empty()) return {};
    EXPECT_EQ(verdict.findings.front().severity, severity) << verdict.findings.front().summary;
    return verdict.findings.front();
  }
  JobFacts& failed(const std::string& id, const std::string& name, DurationMs ago_ms) {
    JobFacts& job = fake.job(id, name, "FAILED", fake.now - ago_ms - kHourMs);
    job.end = fake.now - ago_ms;
    job.state_since["FAILED"] = fake.now - ago_ms;
    fake.summary(id).end = job.end;
    return job;
  }
  void unreachable(DurationMs for_ms) {
    fake.status = ClusterStatus::unreachable;
    fake.status_since = fake.now - for_ms;
  }
  FakeCluster fake;
};

TEST_F(JobDown, AFailedJobPagesAtOnceWithItsLastFault) {
  JobFacts& job = failed("a", "orders", 5 * kSecondMs);
  ExceptionRecord fault;
  fault.at = fake.now - 6 * kSecondMs;
  fault.root_cause = "java.io.IOException: disk";
  job.exceptions = {fault};
  const Finding finding = expect_one(Severity::critical);
  EXPECT_EQ(finding.subject.job_name, "orders");
  EXPECT_EQ(finding.evidence.size(), 2U);
  EXPECT_THAT(finding.evidence[1].sentence, HasSubstr("java.io.IOException: disk"));
  EXPECT_EQ(finding.remedy[0].option, "execution.state-recovery.path");
}

TEST_F(JobDown, OldVersionsGetTheOldOption) {
  fake.facts.version = FlinkVersion{1, 17, "1.17.2"};
  failed("a", "orders", kMinuteMs);
  EXPECT_EQ(expect_one(Severity::critical).remedy[0].option, "execution.savepoint.path");
}

TEST_F(JobDown, FinishedCanceledAndRunningJobsAreFine) {
  fake.job("a", "done", "FINISHED", fake.now - kHourMs);
  fake.job("b", "stopped", "CANCELED", fake.now - kHourMs);
  fake.job("c", "runs", "RUNNING", fake.now - kHourMs);
  expect_quiet();
}

TEST_F(JobDown, ASuccessorOfTheSameNameEndsItHoweverItFares) {
  failed("a", "orders", 10 * kMinuteMs);
  expect_one(Severity::critical);
  fake.job("b", "orders", "RUNNING", fake.now - kMinuteMs);
  expect_quiet();
  fake.summary("b").state = "FINISHED";
  expect_quiet();
}

TEST_F(JobDown, ATwinThatRanBeforeIsNoSuccessor) {
  failed("a", "orders", 10 * kMinuteMs);
  fake.job("b", "orders", "RUNNING", fake.now - kDayMs);
  expect_one(Severity::critical);
}

TEST_F(JobDown, ExpiryFromTheJobStoreIsNoRecovery) {
  fake.vanished.push_back({"a", "orders", "FAILED", fake.now - kHourMs, fake.now - kDayMs});
  const Finding finding = expect_one(Severity::critical);
  EXPECT_THAT(finding.summary, HasSubstr("no recovery"));
}

TEST_F(JobDown, ASuccessorEndsItAlsoWhenTheListHasDroppedTheFailedOne) {
  fake.vanished.push_back({"a", "orders", "FAILED", fake.now - kMinuteMs, fake.now - kDayMs});
  fake.job("b", "orders", "RUNNING", fake.now - 30 * kMinuteMs);
  expect_quiet();
  // Its last fault tells that the other was there before: no successor.
  JobFacts facts;
  facts.id = "a";
  ExceptionRecord fault;
  fault.at = fake.now - 10 * kMinuteMs;
  fault.name = "java.io.IOException";
  facts.exceptions = {fault};
  facts.exceptions_known = true;
  fake.features.restart_log("a").absorb(facts);
  expect_one(Severity::critical);
}

TEST_F(JobDown, AJobThatVanishedUnendedPagesAfterTheGraceThatFitsHa) {
  fake.facts.configuration["jobmanager.rpc.address"] = "jm";
  fake.vanished.push_back({"a", "orders", "RUNNING", fake.now - 30 * kSecondMs, 1});
  fake.status_since = fake.now - 5 * kSecondMs;  // answers again only since then
  expect_quiet();
  fake.status_since = fake.now - 12 * kSecondMs;
  const Finding finding = expect_one(Severity::critical);
  EXPECT_EQ(finding.remedy.back().option, "high-availability.type");
  fake.facts.configuration["high-availability.type"] = "zookeeper";
  expect_quiet();
  fake.now += kMinuteMs;
  expect_one(Severity::critical);
}

TEST_F(JobDown, AJobThatNobodyWatchedForLongIsOnlySuspected) {
  fake.vanished.push_back({"a", "orders", "RUNNING", fake.now - 3 * kDayMs, 1});
  EXPECT_EQ(expect_one(Severity::warning).confidence, Confidence::suspected);
}

TEST_F(JobDown, StuckOnItsWayWarnsAfterWhatConfigurationAllows) {
  JobFacts& job = fake.job("a", "orders", "RESTARTING", fake.now - kHourMs);
  job.state_since["RESTARTING"] = fake.now - 6 * kMinuteMs;
  expect_one(Severity::warning);
  fake.facts.configuration["restart-strategy.fixed-delay.delay"] = "10 min";
  expect_quiet();
}

TEST_F(JobDown, RunningWithoutRunningTasksWarnsThenPages) {
  fake.task_manager("tm-1", "host-1");
  JobFacts& job = fake.job("a", "orders", "RUNNING", fake.now - kHourMs);
  job.state_since["RUNNING"] = fake.now - kMinuteMs;
  fake.summary("a").tasks_total = 4;
  fake.summary("a").tasks_running = 0;
  expect_quiet();
  job.state_since["RUNNING"] = fake.now - 3 * kMinuteMs;
  expect_one(Severity::warning);
  job.state_since["RUNNING"] = fake.now - 5 * kMinuteMs;
  EXPECT_THAT(expect_one(Severity::critical).summary, HasSubstr("none of its 4 tasks"));
}

TEST_F(JobDown, RestoringStateAndFinishedSourcesAreNotIdle) {
  JobFacts& job = fake.job("a", "orders", "RUNNING", fake.now - kHourMs);
  fake.summary("a").tasks_total = 2;
  fake.summary("a").tasks_running = 0;
  VertexFacts vertex;
  vertex.id = "v";
  vertex.parallelism = 2;
  vertex.status = "INITIALIZING";
  job.vertices = {vertex};
  expect_quiet();
  fake.summary("a").tasks_running = 1;
  job.vertices[0].subtasks = {{0, "RUNNING", 0, "tm", "h"}, {1, "FINISHED", 0, "tm", "h"}};
  expect_quiet();
  job.vertices[0].subtasks[1].status = "SCHEDULED";
  EXPECT_THAT(expect_one(Severity::warning).summary, HasSubstr("1 of its 2 tasks wait"));
}

TEST_F(JobDown, TheGoneClusterPagesWithinFourMinutesUnlessItsApplicationHadEnded) {
  fake.job("a", "orders", "RESTARTING", fake.now - kHourMs);
  unreachable(2 * kMinuteMs);
  const Verdict waiting = judge();
  EXPECT_TRUE(waiting.findings.empty());
  EXPECT_THAT(waiting.unjudged, Contains("orders"));
  unreachable(3 * kMinuteMs + kSecondMs);
  const Finding finding = expect_one(Severity::critical);
  EXPECT_THAT(finding.summary, HasSubstr("last seen RESTARTING"));
  EXPECT_EQ(finding.subject.job_name, "orders");
  fake.status = ClusterStatus::gone;
  expect_one(Severity::critical);
  for (const std::string state : {"FINISHED", "CANCELED"}) {
    fake.summary("a").state = state;
    expect_quiet();
  }
  fake.summary("a").state = "FAILED";
  expect_one(Severity::critical);
}

TEST_F(JobDown, ABatchApplicationThatIsGoneMayHaveEnded) {
  fake.job("a", "nightly", "RUNNING", fake.now - kHourMs).type = "BATCH";
  unreachable(4 * kMinuteMs);
  EXPECT_EQ(expect_one(Severity::info).confidence, Confidence::suspected);
}

TEST_F(JobDown, AnApplicationWhoseTasksHadBegunToFinishMayHaveEnded) {
  fake.job("a", "orders", "RUNNING", fake.now - kHourMs);
  fake.facts.jobs.front().tasks_total = 4;
  fake.facts.jobs.front().tasks_running = 4;
  unreachable(4 * kMinuteMs);
  expect_one(Severity::critical);
  fake.facts.jobs.front().tasks_finished = 1;
  EXPECT_EQ(expect_one(Severity::info).confidence, Confidence::suspected);
}

TEST_F(JobDown, AJobManagerWhoseReporterAnswersIsNotGone) {
  fake.job("a", "orders", "RUNNING", fake.now - kHourMs);
  SourceHealth source;
  source.kind = SourceKind::reporter;
  source.up = true;
  source.process = fake.job_manager();
  source.role = "jobmanager";
  fake.sources = {source};
  unreachable(4 * kMinuteMs);
  expect_one(Severity::warning);
}

TEST_F(JobDown, ALeaderElectionHasTime) {
  fake.job("a", "orders", "RUNNING", fake.now - kHourMs);
  unreachable(5 * kMinuteMs);
  fake.status = ClusterStatus::leader_election;
  expect_quiet();
  fake.status_since = fake.now - 11 * kMinuteMs;
  expect_one(Severity::critical);
}

TEST_F(JobDown, ExpectedJobsMustRun) {
  fake.expected_jobs = {"orders", "billing"};
  fake.job("a", "orders", "RUNNING", fake.now - kHourMs);
  fake.status_since = fake.now - 30 * kSecondMs;
  expect_quiet();
  fake.one_shot = true;
  EXPECT_EQ(expect_one(Severity::critical).subject.job_name, "billing");
  fake.one_shot = false;
  fake.status_since = fake.now - kHourMs;
  fake.job("b", "billing", "FINISHED", fake.now - 5 * kMinuteMs);
  EXPECT_THAT(expect_one(Severity::critical).summary, HasSubstr("FINISHED"));
  fake.summary("b").state = "FAILED";  // one finding, not two
  expect_one(Severity::critical);
}

TEST_F(JobDown, AClusterThatNeverAnsweredIsBlindNotDown) {
  fake.has_cluster = false;
  unreachable(kHourMs);
  EXPECT_EQ(judge().state, DetectorState::blind);
  fake.has_cluster = true;
  fake.facts.jobs_known = false;
  EXPECT_EQ(judge().state, DetectorState::blind);
}

}  // namespace
}  // namespace doctor
