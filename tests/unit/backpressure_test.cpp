#include <gtest/gtest.h>

#include "detectors/registry.hpp"
#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace detectors {
extern const Detector backpressure;
}

namespace {

struct Shares {
  double busy, backpressured;
};

/// source → parse → enrich → sink, two subtasks each, sampled every 15 s.
class Backpressure : public testing::Test {
 protected:
  Backpressure() : job_(fake_.job("j1", "orders", "RUNNING", fake_.now - kHourMs)) {
    std::string before;
    for (const char* name : {"source", "parse", "enrich", "sink"}) {
      VertexFacts vertex;
      vertex.id = vertex.name = name;
      vertex.parallelism = 2;
      vertex.max_parallelism = 128;
      if (!before.empty()) vertex.inputs.push_back({before, "HASH"});
      before = name;
      job_.vertices.push_back(vertex);
    }
    job_.all_tasks_running_since = job_.start;
  }
  /// `ms` more in the life of a subtask.
  void pass(const std::string& vertex, std::uint32_t subtask, Shares shares, DurationMs ms) {
    const EntityId entity = fake_.subtask("j1", vertex, subtask);
    auto& times = times_[entity];
    const auto span = static_cast<double>(ms);
    times[0] += shares.busy * span;
    times[1] += shares.backpressured * span;
    times[2] += (1 - shares.busy - shares.backpressured) * span;
    if (legacy_ != vertex) put(Metric::task_accumulated_busy, entity, times[0]);
    put(Metric::task_accumulated_backpressured, entity, times[1]);
    put(Metric::task_accumulated_idle, entity, times[2]);
  }
  void put(Metric metric, EntityId entity, double value) {
    fake_.features.put(metric, entity, fake_.now, value);
  }
  using Picture = std::map<std::string, std::pair<Shares, Shares>>;
  void run(const Picture& picture, DurationMs ms) {
    for (DurationMs past = 0; past < ms; past += 15 * kSecondMs) {
      fake_.now += 15 * kSecondMs;
      for (const auto& [vertex, shares] : picture) {
        pass(vertex, 0, shares.first, 15 * kSecondMs);
        pass(vertex, 1, shares.second, 15 * kSecondMs);
      }
    }
  }
  Verdict judge() { return fake_.judge(detectors::backpressure); }
  static std::string text(const Finding& finding) {
    std::string all = finding.summary;
    for (const Evidence& evidence : finding.evidence) all += "\n" + evidence.sentence;
    return all;
  }

