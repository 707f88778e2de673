// From exposition text to a batch: selection, canonical values, entities, attempts, caps, and what
// a body that is not Flink's is called. Bodies recorded from real reporters are read in any
// windows.
#include "collectors/reporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>

#include "model/metric.hpp"

namespace doctor {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::vector<Metric> every_metric() {
  std::vector<Metric> metrics;
  for (const MetricInfo& about : metric_catalogue()) metrics.push_back(about.metric);
  return metrics;
}

const Selection& everything() {
  static const Selection selection(every_metric());
  return selection;
}

/// "job/vertex/3/operator" of an entity.
std::string path_of(const EntityTable& entities, EntityId id) {
  std::string path;
  for (; id != kClusterEntity; id = entities.at(id).parent) {
    const bool subtask = entities.at(id).level == Level::subtask;
    const std::string name = subtask ? std::to_string(entities.at(id).index) : entities.name(id);
    path = path.empty() ? name : name + "/" + path;
  }
  return path;
}

using Values = std::map<std::string, double>;  // "metric path" → value

Values values_of(const Scrape& scrape, const EntityTable& entities) {
  Values values;
  const auto& keys = scrape.batch.layout->keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    values[std::string(info(keys[i].metric).name) + " " + path_of(entities, keys[i].entity)] =
        scrape.batch.values.at(i);
  }
  return values;
}

struct Scraper {
  Limits limits;
  EntityTable entities{100'000};
  SeriesIndex known;

  Result<Scrape> operator()(std::string_view body, std::size_t window = 0,
                            const Selection& selection = everything()) {
    ReporterScrape parse(7, selection, limits, entities, known);
    if (window == 0) window = std::max<std::size_t>(body.size(), 1);
    for (std::size_t at = 0; at < body.size(); at += window) {
      const std::string copy(body.substr(at, window));
      EXPECT_TRUE(parse.feed(copy).ok());
    }
    return parse.finish(1000, entities);
  }
  Values values(std::string_view body) {
    const Result<Scrape> scrape = (*this)(body);
    return scrape.ok() ? values_of(*scrape, entities) : Values{};
  }
};

const std::string kTask =
    R"(job_id="j1",task_id="v1",tm_id="10.0.0.1:6122-ab",task_attempt_num="0",subtask_index="3",)";
const std::string kOperator = kTask + "operator_name=\"Window(5 s)\",";

std::string task_line(const std::string& metric, const std::string& labels,
                      const std::string& value) {
  return "flink_taskmanager_job_task_" + metric + "{" + labels + "} " + value + "\n";
}

TEST(Reporter, PlacesEachLevel) {
  Scraper scrape;
  const std::string cf = "operator_my_state_rocksdb_block_cache_usage";
  EXPECT_THAT(
      scrape.values("flink_taskmanager_Status_JVM_Memory_Metaspace_Used{tm_id=\"tm\"} 5\n"
                    "flink_taskmanager_Status_JVM_GarbageCollector_G1_Old_Generation_Count{tm_id="
                    "\"tm\",} 2\n" +
                    task_line("numRecordsIn", kTask, "10") + task_line(cf, kOperator, "7")),
      UnorderedElementsAre(Pair("jvm_metaspace_used tm", 5.0),
                           Pair("gc_count tm/G1_Old_Generation", 2.0),
                           Pair("task_records_in j1/v1/3", 10.0),
                           Pair("rocksdb_block_cache_usage j1/v1/3/Window_5_s_/my_state", 7.0)));
}

TEST(Reporter, ReadsTheColumnFamilyFromALabelToo) {
  Scraper scrape;
  const std::string metric = "operator_column_family_rocksdb_block_cache_usage";
  EXPECT_THAT(scrape.values(task_line(metric, kOperator + "column_family=\"a-b\"", "1") +
                            task_line(metric, kOperator, "2")),
              UnorderedElementsAre(
                  Pair("rocksdb_block_cache_usage j1/v1/3/Window_5_s_/a_b", 1.0),
                  Pair("rocksdb_block_cache_usage j1/v1/3/Window_5_s_/column_family", 2.0)));
}

TEST(Reporter, TellsTheJobManager) {
  Scraper scrape;
  const Result<Scrape> result = scrape(
      "flink_jobmanager_Status_JVM_Threads_Count{host=\"h\",} 50.0\n"
      "flink_jobmanager_job_numRestarts{host=\"h\",job_id=\"j1\",job_name=\"x\",} 3.0\n");
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(
      values_of(*result, scrape.entities),
      UnorderedElementsAre(Pair("jvm_threads jobmanager", 50.0), Pair("job_restarts j1", 3.0)));
  EXPECT_EQ(scrape.entities.name(result->batch.layout->process), "jobmanager");
  EXPECT_EQ(result->batch.source, 7U);
  EXPECT_EQ(result->batch.at, 1000);
}

TEST(Reporter, FiltersNamesThatTheReporterDidNotFilter) {
  Scraper scrape;
  const Result<Scrape> result =
      scrape("flink_taskmanager_Status_JVM_Threads_Count{tm_id=\"10.0.0.1:6122-ab\"} 1\n");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(scrape.entities.name(result->batch.layout->process), "10_0_0_1:6122_ab");
}

TEST(Reporter, KnowsNoneFromZero) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double none : {-1.0, -0x1p63, 0x1p63, inf, -inf, nan}) {
    for (const MetricInfo& about : metric_catalogue()) {
      const bool may_be_negative = none == -1.0 && about.none == None::extremes;
      EXPECT_EQ(is_present(canonical(about.metric, none)), may_be_negative)
          << about.name << " " << none;
    }
  }
  EXPECT_FALSE(is_present(canonical(Metric::checkpoint_restored_at, 0)));
  EXPECT_EQ(canonical(Metric::jvm_metaspace_max, 0), 0);
  EXPECT_EQ(canonical(Metric::jvm_heap_used, 1e15), 1e15);
}

