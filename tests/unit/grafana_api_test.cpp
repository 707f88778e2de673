#include "agent/delivery/grafana_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(GrafanaApi, BuildInfoNamesTheDialect) {
  EXPECT_EQ(prometheus_buildinfo("0.1.0").body,
            R"({"status":"success","data":{"version":"2.42.0","revision":"0.1.0",)"
            R"("branch":"flink-doctor","buildUser":"","buildDate":"","goVersion":""}})");
}

TEST(GrafanaApi, RulesAreDetectors) {
  View view = sick_cluster();
  view.clusters.front().detectors.resize(1);
  view.clusters.front().detectors.front().detector = "some_leak";
  view.findings.front().finding = {};
  view.findings.front().finding.detector = "some_leak";
  view.findings.front().finding.subject.cluster = "prod";
  view.findings.front().finding.summary = "It leaks.";
  EXPECT_EQ(
      prometheus_rules(view, "type=alert").body,
      R"json({"status":"success","data":{"groups":[{"name":"prod","file":"flink-doctor","rules":[)json"
      R"json({"state":"firing","name":"FlinkSomeLeak",)json"
      R"json("query":"flink_doctor_finding_active{cluster=\"prod\",detector=\"some_leak\"} > 0",)json"
      R"json("duration":0,"labels":{"cluster":"prod","detector":"some_leak"},)json"
      R"json("annotations":{"runbook":"detectors/some_leak.md"},"alerts":[)json"
      R"json({"labels":{"alertname":"FlinkSomeLeak","cluster":"prod","detector":"some_leak",)json"
      R"json("severity":"info"},"annotations":{"confidence":"suspected",)json"
      R"json("finding_id":"some_leak/prod","flink_url":"http://jm:8081",)json"
      R"json("runbook":"detectors/some_leak.md","summary":"It leaks."},"state":"firing",)json"
      R"json("activeAt":"2026-11-21T08:21:20.000Z","value":"1e+00"}],)json"
      R"json("health":"ok","evaluationTime":0,"lastEvaluation":"2026-11-21T08:33:20.000Z",)json"
      R"json("type":"alerting"}],"interval":10,"limit":0,"evaluationTime":0,)json"
      R"json("lastEvaluation":"2026-11-21T08:33:20.000Z"}]}})json");
}

TEST(GrafanaApi, RulesSayWhatCannotBeJudged) {
  const std::string body = prometheus_rules(one_cluster(), "").body;
  EXPECT_THAT(body, HasSubstr(R"("health":"unknown","lastError":"no reporter")"));
  EXPECT_THAT(body, HasSubstr(R"("state":"inactive","name":"FlinkBackpressure")"));
}

TEST(GrafanaApi, HonoursTheType) {
  const ApiAnswer records = prometheus_rules(sick_cluster(), "x=1&type=record");
  EXPECT_EQ(records.status, 200);
  EXPECT_THAT(records.body, HasSubstr(R"("rules":[])"));
  const ApiAnswer wrong = prometheus_rules(sick_cluster(), "type=%3Cscript%3E");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr(R"("errorType":"bad_data")"));
  EXPECT_THAT(wrong.body, Not(HasSubstr("script")));
}

TEST(GrafanaApi, AlertsAreWhatIsActive) {
  View view = sick_cluster();
  view.findings.push_back(leak("gone"));
  view.findings.back().state = FindingState::resolved;
  view.findings.push_back(leak("soon"));
  view.findings.back().state = FindingState::pending;
  const std::string body = prometheus_alerts(view).body;
  EXPECT_THAT(body, HasSubstr(R"("host":"host-3")"));
  EXPECT_THAT(body, HasSubstr(R"("state":"pending")"));
  EXPECT_THAT(body, Not(HasSubstr("gone")));
  EXPECT_EQ(prometheus_alerts(View{}).body, R"({"status":"success","data":{"alerts":[]}})");
}

TEST(GrafanaApi, AnswersSaveAndTest) {
  const ApiAnswer answer = prometheus_query("time=1&query=1%2B1", kNow);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            R"({"status":"success","data":{"resultType":"scalar","result":[1795250000.0,"2"]}})");
  EXPECT_EQ(prometheus_query("query=1+1", kNow).status, 200);
  for (const char* other : {"", "query=", "query=up", "query=%zz", "query", "&&=&"}) {
    EXPECT_EQ(prometheus_query(other, kNow).status, 400) << other;
  }
  EXPECT_EQ(prometheus_labels().body, R"({"status":"success","data":[]})");
}

TEST(GrafanaApi, CleansHostileNames) {
  const View view = hostile_view();
  EXPECT_TRUE(is_clean(prometheus_rules(view, "").body, false));
  EXPECT_TRUE(is_clean(prometheus_alerts(view).body, false));
}

}  // namespace
}  // namespace doctor::test
