// One line of each level and family that no recorded body shows, as Flink's reporter writes it: on
// which entity it lands, as which metric, with which value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "collectors/reporter.hpp"
#include "model/metric.hpp"

namespace doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Values = std::map<std::string, double>;  // "metric path" → value

std::string path_of(const EntityTable& entities, EntityId id) {
  std::string path;
  for (; id != kClusterEntity; id = entities.at(id).parent) {
    const Level level = entities.at(id).level;
    const std::string name = level == Level::subtask ? std::to_string(entities.at(id).index)
                                                     : std::string(entities.name(id));
    path = std::string(to_string(level)) + ":" + name + (path.empty() ? "" : "/") + path;
  }
  return path;
}

/// What a body means when all metrics are wanted.
Values values(const std::string& body) {
  std::vector<Metric> all;
  for (const MetricInfo& about : metric_catalogue()) all.push_back(about.metric);
  const Selection selection(all);
  const Limits limits;
  EntityTable entities(1000);
  SeriesIndex known;
  ReporterScrape parse(7, selection, limits, entities, known);
  EXPECT_TRUE(parse.feed(body).ok());
  const Result<Scrape> scrape = parse.finish(1000, entities);
  Values found;
  if (!scrape.ok()) return found;
  EXPECT_EQ(scrape->series_unlabelled + scrape->series_dropped + scrape->series_duplicate, 0U);
  const auto& keys = scrape->batch.layout->keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    found[std::string(info(keys[i].metric).name) + " " + path_of(entities, keys[i].entity)] =
        scrape->batch.values.at(i);
  }
  return found;
}

std::string line(const std::string& family, const std::string& labels, const std::string& value) {
  return "flink_" + family + "{" + labels + "} " + value + "\n";
}

const std::string kJob = R"(job_id="j1",job_name="orders",host="h",)";
const std::string kOperator = kJob + R"(tm_id="tm",task_id="v1",task_name="Source:_orders",)"
                                     R"(task_attempt_num="2",subtask_index="3",operator_id="o1",)"
                                     R"(operator_name="Source:_orders",)";
const std::string kAt = "job:j1/vertex:v1/subtask:3/operator:Source:_orders";

std::string operator_line(const std::string& metric, const std::string& labels,
                          const std::string& value) {
  return line("taskmanager_job_task_operator_" + metric, kOperator + labels, value);
}

TEST(ReporterLevels, KafkaPartitions) {
  const std::string scope = "KafkaSourceReader_topic_partition_";
  EXPECT_THAT(
      values(operator_line(scope + "currentOffset", R"(topic="or.ders",partition="0",)", "41") +
             operator_line(scope + "currentOffset", R"(topic="or.ders",partition="1",)", "-1") +
             operator_line(scope + "committedOffset", R"(topic="or.ders",partition="0",)", "40") +
             operator_line("KafkaSourceReader_KafkaConsumer_records_lag_max", "", "9") +
             operator_line("KafkaSourceReader_commitsFailed", "", "2")),
      UnorderedElementsAre(
          Pair("kafka_current_offset " + kAt + "/split:or_ders_0", 41),
          Pair("kafka_current_offset " + kAt + "/split:or_ders_1", testing::IsNan()),
          Pair("kafka_committed_offset " + kAt + "/split:or_ders_0", 40),
          Pair("kafka_records_lag_max " + kAt, 9), Pair("kafka_commit_failures " + kAt, 2)));
}

TEST(ReporterLevels, KinesisShards) {
  EXPECT_THAT(
      values(
          operator_line("KinesisStreamSource_accountId_region_stream_shardId_millisBehindLatest",
                        R"(accountId="1",region="eu",stream="s",shardId="shardId-07",)", "12") +
          operator_line("stream_shardId_millisBehindLatest", R"(stream="old",shardId="a1",)", "7")),
      UnorderedElementsAre(Pair("kinesis_millis_behind " + kAt + "/split:s_shardId_07", 12),
                           Pair("kinesis_legacy_millis_behind " + kAt + "/split:old_a1", 7)));
}