TEST(Reporter, KeepsTheKeyOfAnAbsentValue) {
  Scraper scrape;
  const Result<Scrape> first = scrape(task_line("accumulateBusyTimeMs", kTask, "NaN"));
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->batch.values.size(), 1U);
  EXPECT_FALSE(is_present(first->batch.values[0]));
  const Result<Scrape> second = scrape(task_line("accumulateBusyTimeMs", kTask, "5.0"));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->batch.layout, first->batch.layout);
}

TEST(Reporter, ReusesTheLayoutInAnyOrderOfFamiliesAndReplacesItOtherwise) {
  Scraper scrape;
  const std::string in = task_line("numRecordsIn", kTask, "1");
  const std::string out = task_line("numRecordsOut", kTask, "2");
  const Result<Scrape> first = scrape(in + out);
  ASSERT_TRUE(first.ok());
  const Result<Scrape> swapped = scrape(out + in);
  EXPECT_EQ(swapped->batch.layout, first->batch.layout);
  EXPECT_EQ(swapped->batch.values, first->batch.values);
  const Result<Scrape> fewer = scrape(out);
  EXPECT_NE(fewer->batch.layout, first->batch.layout);
  EXPECT_EQ(fewer->batch.layout->version, first->batch.layout->version + 1);
}

TEST(Reporter, OfTwoAttemptsKeepsTheNewer) {
  Scraper scrape;
  std::string newer = kTask;
  newer.replace(newer.find("num=\"0\""), 7, "num=\"12\"");
  const auto line = [&](const std::string& labels, const std::string& value) {
    return task_line("numRecordsIn", labels, value);
  };
  for (const std::string& body :
       {line(newer, "1") + line(kTask, "900"), line(kTask, "900") + line(newer, "1"),
        line(newer, "1") + line(newer, "2") + line(kTask, "900")}) {
    const Result<Scrape> result = scrape(body);
    ASSERT_TRUE(result.ok());
    EXPECT_THAT(result->batch.values, ::testing::ElementsAre(1.0));
    EXPECT_GE(result->series_duplicate, 1U);
  }
}

TEST(Reporter, CountsWhatItCannotPlace) {
  Scraper scrape;
  const std::string metric = "numRecordsIn";
  const Result<Scrape> result = scrape(
      task_line(metric, R"(job_id="j",task_id="v",subtask_index="x")", "1") +
      task_line(metric, R"(job_id="j",task_id="v",subtask_index="-1")", "1") +
      task_line(metric, R"(job_id="j",task_id="v",subtask_index="99999999999")", "1") +
      task_line(metric, R"(job_id="j",task_id="v",subtask_index="32768")", "1") +
      task_line(metric, R"(job_id="j",task_id="v")", "1") +
      task_line(metric, R"(job_id="",task_id="v",subtask_index="0")", "1") +
      task_line(metric, R"(job_id="j",subtask_index="0")", "1") +
      "flink_taskmanager_Status_JVM_Threads_Count{host=\"h\"} 1\n" +
      "flink_taskmanager_job_task_"
      "operator_x_rocksdb_block_cache_usage{job_id=\"j\",task_id=\"v\",subtask_index=\"0\"} 1\n" +
      task_line(metric, R"(job_id="j",task_id="v",subtask_index="0")", "oops"));
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->batch.values.empty());
  EXPECT_EQ(result->series_unlabelled, 9U);
  EXPECT_EQ(result->stats.faults_total(), 1U);
  EXPECT_EQ(result->batch.layout->process, kNoEntity);
}

