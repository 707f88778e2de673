#include "collectors/rest/vertex_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "collectors/rest/known.hpp"

namespace doctor::rest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Wanted kAll({});
const std::string kUsage = "Profiles.state.rocksdb_block-cache-usage";

TEST(VertexMetrics, WhatTheVertexsPageTellsTooIsAskedForApart) {
  const std::vector<std::string> ids = {"numRecordsOut", "currentInputWatermark",
                                        "accumulateIdleTimeMs", "numRecordsOut", "unheard.of"};
  EXPECT_THAT(page_vertex_ids(ids, kAll), ElementsAre("accumulateIdleTimeMs", "numRecordsOut"));
  EXPECT_THAT(wanted_vertex_ids(ids, kAll, 100), ElementsAre("currentInputWatermark"));
  EXPECT_THAT(page_vertex_ids(ids, Wanted({Metric::task_records_out})),
              ElementsAre("numRecordsOut"));
}

TEST(VertexMetrics, AsksForWhatSomebodyReads) {
  const std::vector<std::string> ids{kUsage,
                                     "Profiles.numRecordsIn",
                                     "numRecordsIn",
                                     "currentInputWatermark",
                                     "Profiles.column_family.state.rocksdb_cur-size-all-mem-tables",
                                     "Profiles.own.metric",
                                     "",
                                     ".",
                                     "Profiles."};
  EXPECT_THAT(wanted_vertex_ids(ids, kAll, 100),
              ElementsAre("Profiles.column_family.state.rocksdb_cur-size-all-mem-tables",
                          "Profiles.numRecordsIn", kUsage, "currentInputWatermark"));
  const Wanted only_cache({Metric::rocksdb_block_cache_usage, Metric::task_records_in});
  EXPECT_THAT(wanted_vertex_ids(ids, only_cache, 100), ElementsAre(kUsage));
  EXPECT_THAT(wanted_vertex_ids(ids, kAll, 2), SizeIs(2));
  EXPECT_THAT(wanted_vertex_ids(ids, Wanted({Metric::jvm_threads}), 100), IsEmpty());
}

TEST(VertexMetrics, WatermarksAreAskedForWhereTheyAreMadeOrMeet) {
  const std::vector<std::string> ids{kUsage, "Map.currentOutputWatermark", "currentInputWatermark"};
  EXPECT_THAT(wanted_vertex_ids(ids, kAll, 100, true), SizeIs(3));
  EXPECT_THAT(wanted_vertex_ids(ids, kAll, 100, false), ElementsAre(kUsage));
  JobFacts job;
  const auto add = [&](const std::string& id, std::vector<Edge> inputs) {
    VertexFacts& vertex = job.vertices.emplace_back();
    vertex.id = id;
    vertex.inputs = std::move(inputs);
  };
  add("source", {});
  add("window", {{"source", "HASH"}});
  add("enrich", {{"window", "REBALANCE"}});
  add("join", {{"enrich", "HASH"}, {"window", "HASH"}});
  for (const char* vertex : {"source", "window", "join"}) {
    EXPECT_TRUE(makes_or_merges_watermarks(job, vertex)) << vertex;
  }
  EXPECT_FALSE(makes_or_merges_watermarks(job, "enrich"));
}

TEST(VertexMetrics, RequestsStayShortAndCoverAllSubtasks) {
  EXPECT_THAT(vertex_queries({"a", "b"}, 2, 6), ElementsAre("?get=0.a,0.b,1.a,1.b"));
  EXPECT_THAT(vertex_queries({}, 2, 6), IsEmpty());
  EXPECT_THAT(vertex_queries({"a"}, 0, 6), IsEmpty());
  const std::string longish(100, 'x');
  const std::vector<std::string> queries = vertex_queries({longish}, 100, 6);
  std::size_t items = 0;
  for (const std::string& query : queries) {
    EXPECT_LE(query.size(), 3600U);
    items += static_cast<std::size_t>(std::count(query.begin(), query.end(), ',')) + 1;
  }
  EXPECT_EQ(items, 100U);
}

