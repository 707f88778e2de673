// What scenarios cannot draw: sources that tell nonsense, or in part.
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/fake_features.hpp"

namespace doctor {

namespace detectors {
extern const Detector catch_up;
}

namespace {

constexpr DurationMs kStep = kMinuteMs;

class CatchUpTest : public testing::Test {
 protected:
  CatchUpTest() {
    JobFacts& job = fake.job("1", "orders", "RUNNING", fake.now - 5 * kDayMs);
    job.vertices = {{"a", "source", 2, 128, "RUNNING", {}, {}},
                    {"b", "sink", 2, 128, "RUNNING", {{"a", "HASH"}}, {}}};
    for (std::uint32_t s = 0; s < 2; ++s) {
      tasks.push_back(fake.subtask("1", "a", s));
      operators.push_back(fake.entities.intern(Level::operator_, tasks.back(), "Source"));
    }
  }
  /// 500 records a second are sent by each; floors of a rate are of the rate itself.
  void pass(DurationMs ms, Metric metric, std::size_t tellers, double (*lag)(double hours)) {
    const TimestampMs begin = fake.now - ms;
    for (TimestampMs at = begin; at <= fake.now; at += kStep) {
      const double hours = static_cast<double>(at - begin) / kHourMs;
      for (std::size_t s = 0; s < tellers; ++s)
        fake.features.put(metric, operators[s], at, lag(hours));
      for (const EntityId task : tasks) fake.features.put(Metric::task_records_out, task, at, 500);
    }
  }
  Verdict judge() { return fake.judge(detectors::catch_up); }

  FakeCluster fake;
  std::vector<EntityId> tasks, operators;
};

double grows(double hours) { return hours < 24 ? 10 : 10 + 600'000 * (hours - 24); }
double stays(double) { return 2'000'000; }

TEST_F(CatchUpTest, GrowthOfWhatSomeSubtasksTellIsEnough) {
  pass(28 * kHourMs, Metric::source_pending_records, 1, grows);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].severity, Severity::warning);
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::confirmed);
  EXPECT_FALSE(verdict.findings[0].forecast);  // nobody knows the retention
}

TEST_F(CatchUpTest, WithARetentionItsLossIsForeseen) {
  pass(28 * kHourMs, Metric::source_pending_records, 2, grows);
  const std::map<std::string, double> overrides{{"retention_ms", 7.0 * kDayMs}};
  const Verdict verdict = fake.judge(detectors::catch_up, &overrides);
  ASSERT_EQ(verdict.findings.size(), 1U);
  ASSERT_TRUE(verdict.findings[0].forecast);
  // 4 h × 1.2 million wait, 1,000 a second are read: 80 min behind, and 20 min an hour more.
  const double hours =
      static_cast<double>(*verdict.findings[0].forecast->exhausted_at - fake.now) / kHourMs;
  EXPECT_NEAR(hours, (7 * 24 - 4.0 / 3) * 3, 10);
}

TEST_F(CatchUpTest, AShardIsBehindInTime) {
  for (EntityId& op : operators) op = fake.entities.intern(Level::split, op, "shard-1");
  pass(28 * kHourMs, Metric::kinesis_millis_behind, 2,
       [](double hours) { return hours < 24 ? 10.0 : 0.25 * (hours - 24) * kHourMs; });
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_NE(verdict.findings[0].summary.find("of input behind"), std::string::npos);
}

TEST_F(CatchUpTest, ABacklogOfADayThatStaysIsSuspected) {
  pass(30 * kHourMs, Metric::kafka_records_lag_max, 2, stays);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::suspected);
}

TEST_F(CatchUpTest, ANumberBeyondAllBoundsHarmsNobody) {
  pass(28 * kHourMs, Metric::source_pending_records, 2,
       [](double hours) { return hours < 24 ? 0.0 : std::numeric_limits<double>::max() / 1e3; });
  for (const Finding& finding : judge().findings) EXPECT_FALSE(finding.summary.empty());
}

TEST_F(CatchUpTest, OldFiguresAreNoPresent) {
  pass(28 * kHourMs, Metric::source_pending_records, 2, grows);
  fake.now += kHourMs;
  const Verdict verdict = judge();
  EXPECT_TRUE(verdict.findings.empty());
  EXPECT_EQ(verdict.state, DetectorState::blind);
  EXPECT_FALSE(verdict.enable.empty()) << "Kinesis' lag is told by reporters alone";
}

TEST_F(CatchUpTest, ASingleLookLearns) {
  fake.one_shot = true;
  fake.features.put(Metric::source_pending_records, operators[0], fake.now, 1e9);
  EXPECT_EQ(judge().state, DetectorState::learning);
}

}  // namespace
}  // namespace doctor
