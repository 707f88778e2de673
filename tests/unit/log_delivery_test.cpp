// What people and Prometheus see of log texts, and what they must not see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/delivery/document.hpp"
#include "agent/delivery/log_sentence.hpp"
#include "agent/delivery/metrics_page.hpp"
#include "agent/delivery/report.hpp"
#include "collectors/logs/patterns.hpp"
#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr SourceId kLogs = 77;

SourceHealth log_source() {
  SourceHealth source;
  source.id = kLogs;
  source.kind = SourceKind::logs;
  source.address = "/opt/flink/log/*.log";
  source.up = source.ever_up = true;
  source.last_success = kNow;
  source.logs = LogReading{};
  source.logs->files = 2;
  source.logs->lines = 4711;
  source.logs->processes = {"jobmanager", "taskmanager"};
  return source;
}

LogTally tally(std::string pattern, Severity severity, std::uint64_t count,
               std::uint64_t backlog = 0, std::string process = "taskmanager") {
  LogTally tally;
  tally.source = kLogs;
  tally.pattern = std::move(pattern);
  tally.process = std::move(process);
  tally.severity = severity;
  tally.count = count;
  tally.backlog = backlog;
  tally.last = kNow - kMinuteMs;
  return tally;
}

View view_with(std::vector<LogTally> tallies, SourceHealth source = log_source()) {
  View view = one_cluster();
  view.clusters.front().sources.push_back(std::move(source));
  view.clusters.front().logs = std::move(tallies);
  return view;
}

std::string page(const View& view) {
  MetricsInput input;
  input.view = &view;
  input.version = "0.1.0";
  return metrics_page(input);
}

std::string sentence_of(const View& view) {
  const ClusterView& cluster = view.clusters.front();
  return log_sentence(cluster, cluster.sources.back(), kNow);
}

TEST(LogSentence, TellsTheWorstFirst) {
  const View view = view_with({tally("generic_type", Severity::info, 40),
                               tally("blob_fetch", Severity::warning, 3),
                               tally("disk_full", Severity::critical, 1, 2),
                               tally("disk_full", Severity::critical, 1, 0, "jobmanager"),
                               tally("open_files", Severity::critical, 0, 5)});
  EXPECT_EQ(sentence_of(view),
            "2 × disk full, last 08:32 UTC (and 2 before the start); "
            "5 × file descriptors exhausted, written before the start; "
            "3 × blob fetch failed, last 08:32 UTC; "
            "40 × type falls back to Kryo, last 08:32 UTC; 2 files followed");
  EXPECT_THAT(text_report(view, {false, 0}),
              HasSubstr("up    logs      /opt/flink/log/*.log  2 × disk full, last 08:32 UTC"));
}

TEST(LogSentence, SaysWhatWasNotRead) {
  SourceHealth source = log_source();
  source.logs->files = 1;
  source.logs->files_left_out = 3;
  source.logs->bytes_skipped = 2U << 20U;
  source.last_error = Error{ErrorCode::io, "/opt/flink/log/b.log: Permission denied"};
  EXPECT_EQ(sentence_of(view_with({}, source)),
            "nothing of note; 1 file followed, 3 older ones not; 2 MiB skipped, since written "
            "faster than read; /opt/flink/log/b.log: Permission denied");
}

TEST(LogSentence, OldTimesHaveTheirDayAndOtherSourcesTheirOwnLine) {
  LogTally old = tally("disk_full", Severity::critical, 1);
  old.last = kNow - 2 * kDayMs;
  LogTally other = tally("blob_fetch", Severity::warning, 1);
  other.source = kLogs + 1;
  EXPECT_EQ(sentence_of(view_with({old, other})),
            "1 × disk full, last 2026-11-19 08:33 UTC; 2 files followed");
}

TEST(LogSentence, ADownSourceSaysWhy) {
  SourceHealth source = log_source();
  source.up = false;
  source.last_error = Error{ErrorCode::gone, "no file matches /opt/flink/log/*.log"};
  EXPECT_THAT(text_report(view_with({}, source), {false, 0}),
              HasSubstr("down  logs      /opt/flink/log/*.log  gone: no file matches"));
}

TEST(LogSeries, CountsSumOverSourcesAndBeginAtZero) {
  LogTally elsewhere = tally("disk_full", Severity::critical, 4);
  elsewhere.source = kLogs + 1;
  const std::string text =
      page(view_with({tally("disk_full", Severity::critical, 3, 100), elsewhere}));
  EXPECT_THAT(text, HasSubstr("flink_doctor_log_matches_total{cluster=\"prod\",pattern=\"disk_"
                              "full\",process=\"taskmanager\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_log_matches_total{cluster=\"prod\",pattern=\"disk_"
                              "full\",process=\"jobmanager\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_log_lines_total{cluster=\"prod\",source=\"/opt/flink/"
                              "log/*.log\"} 4711\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_up{cluster=\"prod\",source=\"/opt/flink/log/"
                              "*.log\",kind=\"logs\",role=\"\"} 1\n"));
}

TEST(LogSeries, NothingWhereNoLogIsFollowed) {
  EXPECT_THAT(page(one_cluster()), Not(HasSubstr("flink_doctor_log_")));
}

TEST(LogDelivery, TheFindingsDocumentStaysAsItIs) {
  EXPECT_EQ(findings_document(view_with({tally("disk_full", Severity::critical, 3)})),
            findings_document(one_cluster()));
}

TEST(LogDelivery, HostileTextsAreCleaned) {
  SourceHealth source = log_source();
  source.address = kHostile;
  source.last_error = Error{ErrorCode::io, kHostile};
  const View view = view_with({tally(kHostile, Severity::info, 1, 0, kHostile)}, source);
  EXPECT_TRUE(is_clean(text_report(view, {})));
  EXPECT_TRUE(is_clean(page(view)));
}

TEST(LogTallies, FoldEventsAndKeepTheBacklogApart) {
  LogTallies tallies;
  LogEvent event;
  event.pattern = "disk_full";
  event.process = "taskmanager";
  event.count = 5;
  event.first = event.last = kNow;
  event.backlog = true;
  event.line = "old";
  tallies.absorb(event);
  event.backlog = false;
  event.count = 2;
  event.first = event.last = kNow + 1;
  tallies.absorb(event);
  event.first = event.last = kNow + 2;
  event.line = "new";
  tallies.absorb(event);
  event.process = "jobmanager";
  tallies.absorb(event);
  ASSERT_EQ(tallies.all().size(), 2U);
  const LogTally& first = tallies.all()[0];
  EXPECT_EQ(first.backlog, 5U);
  EXPECT_EQ(first.count, 4U);
  EXPECT_EQ(first.first, kNow + 1);
  EXPECT_EQ(first.last, kNow + 2);
  EXPECT_EQ(first.line, "new");
  EXPECT_EQ(tallies.dropped(), 0U);
}

TEST(LogTallies, AreBoundedWhateverComes) {
  LogTallies tallies;
  LogEvent event;
  for (int i = 0; i < 2100; ++i) {
    event.pattern = std::to_string(i);
    tallies.absorb(event);
  }
  EXPECT_GT(tallies.dropped(), 0U);
  EXPECT_EQ(tallies.all().size() + tallies.dropped(), 2100U);
}

}  // namespace
}  // namespace doctor::test
