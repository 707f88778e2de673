#include "agent/delivery/metrics_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <set>
#include <sstream>

#include "agent/delivery/flink_series.hpp"
#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page(const View& view, std::size_t series_max = 2000) {
  MetricsInput input;
  input.view = &view;
  input.version = "0.1.0";
  input.series_max = series_max;
  return metrics_page(input);
}

std::vector<std::string> series_of(const std::string& text) {
  std::vector<std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) series.push_back(line.substr(0, line.rfind(' ')));
  }
  return series;
}

constexpr const char* kLeakLabels =
    R"({cluster="prod",namespace="",detector="metaspace_leak",severity="critical",)"
    R"(confidence="imminent",job="",vertex="",operator="",host="host-3",process="taskmanager"})";

TEST(MetricsPage, ShowsFindings) {
  const std::string text = page(sick_cluster());
  EXPECT_THAT(text, HasSubstr("# HELP flink_doctor_finding_active 1 for each finding that fires\n"
                              "# TYPE flink_doctor_finding_active gauge\n"));
  EXPECT_THAT(text, HasSubstr(std::string("flink_doctor_finding_active") + kLeakLabels + " 1\n"));
  EXPECT_THAT(text, HasSubstr(std::string("flink_doctor_finding_since_timestamp_seconds") +
                              kLeakLabels + " 1795249280\n"));
  EXPECT_THAT(text, Not(HasSubstr("flink_doctor_finding_pending")));
}

TEST(MetricsPage, MergesEqualFindingsAndHidesResolvedOnes) {
  View view = sick_cluster();
  view.findings.push_back(leak());
  view.findings.back().since -= kHourMs;
  view.findings.push_back(leak("gone"));
  view.findings.back().state = FindingState::resolved;
  view.findings.push_back(leak("waiting"));
  view.findings.back().state = FindingState::pending;
  const std::string text = page(view);
  const auto series = series_of(text);
  EXPECT_EQ(std::set<std::string>(series.begin(), series.end()).size(), series.size());
  EXPECT_THAT(text, HasSubstr(std::string(kLeakLabels) + " 1795245680\n"));  // the earlier one
  EXPECT_THAT(text, Not(HasSubstr("host=\"gone\"")));
  EXPECT_THAT(text, HasSubstr("flink_doctor_finding_pending{"));
}

TEST(MetricsPage, ShowsStatesAsSets) {
  const std::string text = page(sick_cluster());
  EXPECT_THAT(text, HasSubstr("flink_doctor_cluster_status{cluster=\"prod\",status=\"ok\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_cluster_status{cluster=\"prod\",status=\"gone\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_detector_state{cluster=\"prod\",detector=\"native_"
                              "overrun\",state=\"blind\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("detector=\"native_overrun\",state=\"ok\"} 0\n"));
}

TEST(MetricsPage, ShowsSourcesAndMembers) {
  const View view = sick_cluster();
  MetricsInput input;
  input.view = &view;
  input.members = {{"am-0:9093", true, 5, 1, 0, ""}, {"am-1:9093", std::nullopt, 0, 0, 0, ""}};
  const std::string text = metrics_page(input);
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_up{cluster=\"prod\",source=\"tm:9249\",kind="
                              "\"reporter\",role=\"taskmanager\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_errors_total{cluster=\"prod\",source="
                              "\"tm:9249\",reason=\"refused\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_exchange_seconds_total{cluster=\"prod\","
                              "source=\"jm:8081\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_alertmanager_up{alertmanager=\"am-0:9093\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("alertmanager_up{alertmanager=\"am-1:9093\"}")));
  EXPECT_THAT(text, Not(HasSubstr("flink_doctor_store_up")));  // off is neither up nor down
  EXPECT_THAT(text, Not(HasSubstr("flink_doctor_recording_up")));
}