TEST(ReporterLevels, SplitWatermarks) {
  const std::string scope = "split_watermark_";
  const std::string split = R"(split="orders-0",)";
  const std::string at = " " + kAt + "/split:orders_0";
  EXPECT_THAT(
      values(operator_line(scope + "currentWatermark", split, "1.7e12") +
             operator_line(scope + "activeTimeMsPerSecond", split, "600") +
             operator_line(scope + "pausedTimeMsPerSecond", split, "300") +
             operator_line(scope + "idleTimeMsPerSecond", split, "100") +
             operator_line(scope + "accumulatedActiveTimeMs", split, "6") +
             operator_line(scope + "accumulatedPausedTimeMs", split, "3") +
             operator_line(scope + "accumulatedIdleTimeMs", split, "1")),
      UnorderedElementsAre(
          Pair("split_watermark" + at, 1.7e12), Pair("split_active_rate" + at, 600),
          Pair("split_paused_rate" + at, 300), Pair("split_idle_rate" + at, 100),
          Pair("split_accumulated_active" + at, 6), Pair("split_accumulated_paused" + at, 3),
          Pair("split_accumulated_idle" + at, 1)));
}

/// ChangelogStorageMetricGroup.java puts "ChangelogStorage." before its names; the documentation
/// does not tell.
TEST(ReporterLevels, ChangelogOfAJobOnOneTaskManager) {
  const std::string scope = "taskmanager_job_ChangelogStorage_";
  const std::string labels = kJob + R"(tm_id="tm-1",)";
  const std::string at = " process:tm_1/job on a process:j1";
  EXPECT_THAT(values(line(scope + "numberOfUploadRequests", labels, "5") +
                     line(scope + "numberOfUploadFailures", labels, "1") +
                     line(scope + "uploadQueueSize", labels, "4") +
                     line(scope + "uploadSizes", labels + R"(quantile="0.5",)", "10") +
                     line(scope + "uploadSizes", labels + R"(quantile="0.99",)", "99") +
                     line(scope + "uploadSizes_count", labels, "1000") +
                     line(scope + "uploadLatenciesNanos", labels + R"(quantile="0.99",)", "8e6")),
              UnorderedElementsAre(Pair("changelog_uploads" + at, 5),
                                   Pair("changelog_upload_failures" + at, 1),
                                   Pair("changelog_upload_queue" + at, 4),
                                   Pair("changelog_upload_size_p99" + at, 99),
                                   Pair("changelog_upload_latency_p99" + at, 8e6)));
}

TEST(ReporterLevels, CoordinatorsOfAVertexAndTheClusters) {
  EXPECT_THAT(
      values(line("jobmanager_job_operator_coordinator_enumerator_unassignedSplits",
                  kJob + R"(task_id="v1",operator_id="o1",operator_name="Source:_orders",)", "3") +
             line("jobmanager_job_fullRestarts", kJob, "6") +
             line("jobmanager_job_allSubTasksRunningOrFinishedTime", kJob, "77") +
             line("jobmanager_startWorkFailurePerSecond", R"(host="h",)", "0.1")),
      UnorderedElementsAre(
          Pair("source_unassigned_splits job:j1/vertex:v1", 3), Pair("job_full_restarts job:j1", 6),
          Pair("job_all_running_time job:j1", 77), Pair("cluster_worker_failures_rate ", 0.1)));
  EXPECT_THAT(values(line("jobmanager_Status_JVM_Threads_Count", R"(host="h",)", "5")),
              ElementsAre(Pair("jvm_threads process:jobmanager", 5)));
}

TEST(ReporterLevels, Committers) {
  EXPECT_THAT(
      values(operator_line("totalCommittables", "", "10") +
             operator_line("successfulCommittables", "", "7") +
             operator_line("alreadyCommittedCommittables", "", "1") +
             operator_line("failedCommittables", "", "2") +
             operator_line("retriedCommittables", "", "4") +
             operator_line("pendingCommittables", "", "3")),
      UnorderedElementsAre(
          Pair("committables_seen " + kAt, 10), Pair("committables_successful " + kAt, 7),
          Pair("committables_already_committed " + kAt, 1), Pair("committables_failed " + kAt, 2),
          Pair("committables_retried " + kAt, 4), Pair("committables_pending " + kAt, 3)));
}

