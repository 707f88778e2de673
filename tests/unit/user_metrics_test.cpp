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

TEST(UserMetrics, AreExportedWithTheirKind) {
  EXPECT_EQ(curated_name(info(late_orders())), "flink_doctor_flink_user_orders_late_total");
  EXPECT_THAT(exported_metrics(Config{}), testing::Contains(late_orders()));
  EXPECT_TRUE(is_user_metric(late_orders()));
  EXPECT_FALSE(is_user_metric(Metric::jvm_cpu_time));
}

TEST(UserMetrics, ThatCannotBeAreRefusedAndNoneIsAdded) {
  late_orders();
  const std::size_t before = metric_catalogue().size();
  const std::vector<UserMetric> bad{{"Late", "a"},       {"", "a"},
                                    {"a b", "a"},        {"fine", ""},
                                    {"fine", "a.*"},     {"fine", "a", Level::column_family},
                                    {"orders_late", "x"}};
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
      "- {name: depth, metric: depth}\n");
  ASSERT_TRUE(config.ok());
  ASSERT_EQ(config->user_metrics.size(), 2U);
  EXPECT_EQ(config->user_metrics[0].level, Level::subtask);
  EXPECT_EQ(config->user_metrics[0].unit, Unit::bytes);
  EXPECT_EQ(config->user_metrics[0].kind, Kind::counter);
  EXPECT_EQ(config->user_metrics[1].level, Level::operator_);
  const Result<Config> wrong = parse_config("user_metrics: [{name: a, metric: b, unit: furlongs}]");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("user_metrics[0].unit: is one of bytes, "));
}

}  // namespace
}  // namespace doctor
