#include <gtest/gtest.h>

#include <limits>

#include "detectors/statistics/checkpoint_failure.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector checkpoint_absent;
extern const Detector checkpoint_failing;
}  // namespace detectors

namespace {

using Status = CheckpointRecord::Status;

constexpr const char* kDeclined = "Checkpoint was declined.";
constexpr const char* kExceeded =
    "Exceeded checkpoint tolerable failure threshold. The latest checkpoint failed due to "
    "Checkpoint was declined., view the Checkpoint History tab";

/// Interval 10 s, timeout 10 min, two tolerated failures; all tasks run since an hour.
class CheckpointFailing : public testing::Test {
 protected:
  CheckpointFailing() : job_(fake_.job("j1", "ledger", "RUNNING", fake_.now - kHourMs)) {
    job_.checkpointing = Checkpointing::on;
    CheckpointConfig config;
    config.interval = 10 * kSecondMs;
    config.timeout = 10 * kMinuteMs;
    config.tolerable_failures = 2;
    config.mode = "exactly_once";
    job_.checkpoint_config = config;
    job_.all_tasks_running_since = job_.start + 5 * kSecondMs;
  }
  /// One record a letter, ten seconds apart, the newest of them now: "." completed, "x" declined,
  /// "e" expired, "s" suspended, "t" not triggered, "u" subsumed, "v" a savepoint that failed, "p"
  /// in progress, "?" not seen.
  void past(const std::string& row) {
    job_.checkpoints.clear();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i] == '?') continue;
      CheckpointRecord record;
      record.id = first_id_ + static_cast<std::int64_t>(i);
      record.triggered = fake_.now - static_cast<DurationMs>(row.size() - i) * 10 * kSecondMs;
      record.ended = record.triggered + kSecondMs;
      record.duration = kSecondMs;
      record.status = row[i] == '.' ? Status::completed : Status::failed;
      record.failure = text_of(row[i]);
      record.savepoint = row[i] == 'v';
      if (row[i] == 'p') record.status = Status::in_progress;
      job_.checkpoints.push_back(record);
    }
  }
  static std::string text_of(char letter) {
    switch (letter) {
      case 'x':
      case 'v':
        return kDeclined;
      case 'e':
        return "Checkpoint expired before completing.";
      case 's':
        return "Checkpoint Coordinator is suspending.";
      case 't':
        return "Trigger checkpoint failure.";
      case 'u':
        return "Checkpoint has been subsumed.";
      default:
        return "";
    }
  }
  void exceeded(DurationMs ago) {
    ExceptionRecord fault;
    fault.at = fake_.now - ago;
    fault.name = "org.apache.flink.util.FlinkRuntimeException";
    fault.message = kExceeded;
    job_.exceptions.push_back(fault);
  }
  Verdict judge() { return fake_.judge(detectors::checkpoint_failing); }
  bool fires(const std::string& row) {
    past(row);
    return !judge().findings.empty();
  }
  Finding found() {
    const Verdict verdict = judge();
    return verdict.findings.empty() ? Finding{} : verdict.findings.front();
  }
  std::string text() {
    std::string all;
    for (const Evidence& e : found().evidence) all += e.sentence + "\n";
    return all;
  }
  bool says(const std::string& part) { return text().find(part) != std::string::npos; }
  bool advises(const std::string& option) {
    for (const Remedy& remedy : found().remedy) {
      if (remedy.option == option) return true;
    }
    return false;
  }

  FakeCluster fake_;
  JobFacts& job_;
  std::int64_t first_id_{1000};
};

TEST_F(CheckpointFailing, FiresOnAShareAndNotOnAFew) {
  EXPECT_TRUE(fires("..x..x..x..x"));
  EXPECT_FALSE(fires("..x..x..x."));
  EXPECT_FALSE(fires("...............x"));
  EXPECT_FALSE(fires("......x........x"));
  EXPECT_TRUE(fires("..x..x..x..x..x."));
  EXPECT_TRUE(fires("............xxxx"));
  EXPECT_FALSE(fires(".............xxx"));
}

TEST_F(CheckpointFailing, TellsTheShareWithItsBounds) {
  past("..x..x..x..x..x.");
  const Finding finding = found();
  EXPECT_EQ(finding.severity, Severity::info) << "never two in a row, and one look of a thousand";
  EXPECT_EQ(finding.confidence, Confidence::confirmed);
  EXPECT_EQ(finding.subject.job_name, "ledger");
  EXPECT_EQ(finding.evidence.at(0).limit, 0.05);
  EXPECT_NEAR(finding.evidence.at(0).value.value_or(0), 0.13, 0.01);
  EXPECT_TRUE(says("5 of the last 16")) << text();
  EXPECT_TRUE(says("up to 1 in a row, 2 are tolerated; nothing says that more")) << text();
  EXPECT_TRUE(says("5 declined by a task, the first of them checkpoint 1002: \"Checkpoint was"))
      << text();
}

