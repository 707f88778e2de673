#include "agent/delivery/routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/delivery/document.hpp"
#include "tests/unit/delivery_views.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    members_.add("am:9093");
    RoutePorts ports;
    ports.views = &views_;
    ports.notifiers = &members_;
    ports.clock = [this] { return now_; };
    ports.version = "0.1.0";
    handler_ = make_routes(ports);
  }
  InboundResponse get(const std::string& path, const std::string& query = {}) {
    return handler_({"GET", path, query, {}});
  }
  void publish(View view) { views_.publish(std::make_shared<const View>(std::move(view))); }

  TimestampMs now_{kNow};
  ViewPort views_;
  NotifierStats members_;
  InboundHandler handler_;
};

TEST_F(RoutesTest, AnswersBeforeTheFirstJudgement) {
  EXPECT_EQ(get("/-/healthy").status, 200);
  EXPECT_EQ(get("/-/ready").status, 503);
  EXPECT_EQ(get("/api/v1/findings").status, 503);
  EXPECT_EQ(get("/metrics").status, 200);
  EXPECT_EQ(get("/api/v1/rules", "type=alert").status, 200);
  EXPECT_THAT(*get("/").body, HasSubstr("No judgement yet."));
  now_ += kJudgementAgeMaxMs + 1;
  EXPECT_EQ(get("/-/healthy").status, 503);
}

TEST_F(RoutesTest, ServesTheView) {
  publish(sick_cluster());
  EXPECT_EQ(get("/-/ready").status, 200);
  EXPECT_EQ(*get("/api/v1/findings").body, findings_document(sick_cluster()));
  EXPECT_EQ(get("/api/v1/findings").content_type, "application/json; charset=utf-8");
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(*get("/metrics").body, HasSubstr("flink_doctor_alertmanager_sent_total"));
  EXPECT_THAT(*get("/").body, HasSubstr("CRITICAL metaspace_leak"));
  EXPECT_THAT(*get("/").body, HasSubstr("/api/v1/status/buildinfo"));
  EXPECT_THAT(*get("/api/v1/rules").body, HasSubstr("FlinkMetaspaceLeak"));
  EXPECT_THAT(*get("/api/v1/alerts").body, HasSubstr("FlinkMetaspaceLeak"));
  EXPECT_THAT(*get("/api/v1/status/buildinfo").body, HasSubstr("2.42.0"));
}

TEST_F(RoutesTest, IsNotHealthyWhenJudgingStopped) {
  publish(sick_cluster());
  now_ += kJudgementAgeMaxMs;
  EXPECT_EQ(get("/-/healthy").status, 200);
  now_ += 1;
  EXPECT_EQ(get("/-/healthy").status, 503);
  EXPECT_EQ(get("/-/ready").status, 200);
}

TEST_F(RoutesTest, RendersOncePerView) {
  publish(sick_cluster());
  const auto first = get("/api/v1/findings").body;
  EXPECT_EQ(get("/api/v1/findings").body, first);
  publish(one_cluster());
  EXPECT_NE(*get("/api/v1/findings").body, *first);
  const auto page = get("/metrics").body;
  EXPECT_EQ(get("/metrics").body, page);
  now_ += kSecondMs;
  EXPECT_NE(get("/metrics").body, page);
}

TEST_F(RoutesTest, AnswersGrafanasForm) {
  EXPECT_EQ(handler_({"POST", "/api/v1/query", "", "query=1%2B1"}).status, 200);
  EXPECT_EQ(get("/api/v1/query", "query=1%2B1").status, 200);
  EXPECT_EQ(get("/api/v1/query", "query=up").status, 400);
  EXPECT_EQ(get("/api/v1/labels").status, 200);
  EXPECT_EQ(handler_({"POST", "/metrics", "", ""}).status, 405);
}

TEST_F(RoutesTest, ListsWhatThereIsAndEchoesNothing) {
  for (const char* path : {"/nothing", "/metrics/", "", "/<script>", "/api/v1/query_range"}) {
    const InboundResponse response = get(path, "<script>");
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_THAT(*response.body, HasSubstr("  /metrics "));
    EXPECT_THAT(*response.body, Not(HasSubstr("<script>")));
  }
}

}  // namespace
}  // namespace doctor::test