TEST(Reporter, CapsSeriesEntitiesAndNames) {
  std::string body;
  for (int i = 0; i < 20; ++i) {
    body += task_line("numRecordsIn",
                      R"(job_id="j",task_id="v",subtask_index=")" + std::to_string(i) + "\"", "1");
  }
  Scraper few_series;
  few_series.limits.series_per_source_max = 8;
  const Result<Scrape> capped = few_series(body);
  ASSERT_TRUE(capped.ok());
  EXPECT_EQ(capped->batch.values.size(), 8U);
  EXPECT_EQ(capped->series_dropped, 12U);

  Scraper few_entities;
  few_entities.entities = EntityTable(10);  // cluster, job, vertex and 7 subtasks
  const Result<Scrape> full = few_entities(body);
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->batch.values.size(), 7U);
  EXPECT_EQ(full->series_dropped, 13U);

  Scraper long_names;
  long_names.limits.name_bytes_max = 16;
  EXPECT_THAT(long_names.values("flink_taskmanager_Status_JVM_Threads_Count{tm_id=\"" +
                                std::string(5000, 'x') + "\"} 1\n"),
              UnorderedElementsAre(Pair("jvm_threads " + std::string(16, 'x'), 1.0)));
}

TEST(Reporter, CapsWhatTheNamesOfNewSeriesTake) {
  Scraper scraper;
  std::string body;
  for (int i = 0; i < 50'000; ++i) {  // the job that would place them is missing
    body += task_line("numRecordsIn", "tm_id=\"" + std::to_string(i) + "\"", "1");
  }
  const std::string good =
      task_line("numRecordsIn", R"(job_id="j",task_id="v",subtask_index="0")", "1");
  const Result<Scrape> result = scraper(good + body + good);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->batch.values.size(), 1U) << "what came before is kept";
  EXPECT_LT(result->series_unlabelled, 40'000U) << "names were held beyond the cap";
  EXPECT_EQ(result->series_unlabelled + result->series_dropped, 50'001U);
}

TEST(Reporter, InternsNothingBeforeTheBodyEnded) {
  Limits limits;
  EntityTable entities(1000);
  SeriesIndex known;
  ReporterScrape parse(1, everything(), limits, entities, known);
  ASSERT_TRUE(parse.feed(task_line("numRecordsIn", kTask, "1")).ok());
  EXPECT_EQ(entities.size(), 1U);
  ASSERT_TRUE(parse.finish(1, entities).ok());
  EXPECT_GT(entities.size(), 1U);
}

TEST(Reporter, AcceptsFlinkWithoutAnySample) {
  Scraper scrape;
  const Result<Scrape> result = scrape(
      "# HELP flink_taskmanager_Status_JVM_Threads_Count x\n"
      "# TYPE flink_taskmanager_Status_JVM_Threads_Count gauge\n");
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->batch.values.empty());
}

TEST(Reporter, SaysWhatItSawInsteadOfFlink) {
  const std::map<std::string, std::string> bodies{
      {"", "empty"},
      {"\r\n\r\n", "empty"},
      {"<!DOCTYPE html>\n<html><body>flink_taskmanager_ dashboard</body></html>", "HTML"},
      {"{\"taskmanagers\":1}", "JSON"},
      {std::string("\x1f\x8b\x08\x00\x00", 5), "binary"},
      {"# TYPE go_gc_duration_seconds summary\ngo_gc_duration_seconds 1\n",
       "another program, such as go_gc_duration_seconds"},
      {"flink_doctor_up 1\n", "another program"},
      {"*** 12:00 hello\n", "text without metrics of Flink: *** 12:00 hello"}};
  for (const auto& [body, words] : bodies) {
    for (const std::size_t window : {1, 3, 1000}) {
      Scraper scrape;
      const Result<Scrape> result = scrape(body, window);
      ASSERT_FALSE(result.ok()) << body;
      EXPECT_EQ(result.error().code, ErrorCode::not_flink);
      EXPECT_THAT(result.error().message, HasSubstr(words));
      EXPECT_EQ(scrape.entities.size(), 1U);
    }
  }
}