TEST_F(CheckpointFailing, WhatGoesOnIsAWarningThoughItIsNeverManyAtOnce) {
  past("..x..x..x..x..x..x..x..x..x..x..");
  EXPECT_EQ(found().severity, Severity::warning);
  EXPECT_TRUE(says("10 of the last 32")) << text();
}

TEST_F(CheckpointFailing, IsOverByTheNewestThoughMoreAreRemembered) {
  EXPECT_TRUE(fires("..x..x..x..x..x..x..x..x..x....."));
  EXPECT_FALSE(fires("..xxxxxxxxxxxxxx................"));
}

TEST_F(CheckpointFailing, OneRunMayBeOneDisturbance) {
  past("............xxxx");
  EXPECT_EQ(found().confidence, Confidence::suspected);
}

TEST_F(CheckpointFailing, IsOverWhenTheySucceedForLongEnough) {
  EXPECT_TRUE(fires("...xxxxx......."));
  EXPECT_FALSE(fires("...xxxxx........"));
  EXPECT_TRUE(judge().unjudged.empty());
}

TEST_F(CheckpointFailing, BetweenTwoMindsNothingBeginsAndNothingEnds) {
  past(".....x..x..x....");
  EXPECT_TRUE(judge().findings.empty());
  EXPECT_EQ(judge().unjudged, std::vector<std::string>{"ledger"});
  past("................");
  EXPECT_TRUE(judge().unjudged.empty());
}

TEST_F(CheckpointFailing, ConsequencesAndSavepointsAreNeitherFailedNorFine) {
  EXPECT_FALSE(fires("..s..s..s..s..s."));
  EXPECT_FALSE(fires("..u..u..u..u..u."));
  EXPECT_FALSE(fires("..v..v..v..v..v."));
  EXPECT_FALSE(fires("..p..p..p..p..p."));
  past(".sx.sx.sx.sx");
  EXPECT_TRUE(says("4 of the last 8")) << text();
}

TEST_F(CheckpointFailing, WhatFailsBeforeTheFirstCompletesIsNotCounted) {
  job_.all_tasks_running_since = fake_.now - 3 * kMinuteMs;
  EXPECT_FALSE(fires("eeeee..........."));
  EXPECT_FALSE(fires("eeeee"));
  EXPECT_EQ(judge().state, DetectorState::learning);
}

TEST_F(CheckpointFailing, AllOfTheNewestMayFailOnceOneHasCompleted) {
  past("xxxxxxxxxxxxxxxx");
  EXPECT_TRUE(judge().findings.empty());
  CheckpointRecord earlier = job_.checkpoints.front();
  earlier.status = Status::completed;
  earlier.id -= 50;
  earlier.triggered -= kMinuteMs;
  job_.latest_completed = earlier;
  EXPECT_FALSE(judge().findings.empty());
}

TEST_F(CheckpointFailing, ARestartBeginsAnew) {
  past("..x..x..x..x..x.");
  job_.all_tasks_running_since = fake_.now - 45 * kSecondMs;
  EXPECT_TRUE(judge().findings.empty());
}

TEST_F(CheckpointFailing, ARestartForFailedOnesIsAPartOfIt) {
  past("..x..x..x..x..x.");
  exceeded(44 * kSecondMs);
  exceeded(19 * kSecondMs);
  job_.all_tasks_running_since = fake_.now - 11 * kSecondMs;
  EXPECT_EQ(found().severity, Severity::critical);
  EXPECT_TRUE(says("have restarted the job 2 ×")) << text();
  EXPECT_TRUE(advises("execution.checkpointing.tolerable-failed-checkpoints"));
}

TEST_F(CheckpointFailing, ARescaleAfterSuchARestartBeginsAnew) {
  past("..x..x..x..x..x.");
  exceeded(39 * kSecondMs);
  job_.all_tasks_running_since = fake_.now - 15 * kSecondMs;  // one completed in between
  EXPECT_TRUE(judge().findings.empty());
}