TEST(VertexMetrics, OfAThousandSubtasksAsManyAsFitEvenlySpread) {
  const std::string longish(100, 'x');
  const std::vector<std::string> queries = vertex_queries({longish}, 1000, 6);
  EXPECT_LE(queries.size(), 6U);
  EXPECT_THAT(queries.front(), ::testing::StartsWith("?get=0."));
  const std::size_t last_item = queries.back().rfind(',');
  EXPECT_GT(std::stoi(queries.back().substr(last_item + 1)), 900);
  EXPECT_THAT(vertex_queries({std::string(5000, 'x')}, 3, 6), IsEmpty()) << "no request is so long";
}

TEST(VertexMetrics, PlacesValuesWhereReportersWould) {
  EntityTable entities(100);
  const EntityId job = entities.intern(Level::job, kClusterEntity, "j");
  const EntityId vertex = entities.intern(Level::vertex, job, "v");
  KeyedValues values;
  ASSERT_TRUE(parse_vertex_metrics(
                  R"([{"id":"3.Key by: x.state.rocksdb_block-cache-usage","value":"8388608"},
                      {"id":"3.currentInputWatermark","value":"-9223372036854775808"},
                      {"id":"0.currentInputWatermark","value":"-5"},
                      {"id":"0.Key by: x.numRecordsIn","value":"-1"},
                      {"id":"x.numRecordsIn","value":"1"},
                      {"id":"99999999.numRecordsIn","value":"1"},
                      {"id":"numRecordsIn","value":"1"},
                      {"id":"0.lastCheckpointExternalPath","value":"file:/x"},
                      {"id":"0.isBackPressured","value":"true"}])",
                  Limits{}, vertex, entities, values)
                  .ok());
  ASSERT_THAT(values, SizeIs(3));
  EXPECT_EQ(values[2].first.metric, Metric::task_is_backpressured);
  EXPECT_EQ(values[2].second, 1);
  EXPECT_EQ(values[0].first.metric, Metric::rocksdb_block_cache_usage);
  EXPECT_EQ(values[0].second, 8388608);
  const EntityId family = values[0].first.entity;
  EXPECT_EQ(entities.name(family), "state");
  EXPECT_EQ(entities.name(entities.at(family).parent), "Key_by:_x");
  EXPECT_EQ(entities.at(entities.ancestor(family, Level::subtask)).index, 3U);
  EXPECT_EQ(values[1].second, -5) << "before 1970 is a time, too";
}

TEST(VertexMetrics, PlacesSplitsWhereReportersWould) {
  EntityTable entities(100);
  const EntityId job = entities.intern(Level::job, kClusterEntity, "j");
  const EntityId vertex = entities.intern(Level::vertex, job, "v");
  KeyedValues values;
  ASSERT_TRUE(
      parse_vertex_metrics(
          R"([{"id":"2.S.KafkaSourceReader.topic.or_ders.partition.0.currentOffset","value":"41"},
              {"id":"2.S.KafkaSourceReader.topic.or_ders.partition.1.committedOffset","value":"-1"},
              {"id":"2.S.KafkaSourceReader.topic.or_ders.partition.currentOffset","value":"1"},
              {"id":"2.S.KafkaSourceReader.topic.or.ders.partition.0.currentOffset","value":"1"},
              {"id":"2.S.split.orders-0.watermark.idleTimeMsPerSecond","value":"900"},
              {"id":"2.S.split..watermark.idleTimeMsPerSecond","value":"900"},
              {"id":"2.S.stream.old.shardId.shardId-07.millisBehindLatest","value":"7"},
              {"id":"2.S.KinesisStreamSource.accountId.1.region.eu.stream.s.shardId.a1.millisBehindLatest",
               "value":"12"}])",
          Limits{}, vertex, entities, values)
          .ok());
  ASSERT_THAT(values, SizeIs(4));
  const auto expect = [&](std::size_t i, Metric metric, const std::string& split, double value) {
    EXPECT_EQ(values[i].first.metric, metric);
    EXPECT_EQ(values[i].second, value);
    const Entity& entity = entities.at(values[i].first.entity);
    EXPECT_EQ(entity.level, Level::split);
    EXPECT_EQ(entities.name(values[i].first.entity), split);
    EXPECT_EQ(entities.name(entity.parent), "S");
    EXPECT_EQ(entities.at(entities.at(entity.parent).parent).index, 2U);
  };
  expect(0, Metric::kafka_current_offset, "or_ders_0", 41);
  expect(1, Metric::split_idle_rate, "orders_0", 900);
  expect(2, Metric::kinesis_legacy_millis_behind, "old_shardId_07", 7);
  expect(3, Metric::kinesis_millis_behind, "s_a1", 12);
}

