// A reporter's second and later scrapes: known series give what a first reading gives, bodies that
// break off change nothing, the caps hold, and the page may become another process's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "collectors/reporter.hpp"

namespace doctor {
namespace {

using ::testing::ElementsAre;

const Selection& everything() {
  static const Selection selection([] {
    std::vector<Metric> metrics;
    for (const MetricInfo& about : metric_catalogue()) metrics.push_back(about.metric);
    return metrics;
  }());
  return selection;
}

std::string line(int subtask, const std::string& attempt, const std::string& value) {
  return "flink_taskmanager_job_task_numRecordsIn{job_id=\"j\",task_id=\"v\",subtask_index=\"" +
         std::to_string(subtask) + "\",task_attempt_num=\"" + attempt + "\",tm_id=\"tm\",} " +
         value + "\n";
}

struct Target {
  Limits limits;
  EntityTable entities{10'000};
  SeriesIndex known;

  Result<Scrape> scrape(std::string_view body, std::size_t window = 64) {
    ReporterScrape parse(7, everything(), limits, entities, known);
    feed(parse, body, window);
    return parse.finish(1000, entities);
  }
  void break_off(std::string_view body) {
    ReporterScrape parse(7, everything(), limits, entities, known);
    feed(parse, body, 64);
  }
  static void feed(ReporterScrape& parse, std::string_view body, std::size_t window) {
    for (std::size_t at = 0; at < body.size(); at += window) {
      const std::string copy(body.substr(at, window));
      EXPECT_TRUE(parse.feed(copy).ok());
    }
  }
};

std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> all;
  for (const double value : values) all.push_back(std::bit_cast<std::uint64_t>(value));
  return all;
}

TEST(ReporterKnown, RecordedBodiesGiveTheSameTheSecondTime) {
  std::size_t bodies = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(DOCTOR_SOURCE_DIR "/tests/fixtures")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("reporter-") || !name.ends_with(".txt")) continue;
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string body{std::istreambuf_iterator<char>(file), {}};
    Target target;
    const Result<Scrape> first = target.scrape(body, 4096);
    const std::size_t entities = target.entities.size();
    const Result<Scrape> second = target.scrape(body, 1000);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(second->batch.layout, first->batch.layout);
    EXPECT_EQ(bits(second->batch.values), bits(first->batch.values));
    EXPECT_EQ(second->stats.samples, first->stats.samples);
    EXPECT_EQ(second->series_duplicate, first->series_duplicate);
    EXPECT_EQ(target.entities.size(), entities);
    ++bodies;
  }
  EXPECT_GE(bodies, 6U);
}

TEST(ReporterKnown, TakesTheNewValues) {
  Target target;
  ASSERT_TRUE(target.scrape(line(0, "0", "1") + line(1, "0", "2")).ok());
  const Result<Scrape> next = target.scrape(line(1, "0", "NaN") + line(0, "0", "3.5E7"));
  ASSERT_TRUE(next.ok());
  ASSERT_EQ(next->batch.values.size(), 2U);
  EXPECT_EQ(next->batch.values[0], 3.5e7);
  EXPECT_FALSE(is_present(next->batch.values[1]));
  EXPECT_EQ(target.entities.name(next->batch.layout->process), "tm");
}

TEST(ReporterKnown, ABrokenValueOfAKnownSeriesIsAFaultAndNoValue) {
  Target target;
  ASSERT_TRUE(target.scrape(line(0, "0", "1") + line(1, "0", "2")).ok());
  const Result<Scrape> next = target.scrape(line(0, "0", "one") + line(1, "0", "3"));
  ASSERT_TRUE(next.ok());
  EXPECT_THAT(next->batch.values, ElementsAre(3));
  EXPECT_EQ(next->stats.faults.at(LineFault::bad_value), 1U);
}

TEST(ReporterKnown, ABodyThatBreaksOffLeavesNoTrace) {
  Target target;
  const Result<Scrape> first = target.scrape(line(0, "0", "1"));
  const std::size_t entities = target.entities.size();
  target.break_off(line(0, "0", "99") + line(5, "0", "99"));
  EXPECT_EQ(target.entities.size(), entities);
  EXPECT_EQ(target.known.layout(), first->batch.layout);
  const Result<Scrape> next = target.scrape(line(0, "0", "2"));
  EXPECT_EQ(next->batch.layout, first->batch.layout);
  EXPECT_THAT(next->batch.values, ElementsAre(2));
  EXPECT_EQ(next->series_duplicate, 0U);
}

