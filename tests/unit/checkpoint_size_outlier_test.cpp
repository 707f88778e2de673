#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "detectors/registry.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector checkpoint_size_outlier;
}

namespace {

constexpr double kMiB = 1024 * 1024;

class CheckpointSizeOutlier : public testing::Test {
 protected:
  JobFacts& add_job(const std::string& name, DurationMs age = 2 * kHourMs) {
    JobFacts& job = fake_.job("id-" + name, name, "RUNNING", fake_.now - age);
    job.checkpointing = Checkpointing::on;
    job.checkpoint_config = CheckpointConfig{};
    job.checkpoint_config->state_backend = "EmbeddedRocksDBStateBackend";
    return job;
  }
  /// One more completed checkpoint, a minute later; told to the log as the history would.
  CheckpointRecord& take(JobFacts& job, double mebibytes) {
    fake_.now += kMinuteMs;
    CheckpointRecord record;
    record.id = ++id_;
    record.status = CheckpointRecord::Status::completed;
    record.triggered = fake_.now;
    record.ended = fake_.now;
    record.state_size = mebibytes * kMiB;
    record.checkpointed_size = *record.state_size;
    job.checkpoints = {record};
    return job.checkpoints.front();
  }
  Verdict judge(JobFacts& job) {
    fake_.features.checkpoint_log(job.id).absorb(job);
    return fake_.judge(detectors::checkpoint_size_outlier);
  }
  Verdict grow(JobFacts& job, double mebibytes) {
    take(job, mebibytes);
    return judge(job);
  }
  Verdict repeat(JobFacts& job, double mebibytes, int times) {
    Verdict verdict;
    for (int i = 0; i < times; ++i) verdict = grow(job, mebibytes);
    return verdict;
  }

  FakeCluster fake_;
  std::int64_t id_{0};
};

TEST_F(CheckpointSizeOutlier, NamesTheVertexThatHoldsWhatWasAdded) {
  JobFacts& job = add_job("profiles");
  VertexFacts& window = job.vertices.emplace_back();
  window.id = "w";
  window.name = "window";
  repeat(job, 100, 12);
  job.checkpoint_details = {{12, {{"m", 60 * kMiB}, {"w", 40 * kMiB}}},
                            {13, {{"m", 70 * kMiB}, {"w", 180 * kMiB}}}};
  const Verdict verdict = repeat(job, 250, 3);
  ASSERT_EQ(verdict.findings.size(), 1U);
  const auto names = [](const Evidence& e) { return e.metric == "state size of a vertex"; };
  const auto& all = verdict.findings[0].evidence;
  const auto found = std::find_if(all.begin(), all.end(), names);
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->sentence,
            "window holds 93 % of what was added between checkpoints 12 and 13: 40 MiB → 180 MiB");
  job.checkpoint_details[1].vertices[0].state_size = 200 * kMiB;
  const Verdict spread = judge(job);
  for (const Evidence& e : spread.findings.at(0).evidence) {
    EXPECT_FALSE(names(e)) << "none of them holds more than half";
  }
}

TEST_F(CheckpointSizeOutlier, FiresAtTheThirdLargeOne) {
  JobFacts& job = add_job("profiles");
  EXPECT_EQ(repeat(job, 100, 12).state, DetectorState::ok);
  EXPECT_EQ(repeat(job, 250, 2).state, DetectorState::ok);
  const Verdict verdict = grow(job, 250);
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::warning);
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::confirmed);
  EXPECT_EQ(verdict.findings[0].subject.job_name, "profiles");
  EXPECT_NE(verdict.findings[0].evidence[0].sentence.find("100 MiB → 250 MiB"), std::string::npos)
      << verdict.findings[0].evidence[0].sentence;
}

TEST_F(CheckpointSizeOutlier, TellsOfAllThatFlinkHasSeen) {
  JobFacts& job = add_job("profiles");
  repeat(job, 100, 12);
  job.checkpoint_counts = CheckpointCounts{0, 510, 0, 500, 10};
  job.checkpoint_summary = CheckpointSummary{
      {}, {}, CheckpointSpread{kMiB, 250 * kMiB, 90 * kMiB, 80 * kMiB, 110 * kMiB}};
  const auto told = [&] {
    const Verdict verdict = repeat(job, 250, 3);
    for (const Evidence& e : verdict.findings.at(0).evidence) {
      if (e.metric == "state size of all checkpoints") return e.sentence;
    }
    return std::string();
  };
  EXPECT_EQ(told(),
            "half of all 500 checkpoints and savepoints since the JobMaster started up to 80 MiB, "
            "99 % up to 110 MiB, the most 250 MiB");
  job.checkpoint_summary->state_size->p99.reset();
  EXPECT_EQ(told(),
            "all 500 checkpoints and savepoints since the JobMaster started: 1 MiB to 250 MiB, "
            "90 MiB on average");
  job.checkpoint_counts->completed = 12;
  EXPECT_EQ(told(), "") << "the checkpoints it judges from are all there are";
  job.checkpoint_summary.reset();
  EXPECT_EQ(told(), "");
}

TEST_F(CheckpointSizeOutlier, FiresWithinFourOfASlowJump) {
  JobFacts& job = add_job("profiles");
  repeat(job, 20, 8);
  grow(job, 45);
  grow(job, 70);
  EXPECT_EQ(grow(job, 95).findings.size(), 1U);
}

