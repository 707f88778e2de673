// What is told to an Alertmanager member, and when: the pure part.
#include "agent/delivery/alert_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;

View with(std::vector<ReportedFinding> findings, TimestampMs at = kNow) {
  View view = one_cluster();
  view.generated_at = at;
  view.findings = std::move(findings);
  return view;
}

TEST(Alert, IsNamedAfterTheDetector) {
  EXPECT_EQ(alert_name("metaspace_leak"), "FlinkMetaspaceLeak");
  EXPECT_EQ(alert_name("job_down"), "FlinkJobDown");
  EXPECT_EQ(alert_name("_x__1\n"), "FlinkX1");
}

TEST(Alert, BodyIsWhatAlertmanagerReads) {
  const auto alerts = alerts_of(with({leak()}), 20);
  EXPECT_EQ(
      alerts_json(alerts, kNow + 4 * kMinuteMs),
      R"([{"labels":{"alertname":"FlinkMetaspaceLeak","cluster":"prod","detector":"metaspace_leak",)"
      R"("host":"host-3","process":"taskmanager","severity":"critical"},)"
      R"("annotations":{"confidence":"imminent",)"
      R"("description":"Metaspace grew by 18 MiB at each of 8 submissions. )"
      R"(This buys time until the leak is fixed. )"
      R"(Set taskmanager.memory.jvm-metaspace.size: 512m (now 256m). )"
      R"(Next test: Run jcmd 1 GC.run and look at classes unloaded.",)"
      R"("finding_id":"metaspace_leak/prod/////host-3/taskmanager",)"
      R"("flink_url":"http://jm:8081","runbook":"detectors/metaspace_leak.md",)"
      R"("summary":"Classes of finished jobs stay loaded.","task_manager":"host-3:35211-ab12"},)"
      R"("startsAt":"2026-11-21T08:21:20.000Z","endsAt":"2026-11-21T08:37:20.000Z",)"
      R"("generatorURL":"http://jm:8081"}])");
}

TEST(Alert, IdentityHoldsNothingThatChanges) {
  ReportedFinding later = leak();
  later.finding.evidence.front().value = 2e8;
  later.finding.summary = "other";
  later.finding.confidence = Confidence::confirmed;
  later.finding.subject.task_manager = "host-3:1-new";
  later.finding.subject.job_id = std::string(32, 'a');
  later.finding.subject.subtask = 4;
  EXPECT_EQ(alert_labels(later), alert_labels(leak()));
  EXPECT_EQ(alert_annotations(later, "http://jm:8081/").at("flink_url"),
            "http://jm:8081/#/job/running/" + std::string(32, 'a') + "/overview");
}

TEST(Alert, NeverTellsInfoNorWhatIsPending) {
  ReportedFinding pending = leak("b");
  pending.state = FindingState::pending;
  EXPECT_TRUE(alerts_of(with({leak("a", Severity::info), pending}), 20).empty());
}

TEST(Alert, OwnerLabelsAreMadeLegalAndNeverOverrideOurs) {
  ReportedFinding owned = leak();
  owned.labels = {{"team-name", "stream"}, {"9x", "1"},  {"severity", "none"},
                  {"cluster", "fake"},     {"job", "x"}, {"empty", ""}};
  const AlertLabels labels = alert_labels(owned);
  EXPECT_EQ(labels.at("team_name"), "stream");
  EXPECT_EQ(labels.at("_9x"), "1");
  EXPECT_EQ(labels.at("severity"), "critical");
  EXPECT_EQ(labels.at("cluster"), "prod");
  EXPECT_FALSE(labels.contains("job"));  // the finding has none
  EXPECT_FALSE(labels.contains("empty"));
}

TEST(Alert, CleansHostileNames) {
  const std::string body = alerts_json(alerts_of(hostile_view(), 20), kNow);
  EXPECT_TRUE(is_clean(body, false));
  EXPECT_EQ(body.find("generatorURL"), std::string::npos);  // would be refused as no URI
  EXPECT_THAT(body, HasSubstr("\"job\":\"a\\\"b\\\\c d  [31m"));
}

TEST(Alert, TwoEqualFindingsAreOneAlert) {
  ReportedFinding older = leak();
  older.since -= kHourMs;
  ReportedFinding over = leak();
  over.state = FindingState::resolved;
  over.resolved_at = kNow;
  const auto alerts = alerts_of(with({over, leak(), older}), 20);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts.front().starts_at, older.since);
  EXPECT_FALSE(alerts.front().resolved_at);
}

TEST(Alert, AStormIsAFewAlertsAndNMore) {
  std::vector<ReportedFinding> storm;
  for (int i = 0; i < 200; ++i) {
    storm.push_back(leak("host-" + std::to_string(i)));
    storm.back().since = kNow - i;  // host-199 is the oldest
    storm.back().labels = {{"team", "stream"}, {"rack", std::to_string(i % 2)}};
  }
  const auto alerts = alerts_of(with(storm), 20);
  ASSERT_EQ(alerts.size(), 21U);
  int more = 0;
  for (const Alert& alert : alerts) {
    if (!alert.labels.contains("more")) {
      EXPECT_LE(alert.starts_at, kNow - 180);
      continue;
    }
    ++more;
    EXPECT_EQ(alert.annotations.at("summary"), "metaspace_leak: 20 alerts and 180 more");
    EXPECT_EQ(alert.labels.at("team"), "stream");
    EXPECT_FALSE(alert.labels.contains("rack"));
    EXPECT_FALSE(alert.labels.contains("host"));
  }
  EXPECT_EQ(more, 1);
}