TEST(ReporterKnown, AttemptsThatComeAndGoCostNothing) {
  Target target;
  std::size_t entities = 0;
  for (int attempt = 0; attempt < 300; ++attempt) {
    const std::string number = std::to_string(attempt);
    const Result<Scrape> scrape = target.scrape(line(0, number, number) + line(1, number, "7"));
    ASSERT_THAT(scrape->batch.values, ElementsAre(attempt, 7));
    ASSERT_EQ(scrape->batch.layout->version, 1U);
    ASSERT_EQ(target.known.size(), 2U);
    if (attempt == 0) entities = target.entities.size();
    ASSERT_EQ(target.entities.size(), entities);
  }
}

TEST(ReporterKnown, OverTheCapOldSeriesStay) {
  Target target;
  target.limits.series_per_source_max = 3;
  const std::string old = line(5, "0", "5") + line(6, "0", "6");
  ASSERT_TRUE(target.scrape(old).ok());
  const std::size_t entities = target.entities.size();
  const Result<Scrape> more = target.scrape(line(0, "0", "0") + line(1, "0", "1") + old);
  EXPECT_THAT(more->batch.values, ElementsAre(5, 6, 0)) << "there was room for one";
  EXPECT_EQ(more->series_dropped, 1U);
  EXPECT_EQ(target.entities.size(), entities + 1) << "what is dropped is not registered";
  const Result<Scrape> again = target.scrape(line(0, "0", "2") + line(1, "0", "1") + old);
  EXPECT_THAT(again->batch.values, ElementsAre(5, 6, 2));
  EXPECT_EQ(again->series_dropped, 1U);
  EXPECT_EQ(target.known.size(), 3U);
}

TEST(ReporterKnown, ThePageMayBecomeAnotherProcesss) {
  Target target;
  const std::string of = "flink_taskmanager_Status_JVM_Threads_Count{tm_id=\"";
  const Result<Scrape> one = target.scrape(of + "tm_1\",} 1\n");
  const Result<Scrape> two = target.scrape(of + "tm_2\",} 1\n");
  EXPECT_EQ(target.entities.name(one->batch.layout->process), "tm_1");
  EXPECT_EQ(target.entities.name(two->batch.layout->process), "tm_2");
  const Result<Scrape> manager = target.scrape("flink_jobmanager_numRunningJobs 2\n");
  EXPECT_EQ(target.entities.name(manager->batch.layout->process), "jobmanager");
  EXPECT_EQ(target.known.size(), 1U);
}

TEST(ReporterKnown, AFamilyWithoutCommentsBehindAnUnwantedOneIsRead) {
  Target target;
  const std::string body =
      "# HELP flink_taskmanager_job_task_unheardOf x\n# TYPE flink_taskmanager_job_task_unheardOf "
      "gauge\nflink_taskmanager_job_task_unheardOf{a=\"1\"} 1\n" +
      line(0, "0", "4") +
      "flink_taskmanager_job_task_unheardOf{a=\"2\"} 1\n"
      "flink_taskmanager_job_task_unheardOfToo{a=\"2\"} 1\n" +
      line(1, "0", "5");
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(target.scrape(body)->batch.values, ElementsAre(4, 5));
  }
}

TEST(ReporterKnown, ASeriesLongerThanAnyKeyIsDroppedAndCounted) {
  Target target;
  EXPECT_GE(RawHash::kTextBytesMax, target.limits.reporter_line_bytes_max);
  target.limits.reporter_line_bytes_max = 2 * RawHash::kTextBytesMax;
  const std::string body = "flink_taskmanager_Status_JVM_Threads_Count{tm_id=\"tm\",x=\"" +
                           std::string(RawHash::kTextBytesMax, 'x') + "\"} 1\n" + line(0, "0", "4");
  const Result<Scrape> scrape = target.scrape(body);
  EXPECT_THAT(scrape->batch.values, ElementsAre(4));
  EXPECT_EQ(scrape->series_dropped, 1U);
}

TEST(ReporterKnown, WhatTheEntityTableForgotIsPlacedAgain) {
  Target target;
  ASSERT_TRUE(target.scrape(line(0, "0", "1")).ok());
  target.entities.release(target.entities.find(Level::job, kClusterEntity, "j"));
  target.entities.intern(Level::job, kClusterEntity, "another");
  const Result<Scrape> next = target.scrape(line(0, "0", "2"));
  ASSERT_THAT(next->batch.values, ElementsAre(2));
  const EntityId job = target.entities.ancestor(next->batch.layout->keys[0].entity, Level::job);
  EXPECT_EQ(target.entities.name(job), "j");
}

}  // namespace
}  // namespace doctor