TEST_F(CheckpointSizeOutlier, SmallJumpsAreNotWorthATicket) {
  JobFacts& job = add_job("profiles");
  repeat(job, 10, 12);
  EXPECT_EQ(repeat(job, 60, 6).state, DetectorState::ok);  // × 6, but 50 MiB
  JobFacts& large = add_job("large");
  repeat(large, 1000, 12);
  EXPECT_EQ(repeat(large, 1400, 6).state, DetectorState::ok);  // 400 MiB, but × 1.4
}

TEST_F(CheckpointSizeOutlier, SavepointsAreNoOutliers) {
  JobFacts& job = add_job("profiles");
  repeat(job, 100, 12);
  for (int i = 0; i < 4; ++i) {
    take(job, 900).savepoint = true;
    EXPECT_EQ(judge(job).state, DetectorState::ok);
  }
}

TEST_F(CheckpointSizeOutlier, AReuploadIsNoOutlier) {
  JobFacts& job = add_job("profiles");
  for (int i = 0; i < 12; ++i) {
    take(job, 500).checkpointed_size = 5 * kMiB;
    judge(job);
  }
  for (int i = 0; i < 4; ++i) {  // compaction: everything is written anew, the state is the same
    take(job, 510).checkpointed_size = 500 * kMiB;
    EXPECT_EQ(judge(job).state, DetectorState::ok);
  }
}

TEST_F(CheckpointSizeOutlier, InFlightDataIsAdviceOnly) {
  JobFacts& job = add_job("orders");
  repeat(job, 100, 12);
  Verdict verdict;
  for (int i = 0; i < 4; ++i) {
    take(job, 700).persisted_data = 600 * kMiB;
    verdict = judge(job);
  }
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::info);
}

TEST_F(CheckpointSizeOutlier, AYoungJobFillsInPeace) {
  JobFacts& job = add_job("fresh", 0);
  for (int i = 1; i < 120; ++i) {
    EXPECT_TRUE(grow(job, 40.0 * i).findings.empty()) << i;
  }
  EXPECT_TRUE(repeat(job, 4800, 40).findings.empty());
}

TEST_F(CheckpointSizeOutlier, AnEmptyYoungJobIsStillLearning) {
  JobFacts& job = add_job("late", 0);
  repeat(job, 0.01, 8);
  EXPECT_EQ(repeat(job, 300, 3).state, DetectorState::learning);
}

TEST_F(CheckpointSizeOutlier, TheDailyWaveIsQuiet) {
  JobFacts& job = add_job("tides");
  for (int minute = 0; minute < 3 * 24 * 60; minute += 5) {
    fake_.now += 4 * kMinuteMs;
    const double wave = 1 - std::cos(2 * 3.14159265 * minute / (24 * 60));
    const double jitter = 1 + 0.05 * ((minute * 7919) % 100 - 50) / 50;
    EXPECT_TRUE(grow(job, (200 + 400 * wave) * jitter).findings.empty()) << minute;
  }
}

TEST_F(CheckpointSizeOutlier, AWindowThatEmptiesEveryHourIsQuiet) {
  JobFacts& job = add_job("windows");
  for (int minute = 0; minute < 12 * 60; ++minute) {
    EXPECT_TRUE(grow(job, 20 + 10.0 * (minute % 60)).findings.empty()) << minute;
  }
}

TEST_F(CheckpointSizeOutlier, StaysForHoursThenIsTheNewNormal) {
  JobFacts& job = add_job("profiles");
  repeat(job, 100, 60);
  for (int minute = 1; minute < 6 * 60; ++minute) {
    const Verdict verdict = grow(job, 300);
    if (minute >= 3) {
      ASSERT_EQ(verdict.findings.size(), 1U) << minute;
    }
  }
  EXPECT_EQ(repeat(job, 300, 24 * 60).state, DetectorState::ok);
  EXPECT_EQ(repeat(job, 900, 3).findings.size(), 1U);  // and the next jump counts from there
}

TEST_F(CheckpointSizeOutlier, AfterARestartItIsOnlySuspected) {
  JobFacts& job = add_job("profiles");
  repeat(job, 100, 12);
  job.state_since["RUNNING"] = fake_.now;
  EXPECT_EQ(repeat(job, 400, 3).findings.at(0).confidence, Confidence::suspected);
}

TEST_F(CheckpointSizeOutlier, ThinEvidenceIsSilent) {
  JobFacts& job = add_job("profiles");
  EXPECT_EQ(repeat(job, 100, 5).state, DetectorState::learning);
  EXPECT_EQ(repeat(job, 900, 3).state, DetectorState::learning);
}

TEST_F(CheckpointSizeOutlier, JudgesFromFlinksTenAlone) {
  fake_.one_shot = true;
  JobFacts& job = add_job("profiles");
  std::vector<CheckpointRecord> ten;
  for (int i = 0; i < 10; ++i) ten.push_back(take(job, i < 7 ? 50 : 400));
  job.checkpoints = ten;
  EXPECT_EQ(fake_.judge(detectors::checkpoint_size_outlier).findings.size(), 1U);
}

TEST_F(CheckpointSizeOutlier, FarAbovePeersIsAdvice) {
  for (const char* name : {"a", "b", "c", "d"}) repeat(add_job(name), 20, 9);
  const Verdict verdict = repeat(add_job("big"), 300, 9);
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::info);
  EXPECT_EQ(verdict.findings[0].subject.job_name, "big");
}

TEST_F(CheckpointSizeOutlier, OldIncrementalSizesAreNotBelieved) {
  fake_.facts.version = FlinkVersion{1, 14, "1.14.6"};
  fake_.facts.configuration["state.backend.incremental"] = "true";
  EXPECT_EQ(repeat(add_job("old"), 10, 12).state, DetectorState::blind);
}

}  // namespace
}  // namespace doctor
