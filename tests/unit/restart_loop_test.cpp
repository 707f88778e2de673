#include <gtest/gtest.h>

#include "detectors/registry.hpp"
#include "detectors/statistics/fault.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector restart_loop;
}

namespace {

constexpr const char* kDecode = "java.lang.IllegalStateException: record 4711 cannot be decoded";
constexpr const char* kFrame = "org.acme.Decode.map(Decode.java:12)";

ExceptionRecord fault(TimestampMs at, const std::string& root, std::string frame = kFrame) {
  ExceptionRecord record;
  record.at = at;
  record.root_cause = root;
  record.name = root.substr(0, root.find(':'));
  record.frames = {"java.util.Objects.requireNonNull(Objects.java:1)", std::move(frame)};
  return record;
}

class RestartLoop : public testing::Test {
 protected:
  RestartLoop() : job_(fake_.job("j1", "payments", "RUNNING", fake_.now - 30 * kDayMs)) {
    job_.exceptions_known = true;
    job_.checkpointing = Checkpointing::on;
    job_.checkpoint_config = CheckpointConfig{};
    job_.checkpoint_config->interval = 10 * kSecondMs;
    job_.checkpoint_config->timeout = kMinuteMs;
  }
  void fail(DurationMs ago, const std::string& root = kDecode, const std::string& frame = kFrame) {
    job_.exceptions.push_back(fault(fake_.now - ago, root, frame));
  }
  void completed(DurationMs ago) {
    CheckpointRecord record;
    record.id = ++id_;
    record.status = CheckpointRecord::Status::completed;
    record.triggered = fake_.now - ago;
    job_.checkpoints.push_back(record);
  }
  Verdict judge() {
    fake_.features.restart_log("j1").absorb(job_);
    return fake_.judge(detectors::restart_loop);
  }
  static std::string text(const Finding& finding) {
    std::string all = finding.summary;
    for (const Evidence& evidence : finding.evidence) all += "\n" + evidence.sentence;
    return all;
  }

