#include <gtest/gtest.h>

#include <algorithm>

#include "detectors/registry.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector checkpoint_slow;
}

namespace {

TEST(CheckpointSlow, TellsOfAllThatFlinkHasSeen) {
  FakeCluster fake;
  JobFacts& job = fake.job("j", "orders", "RUNNING", fake.now - kHourMs);
  job.checkpointing = Checkpointing::on;
  job.checkpoint_config = CheckpointConfig{};
  job.checkpoint_config->interval = kMinuteMs;
  job.checkpoint_config->timeout = kMinuteMs;
  for (int i = 0; i < 3; ++i) {
    CheckpointRecord& record = job.checkpoints.emplace_back();
    record.id = i + 1;
    record.status = CheckpointRecord::Status::completed;
    record.triggered = fake.now - (3 - i) * kMinuteMs;
    record.duration = 55 * kSecondMs;
  }
  job.checkpoint_counts = CheckpointCounts{0, 900, 0, 900, 0};
  job.checkpoint_summary = CheckpointSummary{CheckpointSpread{100, 56000, 900, 800, 50000}, {}, {}};
  const Verdict verdict = fake.judge(detectors::checkpoint_slow);
  ASSERT_EQ(verdict.findings.size(), 1U);
  const auto& all = verdict.findings[0].evidence;
  const auto line = std::find_if(all.begin(), all.end(), [](const Evidence& e) {
    return e.metric == "duration of all checkpoints";
  });
  ASSERT_NE(line, all.end());
  EXPECT_EQ(line->sentence,
            "half of all 900 checkpoints and savepoints since the JobMaster started up to 800 ms, "
            "99 % up to 50 s, the most 56 s");
}

}  // namespace
}  // namespace doctor
