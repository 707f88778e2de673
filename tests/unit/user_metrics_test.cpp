// Metrics that a job registers itself, from the configuration to reporter, REST and /metrics.
#include <gmock/gmock.h>

#include "agent/config/config.hpp"
#include "agent/delivery/flink_series.hpp"
#include "collectors/reporter.hpp"
#include "collectors/rest/vertex_metrics.hpp"

namespace doctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The catalogue is extended once per program, and tests share one.
Metric late_orders() {
  static const Metric added = [] {
    const UserMetric metric{"orders_late", "orders.late", Level::operator_, Unit::count,
                            Kind::counter};
    EXPECT_TRUE(add_user_metrics({&metric, 1}).ok());
    return *parse_metric("user_orders_late");
  }();
  return added;
}

TEST(UserMetrics, AreReadFromReporters) {
  const Selection selection({late_orders()});
  const auto match = selection.match("flink_taskmanager_job_task_operator_orders_late");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->metric, late_orders());
  EXPECT_FALSE(selection.match("flink_taskmanager_job_task_orders_late")) << "another level";
}

TEST(UserMetrics, AreAskedForThroughRest) {
  const rest::Wanted wanted({late_orders()});
  EXPECT_THAT(
      rest::wanted_vertex_ids({"Map.orders.late", "Map.orders.early", "orders.late"}, wanted, 10),
      ElementsAre("Map.orders.late"));
  EntityTable entities(100);
  const EntityId vertex = entities.intern(Level::vertex, kClusterEntity, "v");
  rest::KeyedValues values;
  ASSERT_TRUE(rest::parse_vertex_metrics(R"([{"id":"1.Map.orders.late","value":"7"}])", Limits{},
                                         vertex, entities, values)
                  .ok());
  ASSERT_EQ(values.size(), 1U);
  EXPECT_EQ(values[0].first.metric, late_orders());
  EXPECT_EQ(values[0].second, 7);
}

Metric lookup(const char* name, const char* quantile) {
  const std::string own = "user_" + std::string(name);
  if (const auto known = parse_metric(own)) return *known;
  const UserMetric metric{name,        "lookup.latency", Level::operator_, Unit::milliseconds,
                          Kind::gauge, quantile};
  EXPECT_TRUE(add_user_metrics({&metric, 1}).ok());
  return *parse_metric(own);
}

TEST(UserMetrics, OfHistogramsAreTheQuantilesThatAreAskedFor) {
  const Metric median = lookup("lookup_median", "0.5");
  const Metric p99 = lookup("lookup_p99", "0.99");
  const Selection selection({median, p99});
  const Limits limits;
  EntityTable entities(100);
  SeriesIndex known;
  const std::string family = "flink_taskmanager_job_task_operator_lookup_latency";
  const std::string labels =
      "{job_id=\"j\",task_id=\"v\",subtask_index=\"0\",operator_name=\"Map\",tm_id=\"tm\",";
  std::string body = "# TYPE " + family + " summary\n" + family + "_count" + labels + "} 12\n";
  for (const char* series : {"0.5\",} 3", "0.75\",} 4", "0.99\",} 9", "0.999\",} 11"}) {
    body += family + labels + "quantile=\"" + series + "\n";
  }
  for (int round = 0; round < 2; ++round) {  // strange series, and then known ones
    ReporterScrape parse(1, selection, limits, entities, known);
    ASSERT_TRUE(parse.feed(body));
    const Result<Scrape> scrape = parse.finish(1000, entities);
    ASSERT_TRUE(scrape.ok());
    EXPECT_EQ(scrape->series_duplicate, 0U);
    ASSERT_EQ(scrape->batch.values.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      const bool is_median = scrape->batch.layout->keys[i].metric == median;
      EXPECT_EQ(scrape->batch.values[i], is_median ? 3 : 9);
    }
  }
  EXPECT_THAT(rest::wanted_vertex_ids({"Map.lookup.latency_p99", "Map.lookup.latency_p999",
                                       "Map.lookup.latency_median", "Map.lookup.latency_mean"},
                                      rest::Wanted({median, p99}), 10),
              testing::UnorderedElementsAre("Map.lookup.latency_p99", "Map.lookup.latency_median"));
}

TEST(UserMetrics, AreExportedWithTheirKind) {
  EXPECT_EQ(curated_name(info(late_orders())), "flink_doctor_flink_user_orders_late_total");
  EXPECT_THAT(exported_metrics(Config{}), testing::Contains(late_orders()));
  EXPECT_TRUE(is_user_metric(late_orders()));
  EXPECT_FALSE(is_user_metric(Metric::jvm_cpu_time));
}

TEST(UserMetrics, ThatCannotBeAreRefusedAndNoneIsAdded) {
  late_orders();
  const std::size_t before = metric_catalogue().size();
  const std::vector<UserMetric> bad{
      {"Late", "a"},
      {"", "a"},
      {"a b", "a"},
      {"fine", ""},
      {"fine", "a.*"},
      {"fine", "a", Level::column_family},
      {"orders_late", "x"},
      {"q", "a", Level::operator_, Unit::count, Kind::gauge, "0.9"},
      {"q", "a", Level::operator_, Unit::count, Kind::counter, "0.99"}};
  for (const UserMetric& metric : bad) {
    const std::vector<UserMetric> two{{"innocent", "a"}, metric};
    EXPECT_FALSE(add_user_metrics(two).ok()) << metric.name;
  }
  EXPECT_FALSE(add_user_metrics(std::vector<UserMetric>{{"twin", "a"}, {"twin", "b"}}).ok());
  EXPECT_FALSE(add_user_metrics(std::vector<UserMetric>(kUserMetricsMax + 1, {"x", "a"})).ok());
  EXPECT_EQ(metric_catalogue().size(), before);
}

TEST(UserMetrics, AreConfigured) {
  const Result<Config> config = parse_config(
      "user_metrics:\n- {name: late, metric: orders.late, level: task, unit: bytes, kind: "
      "counter}\n"
      "- {name: depth, metric: depth, quantile: 0.99}\n");
  ASSERT_TRUE(config.ok());
  ASSERT_EQ(config->user_metrics.size(), 2U);
  EXPECT_EQ(config->user_metrics[0].level, Level::subtask);
  EXPECT_EQ(config->user_metrics[0].unit, Unit::bytes);
  EXPECT_EQ(config->user_metrics[0].kind, Kind::counter);
  EXPECT_EQ(config->user_metrics[1].level, Level::operator_);
  EXPECT_EQ(config->user_metrics[1].quantile, "0.99");
  const Result<Config> wrong = parse_config("user_metrics: [{name: a, metric: b, unit: furlongs}]");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("user_metrics[0].unit: is one of bytes, "));
}

}  // namespace
}  // namespace doctor