TEST(MetricsPage, TellsWhatASourceLoses) {
  View view = one_cluster();
  SourceHealth& source = view.clusters.front().sources.front();
  source.lines_malformed = 5;
  source.line_faults = {{LineFault::bad_value, 2}, {LineFault::too_long, 3}};
  source.series_dropped = 7;
  source.turns_skipped = 4;
  const std::string text = page(view);
  const std::string of = "{cluster=\"prod\",source=\"jm:8081\"";
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_malformed_lines_total" + of +
                              ",reason=\"bad_value\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_malformed_lines_total" + of +
                              ",reason=\"too_long\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("flink_doctor_source_malformed_lines_total" + of + "}")))
      << "a total beside its parts would count twice";
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_samples_dropped_total" + of + "} 7\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_skipped_total" + of + "} 4\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_skipped_total{cluster=\"prod\",source="
                              "\"tm:9249\"} 0\n"));
}

TEST(MetricsPage, TellsHowTheHistoryOnDiskDoes) {
  View view = one_cluster();
  view.agent.store_state = "disk full";
  view.agent.store_errors = 2;
  view.agent.history_lost = 3;
  view.agent.recorder_state = "disk full";
  view.agent.recorder_lost = 4;
  view.agent.history_damaged = 4;
  view.agent.history_bytes = 5;
  const std::string text = page(view);
  EXPECT_THAT(text, HasSubstr("flink_doctor_store_up 0\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_recording_up 0\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_recording_lost_items_total 4\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_store_errors_total 2\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_history_lost_scrapes_total 3\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_history_damaged_total 4\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_history_bytes 5\n"));
}

TEST(MetricsPage, TellsWhichLimitLeftSamplesOut) {
  View view = one_cluster();
  view.agent.series = 9;
  EXPECT_THAT(page(view), Not(HasSubstr("flink_doctor_series_max")));
  view.agent.series_max = 10;
  view.clusters.front().own_limit.samples_dropped = 3;
  view.clusters.front().shared_limit.samples_dropped = 7;
  view.clusters.front().sources.front().series_dropped = 2;
  const std::string text = page(view);
  EXPECT_THAT(text, HasSubstr("flink_doctor_series 9\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_series_max 10\n"));
  const std::string dropped = "flink_doctor_samples_dropped_total{cluster=\"prod\",limit=";
  EXPECT_THAT(text, HasSubstr(dropped + "\"cluster\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(dropped + "\"agent\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_source_samples_dropped_total{cluster=\"prod\","
                              "source=\"jm:8081\"} 2\n"));
}

TEST(MetricsPage, ConvertsFlinksSeriesToBaseUnits) {
  View view = one_cluster();
  CuratedSample cpu;
  cpu.metric = Metric::jvm_cpu_time;
  cpu.process = "taskmanager";
  cpu.host = "host-3";
  cpu.value = 2.5e9;
  CuratedSample busy;
  busy.metric = Metric::task_accumulated_busy;
  busy.job_name = "orders";
  busy.vertex = "Sink";
  busy.subtask = 0;
  busy.value = 1500;
  CuratedSample absent = busy;
  absent.subtask = 1;
  absent.value = kAbsent;
  view.clusters.front().samples =
      std::make_shared<const std::vector<CuratedSample>>(std::vector{cpu, busy, absent});
  const std::string text = page(view);
  EXPECT_THAT(text, HasSubstr("# TYPE flink_doctor_flink_jvm_cpu_time_seconds_total counter\n"
                              "flink_doctor_flink_jvm_cpu_time_seconds_total{cluster=\"prod\","
                              "process=\"taskmanager\",host=\"host-3\"} 2.5\n"));
  EXPECT_THAT(text, HasSubstr("flink_doctor_flink_task_accumulated_busy_seconds_total{cluster="
                              "\"prod\",job=\"orders\",vertex=\"Sink\",subtask=\"0\"} 1.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("subtask=\"1\"")));
}

