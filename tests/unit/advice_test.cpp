#include "detectors/advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LinesNotSet, WithoutAConfigurationAllOfThem) {
  EXPECT_EQ(lines_not_set(nullptr, reporter_lines()), reporter_lines());
  EXPECT_EQ(lines_not_set(nullptr, {"a: b"}), std::vector<std::string>{"a: b"});
}

TEST(LinesNotSet, LeavesOutWhatIsSetAlready) {
  ClusterFacts cluster;
  cluster.configuration = {{"a.b", "true"}, {"a.c", "false"}};
  EXPECT_THAT(lines_not_set(&cluster, {"a.b: true", "a.c: true", "a.d: true"}),
              ElementsAre("a.c: true", "a.d: true"));
  EXPECT_THAT(lines_not_set(&cluster, {"a.b: true"}), IsEmpty());
}

TEST(LinesNotSet, AReporterThatIsOnWantsItsAddressTold) {
  ClusterFacts cluster;
  cluster.configuration = {{"metrics.reporter.mine.factory.class",
                            "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"},
                           {"metrics.reporter.mine.port", "9300-9310"}};
  EXPECT_THAT(lines_not_set(&cluster, reporter_lines()), ElementsAre("--reporter HOST:9300-9310"));
  cluster.configuration.erase("metrics.reporter.mine.port");
  EXPECT_THAT(lines_not_set(&cluster, reporter_lines()), ElementsAre("--reporter HOST:9249"));
}

TEST(LinesNotSet, AnotherReporterIsNotPrometheus) {
  ClusterFacts cluster;
  cluster.configuration = {
      {"metrics.reporter.log.factory.class", "org.apache.flink.metrics.slf4j.Slf4jReporterFactory"},
      {"metrics.reporter.log.interval", "60 SECONDS"}};
  EXPECT_EQ(lines_not_set(&cluster, reporter_lines()), reporter_lines());
}

}  // namespace
}  // namespace doctor
