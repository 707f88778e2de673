#include "agent/incidents/incidents.hpp"

#include <gtest/gtest.h>

namespace doctor {
namespace {

constexpr TimestampMs kStart = 1'000'000'000;

Verdict nothing(const Window&, const Params&) { return {}; }

const Detector kHeld{"held", "", Lane::page, 1000, 2 * kMinuteMs, 5 * kMinuteMs, {}, {}, nothing};
const Detector kPrompt{"prompt", "", Lane::page, 1000, 0, kMinuteMs, {}, {}, nothing};

Finding finding_of(const std::string& detector, const std::string& job,
                   Severity severity = Severity::warning) {
  Finding finding;
  finding.detector = detector;
  finding.severity = severity;
  finding.subject.cluster = "c";
  finding.subject.job_name = job;
  return finding;
}

Verdict verdict_of(const Finding& finding) {
  Verdict verdict;
  verdict.add(finding);
  return verdict;
}

class IncidentsTest : public testing::Test {
 protected:
  ReportedFinding only() const {
    const std::vector<ReportedFinding> all = incidents.report();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? ReportedFinding{} : all.front();
  }
  Limits limits;
  Incidents incidents{limits};
};

TEST_F(IncidentsTest, PendingUntilHeldThenFiringSinceItsFirstMoment) {
  const Verdict bad = verdict_of(finding_of("held", "orders"));
  incidents.update(kHeld, "c", bad, kStart, false);
  EXPECT_EQ(only().state, FindingState::pending);
  incidents.update(kHeld, "c", bad, kStart + kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::pending);
  incidents.update(kHeld, "c", bad, kStart + 2 * kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::firing);
  EXPECT_EQ(only().since, kStart);
}

TEST_F(IncidentsTest, OneShotHoldsNothingBack) {
  incidents.update(kHeld, "c", verdict_of(finding_of("held", "orders")), kStart, true);
  EXPECT_EQ(only().state, FindingState::firing);
}

TEST_F(IncidentsTest, ResolvesOnlyAfterStayingAwayAndStartsAnewAfterwards) {
  const Verdict bad = verdict_of(finding_of("prompt", "orders"));
  incidents.update(kPrompt, "c", bad, kStart, false);
  incidents.update(kPrompt, "c", {}, kStart + 30 * kSecondMs, false);
  EXPECT_EQ(only().state, FindingState::firing);
  incidents.update(kPrompt, "c", {}, kStart + kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::resolved);
  EXPECT_EQ(only().resolved_at, kStart + kMinuteMs);
  incidents.update(kPrompt, "c", bad, kStart + 3 * kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::firing);
  EXPECT_EQ(only().since, kStart + 3 * kMinuteMs);
}

TEST_F(IncidentsTest, BlindnessIsNoRecovery) {
  incidents.update(kPrompt, "c", verdict_of(finding_of("prompt", "orders")), kStart, false);
  const Verdict blind = Verdict::blind("the cluster does not answer");
  incidents.update(kPrompt, "c", blind, kStart + 10 * kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::firing);
  incidents.update(kPrompt, "c", blind, kStart + 40 * kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::resolved) << "nobody has seen it for too long";
}

TEST_F(IncidentsTest, ASubjectThatWasNotJudgedStays) {
  incidents.update(kPrompt, "c", verdict_of(finding_of("prompt", "orders")), kStart, false);
  Verdict partial;
  partial.unjudged = {"orders"};
  incidents.update(kPrompt, "c", partial, kStart + 5 * kMinuteMs, false);
  EXPECT_EQ(only().state, FindingState::firing);
}

TEST_F(IncidentsTest, SeverityRisesAtOnceAndFallsOnlyWhenItStaysLower) {
  incidents.update(kPrompt, "c", verdict_of(finding_of("prompt", "orders")), kStart, false);
  incidents.update(kPrompt, "c", verdict_of(finding_of("prompt", "orders", Severity::critical)),
                   kStart + 1000, false);
  EXPECT_EQ(only().finding.severity, Severity::critical);
  const Verdict lower = verdict_of(finding_of("prompt", "orders"));
  incidents.update(kPrompt, "c", lower, kStart + 2000, false);
  EXPECT_EQ(only().finding.severity, Severity::critical);
  incidents.update(kPrompt, "c", lower, kStart + 1000 + kMinuteMs, false);
  EXPECT_EQ(only().finding.severity, Severity::warning);
}

TEST_F(IncidentsTest, AnotherClusterIsNotTouched) {
  incidents.update(kPrompt, "c", verdict_of(finding_of("prompt", "orders")), kStart, false);
  incidents.update(kPrompt, "other", {}, kStart + kHourMs, false);
  EXPECT_EQ(only().state, FindingState::firing);
}

TEST_F(IncidentsTest, AFloodIsCappedAndCounted) {
  Verdict flood;
  for (int i = 0; i < 1000; ++i) flood.add(finding_of("prompt", "job" + std::to_string(i)));
  incidents.update(kPrompt, "c", flood, kStart, false);
  EXPECT_EQ(incidents.report().size(), limits.findings_per_detector_max);
  EXPECT_EQ(incidents.dropped(), 1000 - limits.findings_per_detector_max);
}

TEST_F(IncidentsTest, AnEffectPointsToItsCause) {
  Detector restart = kPrompt;
  restart.name = "restart_loop";
  Detector absent = kPrompt;
  absent.name = "checkpoint_absent";
  incidents.update(restart, "c", verdict_of(finding_of("restart_loop", "orders")), kStart, false);
  incidents.update(absent, "c", verdict_of(finding_of("checkpoint_absent", "orders")), kStart,
                   false);
  incidents.explain();
  for (const ReportedFinding& reported : incidents.report()) {
    const bool is_effect = reported.finding.detector == "checkpoint_absent";
    EXPECT_EQ(reported.finding.explained_by, is_effect ? "restart_loop/c//orders" : "");
  }
}

TEST_F(IncidentsTest, SkewPointsToTheBackpressureOfItsVertexAndBackpressureToASlowHost) {
  const auto update = [&](const std::string& name, const std::string& vertex,
                          const std::string& host) {
    Finding finding = finding_of(name, "orders");
    finding.subject.vertex = vertex;
    finding.subject.host = host;
    if (!host.empty()) finding.subject.process = "taskmanager";
    Detector detector = kPrompt;
    detector.name = name;
    incidents.update(detector, "c", verdict_of(finding), kStart, false);
    incidents.explain();
  };
  const auto cause_of = [&](std::string_view detector) {
    for (const ReportedFinding& reported : incidents.report()) {
      if (reported.finding.detector == detector) return reported.finding.explained_by;
    }
    return std::string("not there");
  };
  update("backpressure", "map", "");
  update("data_skew", "window", "");
  EXPECT_EQ(cause_of("data_skew"), "") << "another vertex";
  update("slow_instance", "map", "");
  EXPECT_EQ(cause_of("slow_instance"), "backpressure/c//orders/map");
  EXPECT_EQ(cause_of("backpressure"), "") << "its own vertex' slow subtask is no other cause";
  update("slow_instance", "", "h2");
  EXPECT_EQ(cause_of("backpressure"), "slow_instance/c//orders///h2/taskmanager");
}

TEST_F(IncidentsTest, WhatIsSuspectedOfOneMoreTaskManagerPointsToTheFirst) {
  Detector leak = kPrompt;
  leak.name = "metaspace_leak";
  const auto on = [&](const std::string& host, Severity severity, Confidence confidence) {
    Finding finding = finding_of("metaspace_leak", "", severity);
    finding.subject.host = host;
    finding.subject.process = "taskmanager";
    finding.confidence = confidence;
    return finding;
  };
  const auto causes = [&](std::vector<Finding> findings, TimestampMs at) {
    Verdict verdict;
    for (Finding& finding : findings) verdict.add(std::move(finding));
    incidents.update(leak, "c", verdict, at, false);
    incidents.explain();
    std::string told;
    for (const ReportedFinding& reported : incidents.report()) {
      if (reported.state != FindingState::firing) continue;
      told += reported.finding.subject.host + ":" + reported.finding.explained_by + " ";
    }
    return told;
  };
  const Finding first = on("h2", Severity::warning, Confidence::suspected);
  EXPECT_EQ(causes({first}, kStart), "h2: ");
  EXPECT_EQ(causes({first, on("h1", Severity::warning, Confidence::suspected)}, kStart + 1000),
            "h1:metaspace_leak/c/////h2/taskmanager h2: ");
  const Finding second = on("h1", Severity::warning, Confidence::suspected);
  const Finding third = on("h3", Severity::warning, Confidence::suspected);
  EXPECT_EQ(causes({first, second, third}, kStart + 1500),
            "h1:metaspace_leak/c/////h2/taskmanager h2: h3:metaspace_leak/c/////h2/taskmanager ")
      << "and not to each other";
  EXPECT_EQ(causes({first, on("h1", Severity::critical, Confidence::imminent)}, kStart + 2000),
            "h1: h2: h3:metaspace_leak/c/////h2/taskmanager ")
      << "what is sure is told";
  const Finding advice = on("h2", Severity::info, Confidence::suspected);
  EXPECT_EQ(
      causes({advice, on("h3", Severity::warning, Confidence::suspected)}, kStart + 10 * kMinuteMs),
      "h2: h3: ")
      << "nobody was told of what is advice";
}

TEST_F(IncidentsTest, ARestoredFindingKeepsItsStart) {
  ReportedFinding remembered;
  remembered.finding = finding_of("prompt", "orders");
  remembered.state = FindingState::firing;
  remembered.since = kStart - kHourMs;
  incidents.restore(remembered, kStart);
  incidents.update(kPrompt, "c", verdict_of(finding_of("prompt", "orders")), kStart, false);
  EXPECT_EQ(only().since, kStart - kHourMs);
  EXPECT_EQ(only().state, FindingState::firing);
}

}  // namespace
}  // namespace doctor