TEST_F(CheckpointFailing, ToleranceDecidesHowGraveItIs) {
  past("..xx..xx..xx..xx");
  EXPECT_EQ(found().severity, Severity::critical);
  EXPECT_TRUE(says("2 are tolerated; if they go on like this")) << text();
  job_.checkpoint_config->tolerable_failures = std::numeric_limits<int>::max();
  EXPECT_EQ(found().severity, Severity::warning);
  past(".x..x..x..x..x..x");
  job_.checkpoint_config->tolerable_failures = 1;
  EXPECT_EQ(found().severity, Severity::warning);
  job_.checkpoint_config->tolerable_failures = 0;
  EXPECT_EQ(found().severity, Severity::critical);
}

TEST_F(CheckpointFailing, WhatDoesNotCountTowardsTheToleranceRestartsNothing) {
  job_.checkpoint_config->tolerable_failures = 0;
  past(".t..t..t..t..t..t");
  EXPECT_EQ(found().severity, Severity::warning);
  job_.all_tasks_running_since = fake_.now - 5 * kSecondMs;
  EXPECT_TRUE(judge().findings.empty()) << "a restart";
}

TEST_F(CheckpointFailing, LeavesToAbsentWhatIsAbsent) {
  past("..x..x..x..xxxxx");
  job_.checkpoint_config->timeout = 10 * kSecondMs;
  job_.checkpoint_config->tolerable_failures = 0;
  ASSERT_FALSE(fake_.judge(detectors::checkpoint_absent).findings.empty());
  EXPECT_TRUE(judge().findings.empty());
}

TEST_F(CheckpointFailing, TheLatestFailedOneOfLongAgoIsNoShare) {
  past("xxx..........");
  for (std::size_t i = 0; i < 3; ++i) job_.checkpoints[i].id -= 500 - 7 * static_cast<int>(i);
  EXPECT_TRUE(judge().findings.empty());
  past("xxx..x..x");  // a gap behind the third: only six are known without one
  for (std::size_t i = 0; i < 3; ++i) job_.checkpoints[i].id -= 500;
  EXPECT_TRUE(judge().findings.empty());
}

TEST_F(CheckpointFailing, PagesThatDoNotMeetAreAFairSampleToo) {
  EXPECT_TRUE(fires(".x..x.???.x..x..x."));
  EXPECT_NE(found().summary.find("5 of 15 seen checkpoints failed"), std::string::npos)
      << found().summary;
  EXPECT_TRUE(fires("..x..x.??.x..x.??.x.")) << "the third page is cut by how much is remembered";
  EXPECT_FALSE(fires(".xx..x.?????????.x..x.")) << "more is missing than known since";
  EXPECT_FALSE(fires("xxx???x..x.......")) << "three are no page: the latest of each kind";
}

TEST_F(CheckpointFailing, NobodyKnowsWhatIsInARowAcrossAHole) {
  past(".....xx??xx.....");
  EXPECT_TRUE(says("up to 2 in a row")) << text();
}

TEST_F(CheckpointFailing, RemembersMoreThanFlink) {
  past("..x..x..x..x..x.");
  fake_.features.checkpoint_log("j1").absorb(job_);
  job_.checkpoints.clear();
  EXPECT_TRUE(says("5 of the last 16")) << text();
}

TEST_F(CheckpointFailing, TellsItsPastAndWhatAFaultWouldReplay) {
  past("..x..xx.x..x..x.");
  job_.checkpoint_counts = CheckpointCounts{0, 500, 0, 490, 10};
  EXPECT_TRUE(says("before these 480 completed and 4 failed")) << text();
  EXPECT_TRUE(says("up to 31 s of input")) << text();
  job_.checkpoint_counts = CheckpointCounts{0, 5, 0, 3, 2};  // a new JobManager
  EXPECT_FALSE(says("before these"));
}

TEST_F(CheckpointFailing, NamesTheVertexThatDidNotAcknowledge) {
  past("..x..x..x..x..x.");
  VertexFacts& slow = job_.vertices.emplace_back();
  slow.id = "s";
  slow.name = "enrich";
  job_.checkpoint_details = {{1014, {{"a", {}, {}, 4, 4}, {"s", {}, {}, 1, 4}}}};
  EXPECT_TRUE(says("checkpoint 1014 waits for 3 of 4 subtasks of enrich")) << text();
}

