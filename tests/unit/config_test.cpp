#include "agent/config/config.hpp"

#include <gtest/gtest.h>

namespace doctor {
namespace {

TEST(Config, ReadsAWholeFile) {
  const Result<Config> config = parse_config(R"(
listen: 0.0.0.0:9700
data_dir: /var/lib/flink-doctor
alertmanagers: [http://am-0:9093, http://am-1:9093]
poll_interval: 20s
enable_compression: true
clusters:
  - name: orders
    namespace: streaming
    flink: [http://jm:8081, http://jm2:8081/flink]
    reporters: ["jm:9249", "tm:9250-9252"]
    expected_jobs: [orders]
    labels: {team: payments}
detectors:
  backpressure: {enabled: false}
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen_host, "0.0.0.0");
  EXPECT_EQ(config->listen_port, 9700);
  EXPECT_EQ(config->alertmanagers.size(), 2U);
  EXPECT_EQ(config->poll_interval_ms, 20'000);
  EXPECT_TRUE(config->limits.scrapes_gzip);
  ASSERT_EQ(config->clusters.size(), 1U);
  const ClusterConfig& cluster = config->clusters[0];
  EXPECT_EQ(cluster.flink.size(), 2U);
  EXPECT_EQ(cluster.flink[1].path_prefix, "/flink");
  ASSERT_EQ(cluster.reporters.size(), 2U);
  EXPECT_EQ(cluster.reporters[1].endpoints.size(), 3U);
  EXPECT_EQ(cluster.labels.at("team"), "payments");
  EXPECT_EQ(config->disabled_detectors, std::vector<std::string>{"backpressure"});
  EXPECT_TRUE(validate(*config));
}

TEST(Config, TheHistoryHasBoundsInDaysAndBytes) {
  const Result<Config> config = parse_config("history: {days: 3, bytes_max: 64MiB}");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->history.days, 3);
  EXPECT_EQ(config->history.bytes_max, 64U << 20U);
  EXPECT_FALSE(parse_config("history: {days: many}"));
  EXPECT_FALSE(parse_config("history: {bytes_max: 64}, hours: 1"));
  for (const char* bad :
       {"history: {days: 0}", "history: {days: 401}", "history: {bytes_max: 1MB}"}) {
    Result<Config> wrong = parse_config(bad);
    ASSERT_TRUE(wrong) << bad;
    wrong->clusters.push_back(*cluster_from_url("http://jm:8081"));
    EXPECT_FALSE(validate(*wrong)) << bad;
  }
}

TEST(Config, TheSeriesOfAllClustersHaveABound) {
  EXPECT_EQ(parse_config("{}")->limits.series_max, 400'000U);
  const Result<Config> config = parse_config("series_max: 1000000");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->limits.series_max, 1'000'000U);
  for (const char* bad : {"999", "-1", "0", "many", "1.5", "100000001", "1e9", "[1000]"}) {
    const Result<Config> wrong = parse_config(std::string("series_max: ") + bad);
    ASSERT_FALSE(wrong) << bad;
    EXPECT_NE(wrong.error().message.find("series_max: must be"), std::string::npos);
  }
}

TEST(Config, ListsEveryProblemWithItsPlace) {
  const Result<Config> config = parse_config(R"(
listn: 0.0.0.0:1
poll_interval: soon
clusters:
  - flink: ["ftp://jm:8081"]
    colour: blue
)");
  ASSERT_FALSE(config);
  const std::string& problems = config.error().message;
  EXPECT_NE(problems.find("listn: unknown key"), std::string::npos) << problems;
  EXPECT_NE(problems.find("poll_interval: "), std::string::npos) << problems;
  EXPECT_NE(problems.find("clusters[0].flink: "), std::string::npos) << problems;
  EXPECT_NE(problems.find("clusters[0].colour: unknown key"), std::string::npos) << problems;
}

TEST(Config, SyntaxErrorsAndStrangeDocumentsAreErrorsNotCrashes) {
  for (const char* text : {"a: [", "- 1\n- 2", "42", "clusters: 7", "clusters: [7]",
                           "detectors: {backpressure: 3}", "? [1, 2] : 3", "listen: {a: b}"}) {
    EXPECT_FALSE(parse_config(text)) << text;
  }
}

TEST(Config, ValidationRefusesUnknownDetectorsParametersAndNoCluster) {
  Config config;
  config.detector_params["backpresure"]["x"] = 1;
  config.detector_params["backpressure"]["no_such"] = 1;
  const Status ok = validate(config);
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().message.find("no cluster is configured"), std::string::npos);
  EXPECT_NE(ok.error().message.find("backpresure: no such detector"), std::string::npos);
  EXPECT_NE(ok.error().message.find("backpressure.no_such: no such parameter"), std::string::npos);
}

TEST(Config, LogsAreGlobsOfAbsolutePathsAndNotTooMany) {
  const Result<Config> config = parse_config(
      "clusters: [{flink: http://jm:8081, logs: [/opt/flink/log/*.log, /opt/flink/log/*.out]}]");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->clusters[0].logs,
            (std::vector<std::string>{"/opt/flink/log/*.log", "/opt/flink/log/*.out"}));
  EXPECT_TRUE(validate(*config));
  Config many = *config;
  many.clusters[0].logs.resize(17, "/log");
  EXPECT_FALSE(validate(many));
  const Result<Config> relative = parse_config("clusters: [{flink: http://jm:8081, logs: log}]");
  ASSERT_FALSE(relative);
  EXPECT_NE(relative.error().message.find("clusters[0].logs: "), std::string::npos);
}

TEST(Config, DurationsNeedAUnit) {
  EXPECT_EQ(*parse_duration("10s"), 10'000);
  EXPECT_EQ(*parse_duration("1.5m"), 90'000);
  EXPECT_EQ(*parse_duration("500ms"), 500);
  for (const char* text : {"10", "", "s", "-3s", "1e400s", "nan s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Config, ListenTakesHostAndPort) {
  Config config;
  EXPECT_TRUE(parse_listen("[::1]:80", config));
  EXPECT_EQ(config.listen_host, "::1");
  EXPECT_TRUE(parse_listen(":9669", config));
  EXPECT_EQ(config.listen_host, "0.0.0.0");
  for (const char* text : {"host", "host:", "host:70000", "host:12x"}) {
    EXPECT_FALSE(parse_listen(text, config)) << text;
  }
}

}  // namespace
}  // namespace doctor
