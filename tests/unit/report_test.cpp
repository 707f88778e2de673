#include "agent/delivery/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "agent/delivery/terminal.hpp"
#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Report, ReadsLikeADiagnosis) {
  EXPECT_EQ(text_report(sick_cluster(), {false, 90}),
            R"(prod  Flink 1.20.5  http://jm:8081  ok  2026-11-21 08:33:20 UTC

● CRITICAL metaspace_leak  TaskManager host-3  imminent, for 12 min
  Classes of finished jobs stay loaded.
  evidence  Metaspace grew by 18 MiB at each of 8 submissions.
  limit     256 MiB (taskmanager.memory.jvm-metaspace.size)
  forecast  exhausted in 60 min, at 2026-11-21 09:33:20 UTC; not before 2026-11-21
            09:03:20 UTC, possibly never
  set       taskmanager.memory.jvm-metaspace.size: 256m → 512m
            This buys time until the leak is fixed.
  next test Run jcmd 1 GC.run and look at classes unloaded.

Detectors
  firing       metaspace_leak
  cannot judge native_overrun     no reporter
  ok           backpressure
  learning     checkpoint_absent  4 min left

Sources
  up    rest      jm:8081
  down  reporter  tm:9249  refused: nothing listens on tm:9249

To see more of prod
  cannot judge native_overrun
    add to Flink's configuration:
      metrics.reporters: prom
      state.backend.rocksdb.metrics: x
  in part      backpressure
    add to Flink's configuration:
      metrics.reporters: prom

)");
}

TEST(Report, SaysSoWhenThereIsNothing) {
  EXPECT_EQ(text_report(View{}, {}), "No cluster is watched.\n");
  View view = one_cluster();
  view.clusters.front().detectors.clear();
  view.clusters.front().sources.clear();
  view.clusters.front().version.reset();
  view.clusters.front().status = ClusterStatus::leader_election;
  EXPECT_EQ(text_report(view, {}),
            "prod  http://jm:8081  leader election  2026-11-21 08:33:20 UTC\n\nNo finding.\n\n");
}

TEST(Report, SaysThatNothingIsRememberedWhileTheDiskFails) {
  View view = sick_cluster();
  EXPECT_THAT(text_report(view, {false, 90}), Not(HasSubstr("Not remembered")));
  view.agent.store_state = "/data/state.db: database or disk is full";
  const std::string text = text_report(view, {false, 90});
  EXPECT_THAT(text,
              HasSubstr("Not remembered on disk\n  /data/state.db: database or disk is full"));
  EXPECT_THAT(text, Not(HasSubstr("Not recorded")));
  view.agent.recorder_state = "the disk does not keep up";
  EXPECT_THAT(text_report(view, {false, 90}),
              HasSubstr("Not recorded\n  the disk does not keep up"));
}

TEST(Report, PutsTheWorstFirstAndTheResolvedLast) {
  View view = one_cluster();
  view.findings = {leak("a", Severity::info), leak("b", Severity::critical),
                   leak("c", Severity::warning), leak("d", Severity::critical)};
  view.findings[1].state = FindingState::resolved;
  view.findings[1].resolved_at = kNow;
  const std::string text = text_report(view, {});
  const auto at = [&](const char* what) { return text.find(what); };
  EXPECT_LT(at("TaskManager d"), at("TaskManager c"));
  EXPECT_LT(at("TaskManager c"), at("TaskManager a"));
  EXPECT_LT(at("TaskManager a"), at("TaskManager b"));
  EXPECT_THAT(text, HasSubstr("imminent, resolved, for 12 min"));
}

TEST(Report, LosesNoFindingWhoseClusterIsUnknown) {
  View view = sick_cluster();
  view.findings.front().finding.subject.cluster = "elsewhere";
  EXPECT_THAT(text_report(view, {}), HasSubstr("CRITICAL metaspace_leak"));
}

TEST(Report, TellsWhichSourceHasMoreSeriesThanOneMay) {
  View view = one_cluster();
  SourceHealth& source = view.clusters.front().sources.front();
  source.series_dropped = 240;
  EXPECT_THAT(text_report(view, {false, 400}), Not(HasSubstr("not seen"))) << "that is over";
  source.series_unseen = 12;
  EXPECT_THAT(text_report(view, {false, 400}),
              HasSubstr("\n  up    rest      jm:8081  12 series over the limit (50000 per source, "
                        "500000 entities per cluster) are not seen; fewer metrics under export and "
                        "user_metrics leave room\n"));
  source.role = "jobmanager";
  source.last_error = Error{ErrorCode::timeout, "slow"};
  EXPECT_THAT(text_report(view, {false, 400}),
              HasSubstr("jobmanager; not all could be read: slow; 12 series over the limit"));
  source.up = false;
  EXPECT_THAT(text_report(view, {false, 400}), Not(HasSubstr("not seen")));
  view = hostile_view();
  view.clusters.front().sources.front().series_unseen = 12;
  const std::string text = text_report(view, {false, 80});
  EXPECT_THAT(text, HasSubstr("12 series over"));
  EXPECT_TRUE(is_clean(text));
}

TEST(Report, CleansHostileNames) {
  const std::string text = text_report(hostile_view(), {false, 80});
  EXPECT_TRUE(is_clean(text));
  EXPECT_THAT(text, Not(HasSubstr("c\nd")));
  EXPECT_TRUE(is_clean(one_line(hostile_view().findings.front()), false));
}

TEST(Report, ColoursOnlyWhenAsked) {
  EXPECT_THAT(text_report(sick_cluster(), {true, 80}), HasSubstr("\x1b[1;31m● CRITICAL"));
  EXPECT_THAT(text_report(sick_cluster(), {false, 80}), Not(HasSubstr("\x1b")));
}

TEST(Report, KeepsToTheWidth) {
  View view = sick_cluster();
  view.findings.front().finding.summary = std::string(300, 'x') + " → " + std::string(50, 'y');
  view.findings.front().finding.evidence.front().sentence =
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
  std::istringstream lines(text_report(view, {false, 60}));
  bool findings = false;
  for (std::string line; std::getline(lines, line);) {
    if (findings && line.starts_with("  ")) {
      EXPECT_LE(columns(line), 60) << line;
    }
    findings = findings || line.starts_with("●");
  }
  EXPECT_TRUE(findings);
}

TEST(Report, OneLineForTheLog) {
  EXPECT_EQ(one_line(leak()),
            "critical metaspace_leak (imminent) TaskManager host-3: Classes of finished jobs stay "
            "loaded.");
}

TEST(Report, NamesThePlace) {
  Subject subject;
  subject.cluster = "prod";
  EXPECT_EQ(place(subject), "cluster prod");
  subject.job_name = "orders";
  subject.vertex = "Sink";
  subject.subtask = 3;
  subject.host = "host-3";
  EXPECT_EQ(place(subject), "job orders › vertex Sink › subtask 3 › host-3");
}

}  // namespace
}  // namespace doctor::test