TEST_F(CheckpointFailing, AdvisesByReasonAndVersion) {
  past("..e..e..e..e..e.");
  fake_.facts.version = FlinkVersion{1, 16, "1.16.3"};
  EXPECT_TRUE(advises("execution.checkpointing.unaligned"));
  EXPECT_TRUE(advises("execution.checkpointing.timeout"));
  job_.checkpoint_config->state_backend = "EmbeddedRocksDBStateBackend";
  EXPECT_TRUE(advises("state.backend.incremental"));
  job_.checkpoint_config->unaligned = true;
  EXPECT_FALSE(advises("execution.checkpointing.unaligned"));
  past("..x..x..x..x..x.");
  EXPECT_FALSE(advises("execution.checkpointing.timeout"));
  job_.checkpoint_config->storage = "JobManagerCheckpointStorage";
  EXPECT_TRUE(advises("state.checkpoint-storage"));
}

TEST_F(CheckpointFailing, HostileFiguresDoNoHarm) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  past("..x..x..x..x..x.");
  job_.checkpoint_counts = CheckpointCounts{kMin, kMax, kMin, kMax, kMin};
  for (CheckpointRecord& record : job_.checkpoints) record.ended = kMin;
  EXPECT_TRUE(judge().findings.empty()) << "none completed after it began to run";
  for (CheckpointRecord& record : job_.checkpoints) record.ended = kMax;
  EXPECT_FALSE(judge().findings.empty());
  for (CheckpointRecord& record : job_.checkpoints) record.id = kMin;
  EXPECT_TRUE(judge().findings.empty());
  past("..x..x..x..x..x.");
  job_.checkpoints.back().id = kMax;
  EXPECT_TRUE(judge().findings.empty()) << "the others are not its neighbours";
}

TEST_F(CheckpointFailing, SaysWhatItCannotJudge) {
  past("..x..x..x..x..x.");
  job_.state = "RESTARTING";
  EXPECT_EQ(judge().unjudged, std::vector<std::string>{"ledger"});
  job_.state = "RUNNING";
  job_.checkpoint_config->interval.reset();
  EXPECT_EQ(judge().state, DetectorState::ok);
  job_.checkpoint_config.reset();
  EXPECT_EQ(judge().state, DetectorState::blind);
  job_.checkpointing = Checkpointing::off;
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST(CheckpointFailure, ReadsFlinksWords) {
  EXPECT_EQ(checkpoint_failure(kDeclined), CheckpointFailure::declined);
  EXPECT_EQ(checkpoint_failure("Checkpoint was declined (tasks not ready)"),
            CheckpointFailure::consequence);
  EXPECT_EQ(checkpoint_failure("Asynchronous task checkpoint failed."), CheckpointFailure::async);
  EXPECT_EQ(checkpoint_failure("Checkpoint expired before completing."),
            CheckpointFailure::expired);
  EXPECT_EQ(checkpoint_failure("An Exception occurred while triggering the checkpoint. IO-problem "
                               "detected."),
            CheckpointFailure::storage);
  EXPECT_EQ(checkpoint_failure("An Exception occurred while triggering the checkpoint."),
            CheckpointFailure::trigger);
  EXPECT_EQ(checkpoint_failure("Failure to finalize checkpoint."), CheckpointFailure::finalise);
  EXPECT_EQ(checkpoint_failure(""), CheckpointFailure::other);
  EXPECT_EQ(checkpoint_failure("of Flink 9"), CheckpointFailure::other);
}

TEST(CheckpointFailure, IsNotFooledByNames) {
  EXPECT_EQ(checkpoint_failure("Could not complete snapshot 3 for operator Failure reason: "
                               "Checkpoint has been subsumed. (1/2)#0. Failure reason: Checkpoint "
                               "was declined."),
            CheckpointFailure::declined);
  EXPECT_EQ(checkpoint_failure("Could not complete snapshot 3 for operator The job has fai…"),
            CheckpointFailure::declined)
      << "cut short";
}

TEST(CheckpointFailure, CountsTowardsTheToleranceAsInThatVersion) {
  ClusterFacts facts;
  facts.version = FlinkVersion{1, 15, "1.15.4"};
  EXPECT_FALSE(counts_as_failed(CheckpointFailure::finalise, &facts));
  facts.version = FlinkVersion{1, 16, "1.16.3"};
  EXPECT_TRUE(counts_as_failed(CheckpointFailure::finalise, &facts));
  EXPECT_TRUE(counts_as_failed(CheckpointFailure::expired, &facts));
  EXPECT_FALSE(counts_as_failed(CheckpointFailure::trigger, &facts));
  EXPECT_FALSE(counts_as_failed(CheckpointFailure::consequence, &facts));
}

}  // namespace
}  // namespace doctor
