// From a store's series to batches: the reporters' places, one value for each key and step, and
// what the appearance of jobs tells.
#include "collectors/query_range/slice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace doctor::query_range {
namespace {

using ::testing::ElementsAre;

using Labels = std::vector<exposition::Label>;

constexpr TimestampMs kBegan = 1'795'000'020'000;
const Span kSpan{kBegan, kMinuteMs, 10};

const Selection& selection() {
  static const Selection all({Metric::jvm_heap_used, Metric::gc_count, Metric::job_restarts,
                              Metric::task_records_in, Metric::jvm_heap_max, Metric::host_resident,
                              Metric::cgroup_memory_stalled});
  return all;
}

struct Store {
  Limits limits;
  EntityTable entities{1000};
  Acquaintance known;

  struct Series {
    Labels labels;
    std::map<int, double> values;  // by step
  };
  Past read(const std::vector<Series>& all, Span span = kSpan) {
    Slice slice(span, selection(), limits);
    for (const Series& series : all) {
      EXPECT_TRUE(slice.series(series.labels));
      for (const auto& [step, value] : series.values) {
        slice.sample(span.from + step * span.step, value);
      }
    }
    return std::move(slice).finish(known, entities);
  }
  /// "process metric entity" → value, at a step.
  std::map<std::string, double> at(const Past& past, std::size_t step) const {
    std::map<std::string, double> values;
    for (const Batch& batch : past.batches(step)) {
      EXPECT_EQ(batch.source, history_source(batch.layout->process));
      EXPECT_EQ(batch.at, past.span().at(step));
      for (std::size_t i = 0; i < batch.values.size(); ++i) {
        if (!is_present(batch.values[i])) continue;
        const SeriesKey& key = batch.layout->keys[i];
        values[entities.name(batch.layout->process) + " " + std::string(info(key.metric).name) +
               " " + entities.name(key.entity)] = batch.values[i];
      }
    }
    return values;
  }
};

Labels heap(std::string_view tm, std::string_view instance = "a") {
  return {{"__name__", "flink_taskmanager_Status_JVM_Memory_Heap_Used"},
          {"host", "h"},
          {"instance", instance},
          {"job", "flink"},
          {"tm_id", tm}};
}

Labels restarts(std::string_view job_id, std::string_view job_name) {
  return {
      {"__name__", "flink_jobmanager_job_numRestarts"}, {"job_id", job_id}, {"job_name", job_name}};
}

TEST(PastSlice, SeriesStandWhereReportersPutThem) {
  Store store;
  const Past past = store.read(
      {{heap("tm_1"), {{0, 5}, {1, 6}}},
       {heap("tm_2"), {{1, 7}}},
       {{{"__name__", "flink_jobmanager_Status_JVM_GarbageCollector_G1_Old_Generation_Count"}},
        {{0, 3}}},
       {{{"__name__", "flink_jobmanager_Status_JVM_GarbageCollector_All_Count"}}, {{0, 9}}},
       {{{"__name__", "node_memory_bytes"}}, {{0, 9}}},
       {{{"__name__", "flink_taskmanager_Status_JVM_Memory_Heap_Used"}}, {{0, 9}}}});
  EXPECT_EQ(store.at(past, 0),
            (std::map<std::string, double>{{"tm_1 jvm_heap_used tm_1", 5},
                                           {"jobmanager gc_count G1_Old_Generation", 3}}));
  EXPECT_EQ(store.at(past, 1), (std::map<std::string, double>{{"tm_1 jvm_heap_used tm_1", 6},
                                                              {"tm_2 jvm_heap_used tm_2", 7}}));
  EXPECT_TRUE(past.batches(2).empty());
  EXPECT_EQ(past.samples(), 4U);
  EXPECT_EQ(past.series_dropped(), 1U) << "nobody knows whose heap it is";
}

TEST(PastSlice, OfSeriesWithOneMeaningTheOneThatBeganLastCounts) {
  Store store;
  const Past past = store.read({{heap("tm_1", "new"), {{4, 40}, {5, 50}}},
                                {heap("tm_1", "old"), {{0, 1}, {4, 4}, {5, 5}, {6, 6}}}});
  EXPECT_EQ(store.at(past, 0).begin()->second, 1);
  EXPECT_EQ(store.at(past, 4).begin()->second, 40);
  EXPECT_EQ(store.at(past, 6).begin()->second, 6);
}

TEST(PastSlice, WhichOneCountsDoesNotChangeFromSliceToSlice) {
  Store store;
  const Past first = store.read(
      {{heap("tm_1", "standby"), {{3, 30}, {9, 30}}}, {heap("tm_1", "leader"), {{0, 1}, {9, 1}}}});
  EXPECT_EQ(store.at(first, 9).begin()->second, 30);
  const Past second =
      store.read({{heap("tm_1", "leader"), {{0, 1}}}, {heap("tm_1", "standby"), {{0, 30}}}},
                 {kSpan.end(), kMinuteMs, 10});
  EXPECT_EQ(store.at(second, 0).begin()->second, 30);
  EXPECT_EQ(first.batches(9)[0].layout, second.batches(0)[0].layout)
      << "nothing but values changed";
}

// Thanos and Mimir without deduplication: two Prometheus' have scraped the same.
TEST(PastSlice, ReplicasAreOneSeriesAndFillEachOthersGaps) {
  Store store;
  const Past past = store.read({{heap("tm_1", "replica-a"), {{0, 5}, {1, 6}, {3, 8}, {4, 9}}},
                                {heap("tm_1", "replica-b"), {{0, 5}, {2, 7}, {4, 9}}}});
  for (int step = 0; step < 5; ++step) {
    const auto values = store.at(past, static_cast<std::size_t>(step));
    ASSERT_EQ(values.size(), 1U) << step;
    EXPECT_EQ(values.begin()->second, 5 + step);
  }
}

Labels resident(std::string_view tm, std::string_view pid) {
  return {{"__name__", "flink_doctor_probe_process_resident_memory_bytes"},
          {"cluster", "orders"},
          {"pid", pid},
          {"process", tm.empty() ? "jobmanager" : "taskmanager"},
          {"tm_id", tm}};
}

TEST(PastSlice, ProbesTellOfTheProcessesThatReportersTellOf) {
  Store store;
  Labels stalled = resident("tm_1", "7");
  stalled[0].value = "flink_doctor_probe_cgroup_pressure_stalled_seconds_total";
  Labels of_cpu = stalled;
  stalled.push_back({"resource", "memory"});
  of_cpu.push_back({"resource", "cpu"});
  const Past past = store.read({{resident("tm.1", "7"), {{0, 1e9}, {1, 2e9}}},
                                {resident("of_another_cluster", "8"), {{0, 3e9}}},
                                {resident("", "9"), {{0, 5e8}}},
                                {stalled, {{1, 4}}},
                                {of_cpu, {{1, 5}}},
                                {heap("tm_1"), {{0, 5}}}});
  using testing::Pair;
  EXPECT_THAT(store.at(past, 0), ElementsAre(Pair("jobmanager host_resident jobmanager", 5e8),
                                             Pair("tm_1 host_resident tm_1", 1e9),
                                             Pair("tm_1 jvm_heap_used tm_1", 5)));
  EXPECT_THAT(store.at(past, 1), ElementsAre(Pair("tm_1 cgroup_memory_stalled tm_1", 4),
                                             Pair("tm_1 host_resident tm_1", 2e9)));
  EXPECT_EQ(past.series_dropped(), 1U);
}

TEST(PastSlice, TwoJobManagersOfProbesAreToldApartByNobody) {
  Store store;
  const Past past = store.read({{resident("", "9"), {{0, 5e8}}}, {resident("", "10"), {{0, 6e8}}}});
  EXPECT_TRUE(store.at(past, 0).empty());
  EXPECT_EQ(past.series_dropped(), 2U);
}

TEST(PastSlice, AJobThatShowsUpLaterWasSubmitted) {
  Store store;
  const Past first = store.read({{restarts("aa", "orders"), {{2, 0}, {9, 0}}},
                                 {restarts("bb", "bills"), {{4, 0}}},
                                 {restarts("cc", "late"), {{8, 0}}}});
  ASSERT_EQ(first.submissions().size(), 1U) << "the others were there when the store began";
  EXPECT_EQ(first.submissions()[0].subject, "cc");
  EXPECT_EQ(first.submissions()[0].text, "late");
  EXPECT_EQ(first.submissions()[0].at, kSpan.at(8));
  const Past second = store.read(
      {{restarts("aa", "orders"), {{0, 0}}}, {restarts("dd", "orders"), {{3, 0}, {4, 0}}}},
      {kSpan.end(), kMinuteMs, 10});
  ASSERT_EQ(second.submissions().size(), 1U);
  EXPECT_EQ(second.submissions()[0].subject, "dd");
}

TEST(PastSlice, WhatMeansNoneIsAbsentAndNeverZero) {
  Store store;
  const Past past =
      store.read({{heap("tm_1"), {{0, std::nan("")}, {1, -1}, {2, HUGE_VAL}, {3, 0}}}});
  EXPECT_TRUE(past.batches(0).empty());
  EXPECT_TRUE(past.batches(1).empty());
  EXPECT_TRUE(past.batches(2).empty());
  EXPECT_EQ(store.at(past, 3).begin()->second, 0);
}

TEST(PastSlice, SamplesOutsideOfTheSpanAreNotTaken) {
  Store store;
  const Past past = store.read({{heap("tm_1"), {{-1, 5}, {10, 6}, {1000000, 7}}}});
  EXPECT_EQ(past.samples(), 0U);
  for (std::size_t step = 0; step < kSpan.steps; ++step) EXPECT_TRUE(past.batches(step).empty());
}

TEST(PastSlice, MemoryHasABound) {
  Limits limits;
  limits.history_samples_max = 25;
  Slice slice(kSpan, selection(), limits);
  EXPECT_TRUE(slice.series(heap("tm_1")));
  EXPECT_TRUE(slice.series(heap("tm_2")));
  const Status third = slice.series(heap("tm_3"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::too_large);
}

TEST(PastSlice, AFullTableOfEntitiesDropsAndCounts) {
  Store store;
  store.entities = EntityTable(2);
  const Past past = store.read({{heap("tm_1"), {{0, 5}}}, {heap("tm_2"), {{0, 6}}}});
  EXPECT_EQ(past.batches(0).size(), 1U);
  EXPECT_EQ(past.series_dropped(), 1U);
}

}  // namespace
}  // namespace doctor::query_range