TEST(VertexMetrics, PlacesCommittersSinksAndAsynchronousState) {
  EntityTable entities(100);
  const EntityId job = entities.intern(Level::job, kClusterEntity, "j");
  const EntityId vertex = entities.intern(Level::vertex, job, "v");
  KeyedValues values;
  ASSERT_TRUE(parse_vertex_metrics(
                  R"([{"id":"0.W.asyncStateProcessing.numInFlightRecords","value":"60"},
                      {"id":"0.W.forst.fileCache.lru.evict","value":"8"},
                      {"id":"0.C.pendingCommittables","value":"3"},
                      {"id":"0.C.numRecordsSend","value":"4"},
                      {"id":"0.S.pendingRecords","value":"50"},
                      {"id":"0.mailboxLatencyMs_p99","value":"40"},
                      {"id":"0.mailboxLatencyMs_p95","value":"30"}])",
                  Limits{}, vertex, entities, values)
                  .ok());
  const auto is = [](Metric metric, double value) {
    return ::testing::Pair(::testing::Field(&SeriesKey::metric, metric), value);
  };
  EXPECT_THAT(values, ElementsAre(is(Metric::async_state_in_flight, 60),
                                  is(Metric::forst_file_cache_evictions, 8),
                                  is(Metric::committables_pending, 3), is(Metric::sink_records, 4),
                                  is(Metric::source_pending_records, 50),
                                  is(Metric::task_mailbox_latency_p99, 40)));
}

TEST(VertexMetrics, SplitsAreNotAmongWhatIsAlwaysAskedFor) {
  const std::string offset = "S.KafkaSourceReader.topic.orders.partition.0.currentOffset";
  const std::vector<std::string> ids{offset, "S.pendingRecords"};
  EXPECT_THAT(wanted_vertex_ids(ids, kAll, 100), ElementsAre("S.pendingRecords"));
  EXPECT_THAT(split_vertex_ids(ids, kAll), ElementsAre(offset));
  EXPECT_THAT(split_vertex_ids(ids, Wanted({Metric::jvm_threads})), IsEmpty());
}

TEST(VertexMetrics, BrokenAnswersSaySo) {
  EntityTable entities(100);
  const EntityId job = entities.intern(Level::job, kClusterEntity, "j");
  KeyedValues values;
  for (const char* body : {"", "{", "[{}]", "[1]", R"([{"id":1,"value":"1"}])", "{}"}) {
    EXPECT_FALSE(parse_vertex_metrics(body, Limits{}, job, entities, values).ok()) << body;
  }
  EXPECT_TRUE(parse_vertex_metrics("[]", Limits{}, job, entities, values).ok());
  EXPECT_THAT(values, IsEmpty());
}

TEST(KnownJob, IdleSplitsOfASourceDoNotStopEventTime) {
  KnownJob job;
  job.facts.vertices.resize(2);
  job.facts.vertices[0].id = "source";
  job.facts.vertices[1].id = "window";
  job.facts.vertices[1].inputs.push_back({"source", ""});
  KnownVertex& source = job.vertices["source"];
  source.take_watermark(1e12, 1000);
  EXPECT_EQ(job.still_since(), 0);
  source.take_watermark(1e12, 2000);
  EXPECT_EQ(job.still_since(), 1000) << "nobody else tells";
  KnownVertex& window = job.vertices["window"];
  window.take_watermark(1e12, 3000);
  EXPECT_EQ(job.still_since(), 0);
  window.take_watermark(1e12, 4000);
  EXPECT_EQ(job.still_since(), 3000);
  window.take_watermark(2e12, 5000);
  EXPECT_FALSE(job.event_time_stands_still());
}

}  // namespace
}  // namespace doctor::rest
