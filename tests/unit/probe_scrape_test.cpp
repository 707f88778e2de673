#include "collectors/probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/text.hpp"

namespace doctor {
namespace {

using ::testing::SizeIs;

const std::string kPage =
    "# TYPE flink_doctor_probe_process_resident_memory_bytes gauge\n"
    "flink_doctor_probe_process_resident_memory_bytes{process=\"taskmanager\",pid=\"7\","
    "tm_id=\"10.0.0.1:6122-ab\"} 1e9\n"
    "flink_doctor_probe_process_resident_memory_bytes{process=\"taskmanager\",pid=\"8\","
    "tm_id=\"10.0.0.1:6122-of-another-cluster\"} 2e9\n"
    "flink_doctor_probe_process_resident_memory_bytes{process=\"jobmanager\",pid=\"9\",tm_id=\"\"} "
    "5e8\n"
    "# TYPE flink_doctor_probe_log_bytes gauge\n"
    "flink_doctor_probe_log_bytes{process=\"jobmanager\",pid=\"9\",tm_id=\"\",file=\"out\"} 12\n"
    "# TYPE flink_doctor_probe_cgroup_pressure_stalled_seconds_total counter\n"
    "flink_doctor_probe_cgroup_pressure_stalled_seconds_total{process=\"taskmanager\",pid=\"7\","
    "tm_id=\"10.0.0.1:6122-ab\",resource=\"cpu\"} 3\n"
    "flink_doctor_probe_cgroup_pressure_stalled_seconds_total{process=\"taskmanager\",pid=\"7\","
    "tm_id=\"10.0.0.1:6122-ab\",resource=\"memory\"} 4\n"
    "# TYPE flink_doctor_probe_directory_available_bytes gauge\n"
    "flink_doctor_probe_directory_available_bytes{process=\"taskmanager\",pid=\"7\","
    "tm_id=\"10.0.0.1:6122-ab\",role=\"tmp\",path=\"/tmp\"} 42\n";

class ProbeScrapeTest : public testing::Test {
 protected:
  ProbeScrapeTest() {
    tm_ = entities_.intern(Level::process, kClusterEntity, reporter_filtered("10.0.0.1:6122-ab"));
  }
  Result<Scrape> scrape(const std::string& page) {
    ProbeScrape parse(3, selection_, limits_);
    EXPECT_TRUE(parse.feed(page).ok());
    return parse.finish(1000, entities_, nullptr);
  }
  static std::optional<double> value(const Scrape& scrape, Metric metric, EntityId entity) {
    const auto& keys = scrape.batch.layout->keys;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == SeriesKey{metric, entity}) return scrape.batch.values[i];
    }
    return std::nullopt;
  }
  Limits limits_;
  EntityTable entities_{1000};
  Selection selection_{{Metric::host_resident, Metric::log_size, Metric::out_size,
                        Metric::cgroup_memory_stalled, Metric::directory_available}};
  EntityId tm_{};
};

TEST_F(ProbeScrapeTest, JoinsTheProcessesThatRestToldOf) {
  const Result<Scrape> result = scrape(kPage);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(value(*result, Metric::host_resident, tm_), 1e9);
  const EntityId jm = entities_.find(Level::process, kClusterEntity, "jobmanager");
  EXPECT_EQ(value(*result, Metric::host_resident, jm), 5e8);
  EXPECT_EQ(value(*result, Metric::out_size, jm), 12);
  EXPECT_EQ(value(*result, Metric::log_size, jm), std::nullopt);
  EXPECT_EQ(value(*result, Metric::cgroup_memory_stalled, tm_), 4) << "not the processor's";
  const EntityId tmp = entities_.find(Level::directory, tm_, "tmp:/tmp");
  EXPECT_EQ(value(*result, Metric::directory_available, tmp), 42);
  EXPECT_THAT(result->batch.values, SizeIs(5));
  EXPECT_EQ(result->series_unlabelled, 1U) << "of another cluster";
}

TEST_F(ProbeScrapeTest, OfTwoJobManagersNeitherIsTaken) {
  const Result<Scrape> result = scrape(
      "flink_doctor_probe_process_resident_memory_bytes{process=\"jobmanager\",pid=\"1\"} 1\n"
      "flink_doctor_probe_process_resident_memory_bytes{process=\"jobmanager\",pid=\"2\"} 2\n"
      "flink_doctor_probe_process_resident_memory_bytes{process=\"taskmanager\",pid=\"3\"} 3\n");
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->batch.values, SizeIs(0));
  EXPECT_EQ(result->series_unlabelled, 3U);
}

TEST_F(ProbeScrapeTest, AnotherPageIsRefused) {
  for (const char* page : {"", "<html>", "flink_taskmanager_Status_JVM_Threads_Count 1\n"}) {
    const Result<Scrape> result = scrape(page);
    ASSERT_FALSE(result.ok()) << page;
    EXPECT_EQ(result.error().code, ErrorCode::not_flink);
  }
}

}  // namespace
}  // namespace doctor
