// A kubelet's page: what of it is ours, and what is never taken. The lines are as cAdvisor writes
// them (docs/storage/prometheus.md), with their own timestamps.
#include "collectors/containers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/text.hpp"

namespace doctor {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kManagerId = "orders-taskmanager-1-1";

std::string line(const std::string& family, const std::string& pod, const std::string& container,
                 const std::string& value, const std::string& more = "") {
  return family + "{container=\"" + container +
         "\",id=\"/kubepods.slice/"
         "a.scope\",image=\"flink:1.20\",name=\"a\",namespace=\"flink\",pod=\"" +
         pod + "\"" + more + "} " + value + " 1795300000000\n";
}

PodFactsPtr pod(const std::string& name, PodRole role, std::vector<std::string> containers) {
  PodFacts facts;
  facts.namespace_ = "flink";
  facts.name = name;
  facts.phase = "Running";
  facts.role = role;
  for (std::string& container : containers) facts.containers.push_back({std::move(container)});
  return std::make_shared<const PodFacts>(std::move(facts));
}

class ContainersTest : public testing::Test {
 protected:
  ContainersTest() {
    tm_ = entities_.intern(Level::process, kClusterEntity, reporter_filtered(kManagerId));
    KubernetesFacts facts;
    facts.pods = {pod("orders-7c9f", PodRole::job_manager, {"flink-main-container", "sidecar"}),
                  pod(kManagerId, PodRole::task_manager, {"flink-main-container"}),
                  pod("orders-taskmanager-1-2", PodRole::task_manager, {"one", "two"})};
    owners_ = container_owners(facts, {manager(kManagerId), manager("orders-taskmanager-1-2")});
  }
  static TaskManagerFacts manager(const std::string& id) {
    TaskManagerFacts facts;
    facts.id = id;
    return facts;
  }
  Result<Scrape> scrape(const std::string& page) {
    ContainerScrape parse(3, selection_, owners_, limits_);
    EXPECT_TRUE(parse.feed(page).ok());
    return parse.finish(1000, entities_, nullptr);
  }
  std::optional<double> value(const Scrape& scrape, Metric metric) const {
    const auto& keys = scrape.batch.layout->keys;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == SeriesKey{metric, tm_}) return scrape.batch.values[i];
    }
    return std::nullopt;
  }

  Limits limits_;
  EntityTable entities_{1000};
  Selection selection_{{Metric::host_resident_anonymous, Metric::cgroup_limit, Metric::cgroup_usage,
                        Metric::host_descriptors_max}};
  ContainerOwners owners_;
  EntityId tm_{};
};

TEST_F(ContainersTest, TakesFlinksContainersOfThisClusterAlone) {
  const Result<Scrape> result =
      scrape(line("container_memory_rss", kManagerId, "flink-main-container", "1.5e9") +
             line("container_memory_rss", kManagerId, "", "1.6e9") +
             line("container_memory_rss", kManagerId, "POD", "1000") +
             line("container_memory_rss", "other-taskmanager-1-1", "flink-main-container", "7e9") +
             line("container_spec_memory_limit_bytes", kManagerId, "flink-main-container", "2e9") +
             line("container_ulimits_soft", kManagerId, "flink-main-container", "1024",
                  ",ulimit=\"max_open_files\"") +
             line("container_ulimits_soft", kManagerId, "flink-main-container", "7",
                  ",ulimit=\"max_locks\"") +
             line("container_memory_rss", "orders-7c9f", "flink-main-container", "5e8"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(value(*result, Metric::host_resident_anonymous), 1.5e9);
  EXPECT_EQ(value(*result, Metric::cgroup_limit), 2e9);
  EXPECT_EQ(value(*result, Metric::host_descriptors_max), 1024);
  EXPECT_THAT(result->batch.values, SizeIs(4)) << "these and the JobManager's";
  EXPECT_EQ(result->stats.faults_total(), 0U);
}

TEST_F(ContainersTest, NoLimitIsNoLimitOfZero) {
  const Result<Scrape> result =
      scrape(line("container_spec_memory_limit_bytes", kManagerId, "flink-main-container", "0") +
             line("container_memory_usage_bytes", kManagerId, "flink-main-container", "3e9"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(value(*result, Metric::cgroup_limit), std::nullopt);
  EXPECT_EQ(value(*result, Metric::cgroup_usage), 3e9);
}

TEST_F(ContainersTest, OfTheOldAndTheNewContainerNothingIsTaken) {
  const Result<Scrape> result =
      scrape(line("container_memory_rss", kManagerId, "flink-main-container", "1e9") +
             line("container_memory_rss", kManagerId, "flink-main-container", "2e9", ",x=\"2\"") +
             line("container_memory_usage_bytes", kManagerId, "flink-main-container", "3e9"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(value(*result, Metric::host_resident_anonymous), std::nullopt);
  EXPECT_EQ(value(*result, Metric::cgroup_usage), 3e9);
  EXPECT_EQ(result->series_duplicate, 2U);
}

TEST_F(ContainersTest, WhichContainerIsFlinksMustBeTold) {
  EXPECT_THAT(owners_, SizeIs(2));
  EXPECT_FALSE(owners_.contains("flink/orders-taskmanager-1-2")) << "two of them, none by its name";
}

TEST_F(ContainersTest, APageWithoutContainersIsNoKubelets) {
  const Result<Scrape> result = scrape("# TYPE up gauge\nup 1\n");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("/metrics/cadvisor"));
  EXPECT_TRUE(scrape(line("container_memory_rss", "x", "y", "1")).ok()) << "a node without ours";
}

TEST_F(ContainersTest, StaysWithinItsCap) {
  limits_.series_per_source_max = 1;
  const Result<Scrape> result =
      scrape(line("container_memory_rss", kManagerId, "flink-main-container", "1e9") +
             line("container_memory_usage_bytes", kManagerId, "flink-main-container", "3e9"));
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->batch.values, SizeIs(1));
  EXPECT_EQ(result->series_dropped, 1U);
}

}  // namespace
}  // namespace doctor