  FakeCluster fake_;
  JobFacts& job_;
  std::int64_t id_{0};
};

TEST_F(RestartLoop, ThreeOfOneFaultWithoutACheckpointPage) {
  completed(2 * kMinuteMs);
  fail(60'000);
  fail(40'000);
  EXPECT_EQ(judge().state, DetectorState::ok);
  fail(20'000);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::critical);
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::confirmed);
  EXPECT_NE(text(verdict.findings[0]).find("org.acme.Decode.map"), std::string::npos);
}

TEST_F(RestartLoop, NobodyKnowsWhatCompletedSinceCheckpointsWereLastAskedFor) {
  completed(2 * kMinuteMs);
  for (const DurationMs ago : {60'000, 40'000, 20'000}) fail(ago);
  job_.checkpoints_read_at = fake_.now - 30 * kSecondMs;
  EXPECT_EQ(judge().state, DetectorState::ok);
  job_.checkpoints_read_at = fake_.now - 10 * kSecondMs;
  EXPECT_EQ(judge().findings.size(), 1U);
}

TEST_F(RestartLoop, AClockThatIsBehindFlinksHidesNoLoop) {
  completed(2 * kMinuteMs);
  for (const DurationMs ago : {-20'000, -40'000, -60'000}) fail(ago);
  job_.checkpoints_read_at = fake_.now;
  EXPECT_EQ(judge().findings.size(), 1U);
}

TEST_F(RestartLoop, TheFirstFaultIsKeptWhenFlinkForgotIt) {
  fail(40 * kMinuteMs, "java.io.IOException: connection to broker-7 lost");
  for (int i = 39; i > 0; --i) {
    fail(i * kMinuteMs);
    if (job_.exceptions.size() > 16) job_.exceptions.erase(job_.exceptions.begin());
    fake_.features.restart_log("j1").absorb(job_);
  }
  const std::string told = text(judge().findings.at(0));
  EXPECT_NE(told.find("broker-7"), std::string::npos) << told;
  EXPECT_NE(told.find("what repeats is another one"), std::string::npos) << told;
}

TEST_F(RestartLoop, ACheckpointBetweenIsProgress) {
  fail(90'000);
  fail(60'000);
  completed(45'000);
  fail(30'000);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, DifferentFaultsAreNoLoop) {
  fail(60'000, "java.io.IOException: a", "org.acme.A.run(A.java:1)");
  fail(40'000, "java.lang.NullPointerException", "org.acme.B.run(B.java:1)");
  fail(20'000, "java.lang.ArithmeticException: / by zero", "org.acme.C.run(C.java:1)");
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, FailoversAndDrainsDoNotCount) {
  const std::string lost =
      "java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id ";
  for (int i = 4; i > 0; --i) fail(i * kMinuteMs, lost + std::to_string(i) + " timed out.");
  for (int i = 4; i > 0; --i) {
    fail(i * kMinuteMs - 9000,
         "org.apache.flink.runtime.jobmanager.scheduler."
         "NoResourceAvailableException: no slot");
  }
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, TaskManagersLostAgainAndAgainAreSuspected) {
  for (int i = 6; i > 0; --i) {
    fail(i * kMinuteMs,
         "org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager with "
         "id tm is no longer reachable.");
  }
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::warning);
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::suspected);
}

TEST_F(RestartLoop, ManyTasksFailingAtOnceAreOneRestart) {
  for (int i = 0; i < 8; ++i) {
    fail(20'000 - i * 400);
    job_.exceptions.back().task = "decode (" + std::to_string(i + 1) + "/8) - execution #3";
  }
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, ALoopThatEndedIsOver) {
  for (int i = 5; i > 0; --i) fail(3 * kHourMs + i * 20'000);
  completed(2 * kHourMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, AQuietJobWithoutCheckpointsIsOverItToo) {
  job_.checkpointing = Checkpointing::off;
  for (int i = 5; i > 0; --i) fail(i * kSecondMs);
  EXPECT_EQ(judge().findings.size(), 1U);
  fake_.now += 7 * kHourMs;
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, FaultsThatComeByChanceAreNoLoop) {
  job_.checkpointing = Checkpointing::off;
  job_.start = fake_.now - 20 * kHourMs;
  for (const DurationMs minutes : {350, 210, 24, 5}) fail(minutes * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, WhatChanceDoesNotBringSoCloseIsOne) {
  for (int i = 3; i > 0; --i) {
    fail(i * 15 * kMinuteMs);
    completed(i * 15 * kMinuteMs - kMinuteMs);
  }
  EXPECT_EQ(judge().state, DetectorState::ok);  // three may yet be chance
  fail(kSecondMs);
  completed(0);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::warning);
  EXPECT_NE(text(verdict.findings[0]).find("4 by the same fault in"), std::string::npos);
}

TEST_F(RestartLoop, AJobsOwnPastExplainsItsRate) {
  for (int i = 12; i > 0; --i) fail(5 * kHourMs + i * 2 * kHourMs);
  job_.start = fake_.now - 30 * kHourMs;
  for (const DurationMs minutes : {100, 60, 30, 5}) {
    fail(minutes * kMinuteMs);
    completed(minutes * kMinuteMs - kMinuteMs);
  }
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, WithoutCheckpointsSlowFaultsNeedToBeUnlikely) {
  job_.checkpointing = Checkpointing::off;
  job_.start = fake_.now - 3 * kHourMs;
  for (const DurationMs minutes : {27, 14, 1}) fail(minutes * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
  job_.exceptions.clear();
  for (const DurationMs minutes : {47, 46, 45}) fail(minutes * kSecondMs);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::critical);
}

TEST_F(RestartLoop, OnceAWeekIsNoLoopWithoutCheckpoints) {
  job_.checkpointing = Checkpointing::off;
  for (int i = 4; i > 0; --i) fail((i - 1) * 7 * kDayMs + kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(RestartLoop, BackoffDoesNotHideIt) {
  DurationMs ago = 10 * kMinuteMs;
  for (const DurationMs gap : {60, 70, 80, 90, 100, 110}) fail(ago -= gap * kSecondMs);
  EXPECT_EQ(judge().findings.at(0).severity, Severity::critical);
}

TEST_F(RestartLoop, OftenWithProgressIsATicket) {
  for (int i = 5; i > 0; --i) {
    fail(i * 3 * kMinuteMs);
    completed(i * 3 * kMinuteMs - kMinuteMs);
  }
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::warning);
}

TEST_F(RestartLoop, APeriodLikeAClockIsNamed) {
  for (int i = 6; i > 0; --i) fail(i * 12'000);
  EXPECT_NE(text(judge().findings.at(0)).find("like a clock"), std::string::npos);
}

TEST_F(RestartLoop, WhatSustainsItBecomesTheRemedy) {
  for (int i = 3; i > 0; --i) fail(i * 20'000, "java.lang.OutOfMemoryError: Java heap space");
  EXPECT_EQ(judge().findings.at(0).remedy.at(0).option, "taskmanager.memory.task.heap.size");
}

TEST_F(RestartLoop, AJobManagerFailoverHidesNothing) {
  fail(60'000);
  fail(40'000);
  fake_.features.restart_log("j1").absorb(job_);
  job_.exceptions.clear();
  fail(10'000);
  EXPECT_EQ(judge().findings.size(), 1U);
}

TEST_F(RestartLoop, UnreadExceptionsAreBlind) {
  job_.exceptions_known = false;
  EXPECT_EQ(judge().state, DetectorState::blind);
}

TEST_F(RestartLoop, EndedJobsAreNotItsBusiness) {
  for (int i = 5; i > 0; --i) fail(i * 5000);
  job_.state = "FAILED";
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST(Fault, SameCauseLooksAtClassAndFirstOwnFrame) {
  const ExceptionRecord a = fault(1, "java.lang.RuntimeException: offset 17");
  EXPECT_TRUE(same_cause(a, fault(2, "java.lang.RuntimeException: offset 99")));
  EXPECT_FALSE(same_cause(a, fault(2, "java.lang.RuntimeException: offset 17", "org.acme.X.y(X)")));
  EXPECT_FALSE(same_cause(a, fault(2, "java.io.IOException: offset 17")));
  ExceptionRecord bare = a;
  bare.frames.clear();  // the JVM leaves out the stack of an exception thrown often
  EXPECT_TRUE(same_cause(a, bare));
}

}  // namespace
}  // namespace doctor