TEST(ReporterLevels, AsynchronousStateAndForSt) {
  EXPECT_THAT(
      values(operator_line("asyncStateProcessing_numInFlightRecords", "", "60") +
             operator_line("asyncStateProcessing_activeBufferSize", "", "5") +
             operator_line("asyncStateProcessing_blockingBufferSize", "", "4") +
             operator_line("asyncStateProcessing_numBlockingKeys", "", "2") +
             operator_line("forst_fileCache_lru_evict", "", "8") +
             operator_line("forst_fileCache_lru_loadback", "", "9")),
      UnorderedElementsAre(
          Pair("async_state_in_flight " + kAt, 60), Pair("async_state_active " + kAt, 5),
          Pair("async_state_blocked " + kAt, 4), Pair("async_state_blocked_keys " + kAt, 2),
          Pair("forst_file_cache_evictions " + kAt, 8), Pair("forst_file_cache_loads " + kAt, 9)));
}

TEST(ReporterLevels, SourcesAndSinksOfFlip33) {
  EXPECT_THAT(
      values(operator_line("pendingRecords", "", "50") + operator_line("pendingBytes", "", "51") +
             operator_line("currentFetchEventTimeLag", "", "52") +
             operator_line("currentEmitEventTimeLag", "", "53") +
             operator_line("watermarkLag", "", "-54") + operator_line("sourceIdleTime", "", "55") +
             operator_line("watermarkAlignmentDrift", "", "-56") +
             operator_line("numRecordsInErrors", "", "57") +
             operator_line("numRecordsSend", "", "60") + operator_line("numBytesSend", "", "61") +
             operator_line("numRecordsSendErrors", "", "62") +
             operator_line("numRecordsOutErrors", "", "63") +
             operator_line("currentSendTime", "", "64")),
      UnorderedElementsAre(
          Pair("source_pending_records " + kAt, 50), Pair("source_pending_bytes " + kAt, 51),
          Pair("source_fetch_event_time_lag " + kAt, 52),
          Pair("source_emit_event_time_lag " + kAt, 53), Pair("source_watermark_lag " + kAt, -54),
          Pair("source_idle_time " + kAt, 55), Pair("source_alignment_drift " + kAt, -56),
          Pair("source_errors " + kAt, 57), Pair("sink_records " + kAt, 60),
          Pair("sink_bytes " + kAt, 61), Pair("sink_send_errors " + kAt, 62),
          Pair("sink_out_errors " + kAt, 63), Pair("sink_send_time " + kAt, 64)));
}

TEST(ReporterLevels, OfAHistogramTheQuantileThatTheCatalogueNames) {
  const std::string task = "taskmanager_job_task_mailboxLatencyMs";
  const std::string labels = kJob + R"(tm_id="tm",task_id="v1",subtask_index="0",)";
  EXPECT_THAT(values(line(task, labels + R"(quantile="0.5",)", "1") +
                     line(task, labels + R"(quantile="0.99",)", "40") +
                     line(task, labels + R"(quantile="0.999",)", "50") +
                     line(task + "_count", labels, "60")),
              ElementsAre(Pair("task_mailbox_latency_p99 job:j1/vertex:v1/subtask:0", 40)));
}

TEST(ReporterLevels, EveryLineOfTheCatalogueIsToldBySomebody) {
  for (const MetricInfo& about : metric_catalogue()) {
    if (is_user_metric(about.metric)) continue;
    EXPECT_FALSE(about.reporter_name.empty() && about.rest_id.empty() && about.probe_family.empty())
        << about.name << " is told by nobody";
    EXPECT_TRUE(about.quantile.empty() || about.rest_id.empty() || about.rest_id.ends_with("_p99"))
        << about.name;
  }
}

}  // namespace
}  // namespace doctor