TEST(AlertState, TellsAtOnceThenRepeats) {
  AlertState state;
  state.absorb(with({leak()}));
  auto due = state.due(kNow);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(state.due(kNow + 1).size(), 1U) << "until the member took it";
  state.sent(due, kNow + 1);
  ReportedFinding changed = leak();
  changed.finding.summary = "measured anew";
  state.absorb(with({changed}));
  EXPECT_TRUE(state.due(kNow + 59 * kSecondMs).empty()) << "new figures can wait";
  due = state.due(kNow + 61 * kSecondMs);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due.front().annotations.at("summary"), "measured anew");
  EXPECT_EQ(due.front().starts_at, leak().since);
}

TEST(AlertState, TellsAResolvedOneForAQuarterOfAnHour) {
  AlertState state;
  state.absorb(with({leak()}));
  state.sent(state.due(kNow), kNow);
  ReportedFinding over = leak();
  over.state = FindingState::resolved;
  over.resolved_at = kNow + kSecondMs;
  state.absorb(with({over}));
  int told = 0;
  for (TimestampMs now = kNow + 2 * kSecondMs; now < kNow + kHourMs; now += kSecondMs) {
    const auto due = state.due(now);
    for (const Alert& alert : due) EXPECT_EQ(alert.resolved_at, kNow + kSecondMs);
    told += static_cast<int>(due.size());
    state.sent(due, now);
  }
  EXPECT_EQ(told, 15);
  EXPECT_EQ(state.size(), 0U);
}

TEST(AlertState, AnotherSeverityResolvesTheOldLabels) {
  AlertState state;
  state.absorb(with({leak("h", Severity::warning)}));
  state.sent(state.due(kNow), kNow);
  state.absorb(with({leak("h", Severity::critical)}, kNow + 5));
  const auto due = state.due(kNow + 5);
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].labels.at("severity"), "critical");
  EXPECT_FALSE(due[0].resolved_at);
  EXPECT_EQ(due[0].starts_at, leak().since);
  EXPECT_EQ(due[1].labels.at("severity"), "warning");
  EXPECT_EQ(due[1].resolved_at, kNow + 5);
}

TEST(AlertState, FiringAgainIsToldAtOnce) {
  AlertState state;
  state.absorb(with({leak()}));
  state.absorb(with({}));
  state.sent(state.due(kNow), kNow);
  ReportedFinding again = leak();
  again.since = kNow + 1;
  state.absorb(with({again}));
  const auto due = state.due(kNow + 2);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due.front().starts_at, kNow + 1);
  EXPECT_FALSE(due.front().resolved_at);
}

TEST(AlertState, ARefusedOneWaitsForOtherContent) {
  AlertState state;
  state.absorb(with({leak()}));
  const Alert alert = state.due(kNow).front();
  EXPECT_TRUE(state.rejected(alert, kNow));
  EXPECT_TRUE(state.due(kNow + kHourMs).empty());
  ReportedFinding changed = leak();
  changed.finding.summary = "other";
  state.absorb(with({changed}));
  EXPECT_TRUE(state.due(kNow + 1).empty()) << "no faster than repeats";
  ASSERT_EQ(state.due(kNow + kMinuteMs).size(), 1U);
  EXPECT_FALSE(state.rejected(state.due(kNow + kMinuteMs).front(), kNow + kMinuteMs))
      << "logged once";
}

TEST(AlertState, StaysFlatWhileNobodyTakesAnything) {
  AlertPace pace;
  pace.entries_max = 50;
  AlertState state(pace);
  for (int round = 0; round < 500; ++round) {  // new hosts all the time, none ever delivered
    const TimestampMs now = kNow + round * kSecondMs;
    state.absorb(with({leak("host-" + std::to_string(round)), leak("stays")}, now));
    EXPECT_LE(state.size(), 50U);
  }
  const auto due = state.due(kNow + 500 * kSecondMs);
  bool firing_kept = false;
  for (const Alert& alert : due) {
    firing_kept = firing_kept || (alert.labels.at("host") == "stays" && !alert.resolved_at);
  }
  EXPECT_TRUE(firing_kept);
}

TEST(Backoff, DoublesToAMinuteWithJitter) {
  Backoff backoff(1);
  DurationMs full = kSecondMs;
  for (int i = 0; i < 20; ++i) {
    const DurationMs wait = backoff.next_ms();
    EXPECT_GE(wait, full / 2);
    EXPECT_LE(wait, full);
    full = std::min<DurationMs>(full * 2, kMinuteMs);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), kSecondMs);
}

}  // namespace
}  // namespace doctor::test