TEST(Selection, MatchesWholeFamiliesOnly) {
  const Selection some({Metric::gc_count, Metric::rocksdb_block_cache_usage, Metric::job_restarts});
  const auto metric = [&](std::string_view family) {
    const auto match = some.match(family);
    return match ? std::string(info(match->metric).name) + ":" + std::string(match->star) : "";
  };
  EXPECT_EQ(metric("flink_jobmanager_job_numRestarts"), "job_restarts:");
  EXPECT_EQ(metric("flink_jobmanager_job_numRestartsX"), "");
  EXPECT_EQ(metric("flink_taskmanager_job_numRestarts"), "");
  EXPECT_EQ(metric("flink_jobmanager_Status_JVM_GarbageCollector_Copy_Count"), "gc_count:Copy");
  EXPECT_EQ(metric("flink_jobmanager_Status_JVM_GarbageCollector_Copy_Time"), "");
  EXPECT_EQ(metric("flink_jobmanager_Status_JVM_GarbageCollector_All_Count"), "");
  EXPECT_EQ(metric("flink_jobmanager_Status_JVM_GarbageCollector__Count"), "");
  EXPECT_EQ(metric("flink_taskmanager_job_task_operator_a_rocksdb_b_rocksdb_block_cache_usage"),
            "rocksdb_block_cache_usage:a_rocksdb_b");
  EXPECT_EQ(metric("flink_taskmanager_job_task_operator_a_rocksdb_block_cache_pinned_usage"), "");
  EXPECT_TRUE(some.contains(Metric::gc_count));
  EXPECT_FALSE(some.contains(Metric::gc_time));
}

// --- recorded bodies

class Recorded : public ::testing::TestWithParam<std::string> {
 protected:
  static std::string body(const std::string& name) {
    const std::filesystem::path path =
        std::filesystem::path(DOCTOR_SOURCE_DIR "/tests/fixtures") / GetParam() / name;
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_P(Recorded, JobManager) {
  Scraper scrape;
  const Result<Scrape> result = scrape(body("reporter-jobmanager.txt"));
  ASSERT_TRUE(result.ok());
  const Values values = values_of(*result, scrape.entities);
  EXPECT_GT(values.at("jvm_metaspace_used jobmanager"), 20e6);
  EXPECT_EQ(values.count("gc_count jobmanager/All"), 0U);
  EXPECT_EQ(scrape.entities.name(result->batch.layout->process), "jobmanager");
  EXPECT_FALSE(scrape.entities.children(kClusterEntity, Level::job).empty());
  EXPECT_EQ(result->series_unlabelled + result->series_dropped + result->series_duplicate, 0U);
}

TEST_P(Recorded, TaskManagersInAnyWindows) {
  bool rocksdb = false;
  for (const char* name : {"reporter-taskmanager-1.txt", "reporter-taskmanager-2.txt"}) {
    const std::string text = body(name);
    Scraper scrape;
    const Result<Scrape> whole = scrape(text);
    ASSERT_TRUE(whole.ok());
    const Values values = values_of(*whole, scrape.entities);
    const std::string process = scrape.entities.name(whole->batch.layout->process);
    EXPECT_THAT(process, HasSubstr("127_0_0_1"));
    EXPECT_GT(values.at("jvm_classes_loaded " + process), 1000);
    for (const auto& [series, value] : values) {
      rocksdb |= series.starts_with("rocksdb_block_cache_capacity ");
    }
    EXPECT_EQ(whole->series_unlabelled + whole->series_dropped + whole->series_duplicate, 0U);
    for (const std::size_t window : {1, 7, 64}) {
      Scraper again;
      const Result<Scrape> cut = again(text, window);
      ASSERT_TRUE(cut.ok());
      EXPECT_EQ(cut->batch.layout->keys, whole->batch.layout->keys);
      const Values cut_values = values_of(*cut, again.entities);
      ASSERT_EQ(cut_values.size(), values.size());
      for (const auto& [series, value] : values) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(cut_values.at(series)),
                  std::bit_cast<std::uint64_t>(value))
            << series;
      }
    }
  }
  EXPECT_TRUE(rocksdb);
}

INSTANTIATE_TEST_SUITE_P(Versions, Recorded, ::testing::Values("flink-1.20", "flink-2.2"));

}  // namespace
}  // namespace doctor
