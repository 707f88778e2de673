#include <gtest/gtest.h>

#include "detectors/registry.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector checkpoint_absent;
}

namespace {

using Status = CheckpointRecord::Status;

/// Interval 10 s, timeout 60 s, no tolerated failures: the clock is 60 s × 2 = 2 min.
class CheckpointAbsent : public testing::Test {
 protected:
  CheckpointAbsent() : job_(fake_.job("j1", "ledger", "RUNNING", fake_.now - kHourMs)) {
    job_.checkpointing = Checkpointing::on;
    CheckpointConfig config;
    config.interval = 10 * kSecondMs;
    config.timeout = 60 * kSecondMs;
    config.mode = "exactly_once";
    job_.checkpoint_config = config;
    job_.all_tasks_running_since = job_.start + 5 * kSecondMs;
  }
  CheckpointRecord& add(DurationMs ago, Status status) {
    CheckpointRecord record;
    record.id = ++id_;
    record.status = status;
    record.triggered = fake_.now - ago;
    if (status != Status::in_progress) record.ended = record.triggered;
    if (status == Status::failed) record.failure = "Checkpoint expired before completing.";
    record.subtasks = 4;
    job_.checkpoints.push_back(record);
    return job_.checkpoints.back();
  }
  void completed(DurationMs ago) {
    add(ago, Status::completed);
    job_.latest_completed = job_.checkpoints.back();
  }
  Verdict judge() { return fake_.judge(detectors::checkpoint_absent); }

  FakeCluster fake_;
  JobFacts& job_;
  std::int64_t id_{0};
};

TEST_F(CheckpointAbsent, FiresAtItsClockAndNotBefore) {
  completed(2 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
  fake_.now += 1;
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::warning);
  EXPECT_EQ(verdict.findings[0].evidence[0].limit, 120);
  EXPECT_EQ(verdict.findings[0].subject.job_name, "ledger");
}

TEST_F(CheckpointAbsent, NamesTheVertexItWaitsFor) {
  completed(3 * kMinuteMs);
  const std::int64_t id = add(kMinuteMs, Status::failed).id;
  VertexFacts& slow = job_.vertices.emplace_back();
  slow.id = "s";
  slow.name = "enrich";
  job_.checkpoint_details = {{id, {{"a", {}, {}, 4, 4}, {"b", {}, {}, 3, 4}, {"s", {}, {}, 1, 4}}}};
  const auto text = [&] {
    std::string all;
    const Verdict verdict = judge();
    for (const Evidence& e : verdict.findings.at(0).evidence) all += e.sentence + "\n";
    return all;
  };
  const std::string waits = "checkpoint " + std::to_string(id) + " waits for 3 of 4 subtasks of " +
                            "enrich, and for some of 1 other vertices";
  EXPECT_NE(text().find(waits), std::string::npos) << text();
  job_.checkpoint_details[0].id = id - 1;
  EXPECT_EQ(text().find("waits for"), std::string::npos) << "those of another checkpoint";
}

TEST_F(CheckpointAbsent, IsCriticalAfterTwoClocks) {
  completed(4 * kMinuteMs + 1);
  EXPECT_EQ(judge().findings.at(0).severity, Severity::critical);
}

TEST_F(CheckpointAbsent, ToleratedFailuresAreCappedAndEachIsFollowedByAPause) {
  job_.checkpoint_config->tolerable_failures = 1000;
  job_.checkpoint_config->min_pause = 7 * kSecondMs;
  completed(5 * kMinuteMs + 4 * 7 * kSecondMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
  fake_.now += 1;
  EXPECT_EQ(judge().findings.size(), 1U);
}

TEST_F(CheckpointAbsent, CountsFromTheStartWhenNoneEverCompleted) {
  EXPECT_EQ(judge().findings.size(), 1U);
  job_.all_tasks_running_since = fake_.now - kMinuteMs;
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(CheckpointAbsent, ARestartWindsTheClockBack) {
  completed(30 * kMinuteMs);
  job_.state_since["RUNNING"] = fake_.now - kMinuteMs;
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(CheckpointAbsent, ARestartForFailedCheckpointsDoesNot) {
  completed(30 * kMinuteMs);
  job_.state_since["RUNNING"] = fake_.now - kMinuteMs;
  ExceptionRecord fault;
  fault.at = fake_.now - 2 * kMinuteMs;
  fault.message = "Exceeded checkpoint tolerable failure threshold.";
  job_.exceptions.push_back(fault);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::critical);
}

TEST_F(CheckpointAbsent, ASavepointCounts) {
  add(kMinuteMs, Status::completed).savepoint = true;
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(CheckpointAbsent, TheLogRemembersOverAFailover) {
  JobFacts before = job_;
  before.checkpoints = {};
  CheckpointRecord record;
  record.id = 7;
  record.status = Status::completed;
  record.triggered = fake_.now - kMinuteMs;
  before.checkpoints.push_back(record);
  fake_.features.checkpoint_log("j1").absorb(before);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(CheckpointAbsent, NamesTheOneInProgressAndTheReason) {
  completed(10 * kMinuteMs);
  for (int i = 5; i > 1; --i) add(i * kMinuteMs, Status::failed);
  add(30 * kSecondMs, Status::in_progress).acknowledged = 3;
  const Finding finding = judge().findings.at(0);
  std::string text;
  for (const Evidence& evidence : finding.evidence) text += evidence.sentence + "\n";
  EXPECT_NE(text.find("acknowledged by 3 of 4"), std::string::npos) << text;
  EXPECT_NE(text.find("4 failed since"), std::string::npos) << text;
  EXPECT_NE(text.find("expired before completing"), std::string::npos) << text;
  ASSERT_FALSE(finding.remedy.empty());
  EXPECT_EQ(finding.remedy[0].option, "execution.checkpointing.unaligned.enabled");
}

TEST_F(CheckpointAbsent, QuietWhereNoneIsExpected) {
  job_.checkpoint_config->interval.reset();
  EXPECT_EQ(judge().state, DetectorState::ok);
  job_.checkpointing = Checkpointing::off;
  EXPECT_EQ(judge().state, DetectorState::ok);
  job_.checkpointing = Checkpointing::on;
  job_.checkpoint_config->interval = 1000;
  job_.type = "BATCH";
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(CheckpointAbsent, LeavesAJobThatDoesNotRunAsItWas) {
  job_.state = "RESTARTING";
  const Verdict verdict = judge();
  EXPECT_TRUE(verdict.findings.empty());
  EXPECT_EQ(verdict.unjudged, std::vector<std::string>{"ledger"});
}

TEST_F(CheckpointAbsent, UnknownIsNotOff) {
  job_.checkpointing = Checkpointing::unknown;
  EXPECT_EQ(judge().state, DetectorState::blind);
}

TEST_F(CheckpointAbsent, SaysWhenBacklogMayExcuseIt) {
  fake_.facts.configuration["execution.checkpointing.interval-during-backlog"] = "0";
  completed(10 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::blind);
  add(kMinuteMs, Status::failed);  // an attempt: they are wanted
  EXPECT_EQ(judge().findings.size(), 1U);
}

TEST_F(CheckpointAbsent, ALongerIntervalDuringBacklogSlowsTheClock) {
  fake_.facts.configuration["execution.checkpointing.interval-during-backlog"] = "30 min";
  completed(20 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

}  // namespace
}  // namespace doctor
