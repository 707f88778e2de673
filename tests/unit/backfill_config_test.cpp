// history.backfill in the configuration file: one store for all clusters, and what each adds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/config/config.hpp"
#include "agent/net/access.hpp"

namespace doctor {
namespace {

using query_range::Matcher;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BackfillConfig, AClusterAddsToWhatHoldsForAll) {
  // The clusters stand first on purpose.
  const Result<Config> config = parse_config(R"(
clusters:
  - {name: orders, flink: ["http://a:8081"], backfill: {match: {cluster: orders}, window: 36h}}
  - {name: bills, flink: ["http://b:8081"], backfill: {match: {job: "=~bills.*"}}}
  - name: own
    flink: ["http://c:8081"]
    backfill: {url: "http://other:9000", step: 15s}
history:
  backfill:
    url: "https://mimir/prometheus"
    auth: {headers: {X-Scope-OrgID: streaming}}
    match: {job: flink}
    patience: 2m
)");
  ASSERT_TRUE(config) << config.error().message;
  const BackfillSettings& orders = *config->clusters[0].backfill;
  EXPECT_EQ(orders.store.url(), "https://mimir:443/prometheus");
  EXPECT_THAT(orders.match,
              ElementsAre(Matcher{"cluster", "=", "orders"}, Matcher{"job", "=", "flink"}));
  EXPECT_EQ(orders.window_ms, 36 * kHourMs);
  EXPECT_EQ(orders.patience_ms, 2 * kMinuteMs);
  EXPECT_EQ(orders.step_ms, kMinuteMs);
  ASSERT_TRUE(orders.store.access);
  EXPECT_EQ(orders.store.access->auth.headers.at(0).name, "X-Scope-OrgID");
  const BackfillSettings& bills = *config->clusters[1].backfill;
  EXPECT_THAT(bills.match, ElementsAre(Matcher{"job", "=~", "bills.*"}));
  EXPECT_EQ(bills.window_ms, 7 * kDayMs);
  const BackfillSettings& own = *config->clusters[2].backfill;
  EXPECT_EQ(own.store.url(), "http://other:9000");
  EXPECT_FALSE(own.store.access->has_auth()) << "a secret goes to whom it was meant for";
  EXPECT_EQ(own.step_ms, 15 * kSecondMs);
  EXPECT_TRUE(validate(*config)) << validate(*config).error().message;
}

TEST(BackfillConfig, WithoutItNothingIsAsked) {
  const Result<Config> config = parse_config("clusters: [{name: a, flink: ['http://a:8081']}]");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->clusters[0].backfill);
}

TEST(BackfillConfig, TwoClustersNeverShareAPast) {
  const Result<Config> config = parse_config(R"(
history: {backfill: {url: "http://p:9090"}}
clusters:
  - {name: orders, flink: ["http://a:8081"]}
  - {name: bills, flink: ["http://b:8081"]}
)");
  ASSERT_TRUE(config);
  const Status valid = validate(*config);
  ASSERT_FALSE(valid);
  EXPECT_THAT(valid.error().message, HasSubstr("backfill.match"));
}

TEST(BackfillConfig, WhatIsWrongIsNamedWithItsPlace) {
  const auto problem = [](const std::string& block) {
    const Result<Config> config = parse_config(
        "clusters: [{name: a, flink: ['http://a:8081']}]\nhistory: {backfill: " + block + "}");
    return config ? std::string() : config.error().message;
  };
  EXPECT_THAT(problem("{}"), HasSubstr("needs a url"));
  EXPECT_THAT(problem("{url: 'ftp://x'}"), HasSubstr("history.backfill.url"));
  EXPECT_THAT(problem("{url: 'http://p', window: 30d}"), HasSubstr("window"));
  EXPECT_THAT(problem("{url: 'http://p', step: 5m}"), HasSubstr("step"));
  EXPECT_THAT(problem("{url: 'http://p', match: {'a b': x}}"), HasSubstr("history.backfill.match"));
  EXPECT_THAT(problem("{url: 'http://p', nonsense: 1}"), HasSubstr("nonsense"));
  EXPECT_THAT(problem("{url: 'http://p', tls: {ca_file: /x}}"), HasSubstr("https://"));
  EXPECT_EQ(problem("{url: 'http://p', step: 30s, window: 2d}"), "");
}

}  // namespace
}  // namespace doctor