TEST(MetricsPage, ShowsJobsByNameAndLivingOnesFirst) {
  View view = one_cluster();
  auto facts = std::make_shared<ClusterFacts>();
  facts->jobs_known = true;
  facts->jobs = {{"1", "orders", "RUNNING", 100, {}, 0, 1, 1},
                 {"2", "orders", "FAILED", 200, {}, 0, 1, 0},
                 {"3", "batch", "FINISHED", 100, {}, 0, 1, 0},
                 {"4", "batch", "FAILED", 200, {}, 0, 1, 0}};
  view.clusters.front().facts = facts;
  auto job = std::make_shared<JobFacts>();
  job->name = "orders";
  job->state = "RUNNING";
  job->checkpoint_counts = CheckpointCounts{0, 8, 0, 7, 1};
  job->latest_completed.emplace();
  job->latest_completed->state_size = 1024;
  job->latest_completed->duration = 1500;
  view.clusters.front().jobs = {job};
  const std::string text = page(view);
  EXPECT_THAT(text, HasSubstr("job_state{cluster=\"prod\",job=\"orders\",state=\"RUNNING\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("job_state{cluster=\"prod\",job=\"batch\",state=\"FAILED\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("job=\"orders\",state=\"FAILED\"")));
  EXPECT_THAT(text, HasSubstr("checkpoints_failed_total{cluster=\"prod\",job=\"orders\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("last_checkpoint_duration_seconds{cluster=\"prod\",job=\"orders\"} "
                              "1.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("last_checkpoint_written_bytes")));  // Flink did not tell
  EXPECT_THAT(text, Not(HasSubstr("flink_task_managers")));
}

TEST(MetricsPage, StaysBelowItsCapAndSaysSo) {
  View view = sick_cluster();
  auto samples = std::make_shared<std::vector<CuratedSample>>();
  for (int i = 0; i < 5000; ++i) {
    CuratedSample sample;
    sample.metric = Metric::task_records_in;
    sample.job_name = "orders";
    sample.subtask = i;
    samples->push_back(sample);
  }
  view.clusters.front().samples = std::move(samples);
  const std::string text = page(view, 500);
  EXPECT_EQ(series_of(text).size(), 501U);
  EXPECT_THAT(text, HasSubstr("flink_doctor_finding_active{"));
  EXPECT_THAT(text, Not(HasSubstr("flink_doctor_page_series_omitted 0\n")));
}

TEST(MetricsPage, EscapesHostileNames) {
  const std::string text = page(hostile_view());
  EXPECT_TRUE(is_clean(text));
  EXPECT_THAT(text, HasSubstr("job=\"a\\\"b\\\\c d  [31m"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("# ") || line.starts_with("flink_doctor_") ||
                line.starts_with("process_"))
        << line;
  }
}

TEST(MetricsPage, ServesOwnHealthBeforeTheFirstJudgement) {
  MetricsInput input;
  input.version = "0.1.0";
  input.process = read_process_stats();
  const std::string text = metrics_page(input);
  EXPECT_THAT(text, HasSubstr("flink_doctor_build_info{version=\"0.1.0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE process_cpu_seconds_total counter\n"));
  EXPECT_THAT(text, Not(HasSubstr("flink_doctor_judgements_total")));
}

TEST(MetricsPage, NamesEveryCatalogueMetricInBaseUnits) {
  std::set<std::string> names;
  for (const MetricInfo& metric : metric_catalogue()) {
    const std::string name = curated_name(metric);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.ends_with("_total"), metric.kind == Kind::counter) << name;
    EXPECT_EQ(name.find("milliseconds"), std::string::npos) << name;
  }
}

TEST(ProcessStats, ReadsProc) {
  const std::string words(") S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 7 0 1000 4096000 12 0");
  const ProcessStats stats =
      parse_process_stats("42 (a ) b" + words, "cpu 1\nbtime 1700000000\nx 1\n", 100, 4096);
  EXPECT_EQ(stats.cpu_seconds, 3.0);
  EXPECT_EQ(stats.threads, 7.0);
  EXPECT_EQ(stats.virtual_bytes, 4096000.0);
  EXPECT_EQ(stats.resident_bytes, 49152.0);
  EXPECT_EQ(stats.start_seconds, 1700000010.0);
}

TEST(ProcessStats, LeavesOutWhatItCannotRead) {
  for (const char* text : {"", "42 (x", "42 (x) S 1", "42 (x) S a b c d e f g h i j k l m n"}) {
    const ProcessStats stats = parse_process_stats(text, "", 100, 4096);
    EXPECT_FALSE(stats.cpu_seconds || stats.threads || stats.start_seconds) << text;
  }
  const ProcessStats own = read_process_stats();
  EXPECT_GT(own.resident_bytes.value_or(0), 1e6);
  EXPECT_GT(own.open_fds.value_or(0), 2);
}

}  // namespace
}  // namespace doctor::test