  FakeCluster fake_;
  JobFacts& job_;
  std::map<EntityId, std::array<double, 3>> times_;
  std::string legacy_;
};

const std::pair<Shares, Shares> kCalm{{0.3, 0}, {0.3, 0}};
const std::pair<Shares, Shares> kHeld{{0.02, 0.97}, {0.02, 0.97}};
const std::pair<Shares, Shares> kBusy{{0.99, 0}, {0.98, 0}};

const std::map<std::string, std::pair<Shares, Shares>> kSlowEnrich{
    {"source", kHeld}, {"parse", kHeld}, {"enrich", kBusy}, {"sink", kCalm}};
const std::map<std::string, std::pair<Shares, Shares>> kHealthy{
    {"source", kCalm}, {"parse", kCalm}, {"enrich", kCalm}, {"sink", kCalm}};

TEST_F(Backpressure, NamesTheCauseAndNotItsVictims) {
  run(kSlowEnrich, 6 * kMinuteMs);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  const Finding& finding = verdict.findings[0];
  EXPECT_EQ(finding.subject.vertex, "enrich");
  EXPECT_EQ(finding.severity, Severity::warning);
  EXPECT_EQ(finding.confidence, Confidence::confirmed);
  EXPECT_NE(text(finding).find("held up: source 97 %, parse 97 %"), std::string::npos)
      << text(finding);
  EXPECT_EQ(finding.remedy.at(0).value, "3");
}

TEST_F(Backpressure, FiresWithinFiveMinutesOfTheStart) {
  job_.start = fake_.now;
  job_.state_since["RUNNING"] = fake_.now;
  job_.all_tasks_running_since = fake_.now;
  const TimestampMs onset = fake_.now;
  while (judge().findings.empty() && fake_.now < onset + 10 * kMinuteMs) {
    run(kSlowEnrich, 15 * kSecondMs);
    if (fake_.now < onset + 2 * kMinuteMs) {
      EXPECT_EQ(judge().state, DetectorState::learning);
    }
  }
  EXPECT_LE(fake_.now - onset, 5 * kMinuteMs);
}

TEST_F(Backpressure, FiresWithinFiveMinutesOfALateOnsetAndEnds) {
  run(kHealthy, 8 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
  const TimestampMs onset = fake_.now;
  while (judge().findings.empty() && fake_.now < onset + 10 * kMinuteMs) {
    run(kSlowEnrich, 15 * kSecondMs);
  }
  EXPECT_LE(fake_.now - onset, 4 * kMinuteMs);
  run(kHealthy, 5 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(Backpressure, TheSinkCanBeTheCause) {
  run({{"source", kHeld}, {"parse", kHeld}, {"enrich", kHeld}, {"sink", kBusy}}, 6 * kMinuteMs);
  EXPECT_EQ(judge().findings.at(0).subject.vertex, "sink");
}

TEST_F(Backpressure, OneHotSubtaskIsEnoughAndIsSkewWhenItGetsTheRecords) {
  double cold = 0;
  double hot = 0;
  for (int i = 0; i < 24; ++i) {
    run({{"source", {{0.1, 0.2}, {0.1, 0.15}}},
         {"parse", {{0.1, 0.5}, {0.1, 0.4}}},
         {"enrich", {{0.1, 0}, {0.99, 0}}},
         {"sink", kCalm}},
        15 * kSecondMs);
    put(Metric::task_records_in, fake_.subtask("j1", "enrich", 0), cold += 1500);
    put(Metric::task_records_in, fake_.subtask("j1", "enrich", 1), hot += 15000);
  }
  const Finding finding = judge().findings.at(0);
  EXPECT_EQ(finding.subject.vertex, "enrich");
  EXPECT_EQ(finding.subject.subtask, 1);
  EXPECT_NE(text(finding).find("keys are skewed"), std::string::npos) << text(finding);
}

TEST_F(Backpressure, BusyWithoutComputingIsWaiting) {
  const EntityId tm = fake_.task_manager("tm-1", "h1");
  double cpu = 0;
  for (int i = 0; i < 24; ++i) {
    run(kSlowEnrich, 15 * kSecondMs);
    put(Metric::jvm_cpu_time, tm, cpu += 0.2 * 15e9);
  }
  for (const std::uint32_t subtask : {0U, 1U}) {
    fake_.features.place(fake_.subtask("j1", "enrich", subtask), tm);
  }
  const std::string told = text(judge().findings.at(0));
  EXPECT_NE(told.find("busy without computing"), std::string::npos) << told;
}

TEST_F(Backpressure, RivalsAreBothNamed) {
  for (VertexFacts& vertex : job_.vertices) {
    if (vertex.name == "sink") vertex.inputs = {{"parse", "HASH"}};
  }
  run({{"source", kHeld}, {"parse", kHeld}, {"enrich", kBusy}, {"sink", kBusy}}, 6 * kMinuteMs);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 2U);
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::suspected);
}

TEST_F(Backpressure, BusyWithoutVictimsIsHealth) {
  run({{"source", kCalm}, {"parse", kCalm}, {"enrich", kBusy}, {"sink", kCalm}}, 6 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(Backpressure, ShortBurstsAreHealth) {
  for (int i = 0; i < 3; ++i) {
    run(kSlowEnrich, 15 * kSecondMs);
    run(kHealthy, 4 * kMinuteMs);
    EXPECT_EQ(judge().state, DetectorState::ok);
  }
}

TEST_F(Backpressure, ALegacySourceWithoutBusyTimeIsStillAVictim) {
  legacy_ = "source";
  run(kSlowEnrich, 6 * kMinuteMs);
  EXPECT_EQ(judge().findings.at(0).subject.vertex, "enrich");
}

TEST_F(Backpressure, FrozenFiguresAreNoEvidence) {
  run(kSlowEnrich, 90 * kSecondMs);
  for (int i = 0; i < 20; ++i) {  // REST repeats itself
    fake_.now += 15 * kSecondMs;
    for (const auto& [entity, times] : times_) {
      put(Metric::task_accumulated_busy, entity, times[0]);
      put(Metric::task_accumulated_backpressured, entity, times[1]);
      put(Metric::task_accumulated_idle, entity, times[2]);
    }
  }
  EXPECT_EQ(judge().state, DetectorState::learning);
}

TEST_F(Backpressure, OldFiguresAreBlindAndNoneAreToo) {
  EXPECT_EQ(judge().state, DetectorState::blind);
  EXPECT_FALSE(judge().enable.empty());
  run(kSlowEnrich, 6 * kMinuteMs);
  fake_.now += 5 * kMinuteMs;
  EXPECT_EQ(judge().state, DetectorState::blind);
}

TEST_F(Backpressure, CountersThatFallBeginAnew) {
  run(kHealthy, 3 * kMinuteMs);
  times_.clear();  // a new attempt of every task
  run(kHealthy, 3 * kMinuteMs);
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(Backpressure, AfterARestartItIsAdviceForAWhile) {
  job_.state_since["RESTARTING"] = fake_.now - 10 * kSecondMs;
  job_.state_since["RUNNING"] = fake_.now;
  run(kSlowEnrich, 6 * kMinuteMs);
  EXPECT_EQ(judge().findings.at(0).severity, Severity::info);
  run(kSlowEnrich, 12 * kMinuteMs);
  EXPECT_EQ(judge().findings.at(0).severity, Severity::warning);
}

TEST_F(Backpressure, WhatIsReadAfterARestartIsAdviceAsLongAsItDrains) {
  job_.state_since["RESTARTING"] = fake_.now - 10 * kSecondMs;
  job_.state_since["RUNNING"] = fake_.now;
  double waiting = 1.2e6;  // drained after 50 min
  const auto run_draining = [&](int quarters, double step) {
    for (int i = 0; i < quarters; ++i) {
      run(kSlowEnrich, 15 * kSecondMs);
      waiting = std::max(0.0, waiting - step);
      for (const std::uint32_t subtask : {0U, 1U}) {
        const EntityId source = fake_.entities.intern(
            Level::operator_, fake_.subtask("j1", "source", subtask), "Source");
        put(Metric::source_pending_records, source, waiting / 2);
      }
    }
  };
  run_draining(100, 6000);
  const Finding drains = judge().findings.at(0);
  EXPECT_EQ(drains.severity, Severity::info) << text(drains);
  EXPECT_NE(text(drains).find("it catches up"), std::string::npos) << text(drains);
  run_draining(40, -6000);  // now more comes than it takes
  const Finding overload = judge().findings.at(0);
  EXPECT_EQ(overload.severity, Severity::warning) << text(overload);
  EXPECT_NE(text(overload).find("it does not keep up"), std::string::npos) << text(overload);
}

TEST_F(Backpressure, ADrainThatTakesHoursIsOverload) {
  job_.state_since["RESTARTING"] = fake_.now - 10 * kSecondMs;
  job_.state_since["RUNNING"] = fake_.now;
  for (int i = 0; i < 100; ++i) {
    run(kSlowEnrich, 15 * kSecondMs);
    for (const std::uint32_t subtask : {0U, 1U}) {
      const EntityId source =
          fake_.entities.intern(Level::operator_, fake_.subtask("j1", "source", subtask), "Source");
      put(Metric::source_pending_records, source, 1e9 - 6000.0 * i);
    }
  }
  EXPECT_EQ(judge().findings.at(0).severity, Severity::warning);
}

TEST_F(Backpressure, OneBurstOfMinutesPassesAndPulsesDoNot) {
  run(kHealthy, 8 * kMinuteMs);
  for (int i = 0; i < 10; ++i) {
    run(kSlowEnrich, 15 * kSecondMs);
    EXPECT_TRUE(judge().findings.empty()) << i;
  }
  for (int i = 0; i < 24; ++i) {
    run(kHealthy, 15 * kSecondMs);
    EXPECT_TRUE(judge().findings.empty()) << i;
  }
  for (int i = 0; i < 4; ++i) {
    run(kSlowEnrich, 45 * kSecondMs);
    run(kHealthy, 45 * kSecondMs);
  }
  EXPECT_FALSE(judge().findings.empty());
}

TEST_F(Backpressure, OneThatHasIdleTimeIsNoRivalOfOneThatHasNone) {
  job_.vertices[3].inputs = {{"parse", "HASH"}};
  run({{"source", kHeld},
       {"parse", kHeld},
       {"enrich", {{0.995, 0}, {0.99, 0}}},
       {"sink", {{0.94, 0}, {0.93, 0}}}},
      6 * kMinuteMs);
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].subject.vertex, "enrich");
}

TEST_F(Backpressure, AmongLookAlikesTheOneThatIsNeverIdleWhileTheyWaitIsNamed) {
  job_.vertices[3].inputs = {{"parse", "HASH"}};
  run(kHealthy, 3 * kMinuteMs);
  for (const double noise :
       {0.0, 0.006, -0.004, 0.002, -0.006, 0.004, 0.0, -0.002, 0.005, -0.005}) {
    const double look_alike = 0.968 + noise;
    const double limit = 0.988 - noise / 2;
    run({{"source", kHeld},
         {"parse", kHeld},
         {"enrich", {{limit, 0}, {0.9, 0}}},
         {"sink", {{look_alike, 0}, {0.9, 0}}}},
        30 * kSecondMs);
  }
  const Verdict verdict = judge();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].subject.vertex, "enrich");
  EXPECT_EQ(verdict.findings[0].confidence, Confidence::confirmed);
}

TEST_F(Backpressure, ASourceAtItsLimitIsAdvice) {
  run({{"source", kBusy}, {"parse", kCalm}, {"enrich", kCalm}, {"sink", kCalm}}, 6 * kMinuteMs);
  const Finding finding = judge().findings.at(0);
  EXPECT_EQ(finding.severity, Severity::info);
  EXPECT_EQ(finding.subject.vertex, "source");
}

TEST_F(Backpressure, AJobThatRestartsIsLeftAsItWas) {
  job_.state = "RESTARTING";
  EXPECT_EQ(judge().unjudged, std::vector<std::string>{"orders"});
}

TEST_F(Backpressure, OneShotJudgesFromTwoPollsAndTheWholeLife) {
  fake_.one_shot = true;
  run(kSlowEnrich, 15 * kSecondMs);
  EXPECT_EQ(judge().state, DetectorState::learning);
  run(kSlowEnrich, 15 * kSecondMs);
  EXPECT_EQ(judge().findings.at(0).confidence, Confidence::confirmed);
}

TEST_F(Backpressure, OneShotSuspectsWhatTheLifeDoesNotShow) {
  fake_.one_shot = true;
  for (const auto& [vertex, shares] : kHealthy) {
    pass(vertex, 0, shares.first, kHourMs);
    pass(vertex, 1, shares.second, kHourMs);
  }
  run(kSlowEnrich, 15 * kSecondMs);
  EXPECT_EQ(judge().findings.at(0).confidence, Confidence::suspected);
}

}  // namespace
}  // namespace doctor
