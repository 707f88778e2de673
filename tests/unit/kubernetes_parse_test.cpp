// Lists, watch lines, quantities and times of the Kubernetes API: good, broken, hostile.
#include "collectors/kubernetes/parse.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "collectors/kubernetes/look.hpp"
#include "collectors/kubernetes/ours.hpp"
#include "collectors/kubernetes/quantity.hpp"
#include "collectors/kubernetes/targets.hpp"
#include "collectors/kubernetes/watch_sink.hpp"
#include "collectors/percent_encoding.hpp"
#include "tests/unit/kubernetes_fixtures.hpp"

namespace doctor::kubernetes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

const Limits kLimits;

TEST(KubernetesQuantity, IsExact) {
  EXPECT_THAT(parse_quantity("1728Mi"), Optional(1811939328.0));
  EXPECT_THAT(parse_quantity("1Gi"), Optional(1073741824.0));
  EXPECT_THAT(parse_quantity("1.5Gi"), Optional(1610612736.0));
  EXPECT_THAT(parse_quantity("1500m"), Optional(1.5));
  EXPECT_THAT(parse_quantity("100m"), Optional(0.1));
  EXPECT_THAT(parse_quantity("2e9"), Optional(2e9));
  EXPECT_THAT(parse_quantity("2E3"), Optional(2000.0));
  EXPECT_THAT(parse_quantity("2E"), Optional(2e18));
  EXPECT_THAT(parse_quantity("1e-3"), Optional(0.001));
  EXPECT_THAT(parse_quantity("1e+3"), Optional(1000.0));
  EXPECT_THAT(parse_quantity("+4"), Optional(4.0));
  EXPECT_THAT(parse_quantity("0"), Optional(0.0));
  EXPECT_THAT(parse_quantity(".5"), Optional(0.5));
  EXPECT_THAT(parse_quantity("5."), Optional(5.0));
  EXPECT_THAT(parse_quantity("500k"), Optional(500000.0));
  EXPECT_THAT(parse_quantity("1Ei"), Optional(1152921504606846976.0));
  EXPECT_THAT(parse_quantity("250n"), Optional(250e-9));
  EXPECT_THAT(parse_quantity("128974848"), Optional(128974848.0));
}

TEST(KubernetesQuantity, RefusesTheRest) {
  for (const char* text :
       {"",     "-1", "Mi",   "1K",  "1mi", "1Mib", "1 Gi", "1..5",  ".",   "1e",
        "1e99", "e3", "0x10", "inf", "nan", "1Gi ", "1,5",  "1e3Mi", "+-1", "1e++3"}) {
    EXPECT_EQ(parse_quantity(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_quantity(std::string(100, '9')), std::nullopt);
}

TEST(KubernetesTime, IsUtcWithOrWithoutFraction) {
  EXPECT_THAT(parse_time("1970-01-01T00:00:00Z"), Optional(0));
  EXPECT_THAT(parse_time("2026-11-21T09:15:00Z"), Optional(1795252500000));
  EXPECT_THAT(parse_time("2026-11-21T09:15:00.25Z"), Optional(1795252500250));
  EXPECT_THAT(parse_time("2026-11-21T09:15:00.123456Z"), Optional(1795252500123));
  for (const char* text : {"", "Z", "2026-11-21", "2026-11-21T09:15:00", "2026-13-21T09:15:00Z",
                           "2026-02-30T09:15:00Z", "2026-11-21T24:15:00Z", "2026-11-21T09:15:00.Z",
                           "2026-11-21T09:15:00+01:00", "x026-11-21T09:15:00Z"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(KubernetesPods, ReadsARecordedList) {
  const auto page = parse_pod_page(kubernetes_fixture("pods.json"), kLimits);
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_EQ(page->resource_version, "1000");
  EXPECT_EQ(page->continue_token, "");
  ASSERT_EQ(page->pods.size(), 3U);
  const PodFacts& manager = page->pods[0];
  EXPECT_EQ(manager.full_name(), "flink/orders-7c9f");
  EXPECT_EQ(manager.role, PodRole::job_manager);
  EXPECT_TRUE(manager.native);
  EXPECT_EQ(manager.app, "orders");
  EXPECT_EQ(manager.ip, "10.1.0.4");
  EXPECT_EQ(manager.node, "node-1");
  EXPECT_TRUE(manager.running());
  const PodFacts& worker = page->pods[2];
  EXPECT_EQ(worker.role, PodRole::task_manager);
  const ContainerFacts* container = worker.flink_container();
  ASSERT_NE(container, nullptr);
  EXPECT_THAT(container->memory_limit, Optional(1811939328.0));
  EXPECT_THAT(container->cpu_limit, Optional(1.0));
  EXPECT_THAT(container->cpu_request, Optional(0.5));
  EXPECT_THAT(container->restarts, Optional(2));
  EXPECT_THAT(container->ready, Optional(true));
  ASSERT_NE(container->death(), nullptr);
  EXPECT_TRUE(container->death()->oom_killed());
  EXPECT_EQ(container->death()->exit_code, 137);
  EXPECT_THAT(container->death()->signal, Optional(9));
  EXPECT_THAT(container->death()->finished_at, Optional(1795252500000));
}

TEST(KubernetesPods, WhatIsNotToldIsAbsent) {
  const auto page = parse_pod_page(
      R"({"kind":"PodList","metadata":{"resourceVersion":"1","continue":"c"},"items":[
          {"metadata":{"name":"a","namespace":"n"},"spec":{"containers":[{"name":"x",
           "resources":{"limits":{"memory":"much"}}},{"name":"y"}]}}]})",
      kLimits);
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_EQ(page->continue_token, "c");
  const PodFacts& pod = page->pods.at(0);
  EXPECT_EQ(pod.role, PodRole::unknown);
  EXPECT_EQ(pod.phase, "");
  EXPECT_EQ(pod.flink_container(), nullptr) << "two containers, neither is Flink's by name";
  EXPECT_EQ(pod.containers.at(0).memory_limit, std::nullopt);
  EXPECT_EQ(pod.containers.at(0).restarts, std::nullopt);
  EXPECT_EQ(pod.containers.at(0).death(), nullptr);
  EXPECT_TRUE(parse_pod_page(
                  R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":null})", kLimits)
                  .ok());
}

TEST(KubernetesPods, RefusesWhatIsNoList) {
  const std::string pod = R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[)";
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("{}"), std::string("<html>"),
        std::string(R"({"kind":"Status","metadata":{},"code":403})"), pod + "1]}",
        pod + R"({"metadata":{"name":"../x","namespace":"n"}}]})",
        pod + R"({"metadata":{"name":"a","namespace":"n"},"status":{"podIP":"evil/host"}}]})",
        pod + R"({"metadata":{"name":"a","namespace":"n"},"status":{"containerStatuses":[
            {"name":"x","state":{"terminated":{"reason":"Error"}}}]},
            "spec":{"containers":[{"name":"x"}]}}]})"}) {
    const auto page = parse_pod_page(body, kLimits);
    ASSERT_FALSE(page.ok()) << body;
    EXPECT_EQ(page.error().code, ErrorCode::malformed) << body;
  }
  EXPECT_EQ(parse_pod_page(std::string(100, '['), kLimits).error().code, ErrorCode::too_large);
}

TEST(KubernetesWatch, ReadsRecordedLines) {
  const std::vector<std::string> lines = watch_lines();
  using Kind = WatchLine::Kind;
  std::vector<Kind> kinds;
  std::vector<std::string> versions;
  for (const std::string& text : lines) {
    const auto line = parse_watch_line(text, kLimits);
    ASSERT_TRUE(line.ok()) << line.error().message;
    kinds.push_back(line->kind);
    versions.push_back(line->resource_version);
  }
  EXPECT_THAT(kinds, ElementsAre(Kind::modified, Kind::modified, Kind::deleted, Kind::added,
                                 Kind::bookmark));
  EXPECT_THAT(versions, ElementsAre("1010", "1011", "1012", "1013", "1020"));
  const auto killed = parse_watch_line(lines[1], kLimits);
  EXPECT_TRUE(killed->pod.deleting_at.has_value());
  EXPECT_TRUE(killed->pod.containers.at(0).ended->oom_killed());
  const auto starting = parse_watch_line(lines[3], kLimits);
  EXPECT_EQ(starting->pod.containers.at(0).waiting, "ContainerCreating");
  EXPECT_EQ(starting->pod.ip, "");
}

TEST(KubernetesWatch, TellsExpiryFromOtherErrors) {
  const auto expired = parse_watch_line(kubernetes_fixture("expired.json"), kLimits);
  ASSERT_TRUE(expired.ok());
  EXPECT_EQ(expired->kind, WatchLine::Kind::expired);
  EXPECT_THAT(expired->message, HasSubstr("too old resource version"));
  const auto other = parse_watch_line(
      R"({"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd"}})", kLimits);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->kind, WatchLine::Kind::error);
  for (const char* text : {"", "1", "{}", R"({"type":"ADDED"})", R"({"type":"ODD","object":{}})",
                           R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})",
                           R"({"type":"BOOKMARK","object":{"metadata":{}}})"}) {
    EXPECT_FALSE(parse_watch_line(text, kLimits).ok()) << text;
  }
}

constexpr std::string_view kBytes{"\0\"{]9\xff", 6};

/// Cut and changed at every `stride`-th byte.
void maltreat(const std::string& line, std::size_t stride) {
  for (std::size_t i = 0; i < line.size(); i += stride) {
    EXPECT_FALSE(parse_watch_line(std::string_view(line).substr(0, i), kLimits).ok()) << i;
    std::string changed = line;
    changed[i] = kBytes[i % kBytes.size()];
    static_cast<void>(parse_watch_line(changed, kLimits).ok());
  }
}

TEST(KubernetesParsers, SurviveCutsAndChangedBytes) {
  for (const std::string& line : watch_lines()) maltreat(line, 23);
  maltreat(
      R"({"type":"MODIFIED","object":{"metadata":{"name":"a","namespace":"n","resourceVersion":"1"},)"
      R"("spec":{"containers":[{"name":"x","resources":{"limits":{"memory":"1Gi"}}}]},"status":{)"
      R"("podIP":"10.1.0.5","containerStatuses":[{"name":"x","restartCount":1,"state":{"terminated":)"
      R"({"exitCode":137,"reason":"OOMKilled","finishedAt":"2026-11-21T09:15:00Z"}}}]}}})",
      1);
  const std::string list = kubernetes_fixture("pods.json");
  for (std::size_t i = 0; i + 2 < list.size(); i += 41) {
    EXPECT_FALSE(parse_pod_page(std::string_view(list).substr(0, i), kLimits).ok()) << i;
  }
  const std::string status = kubernetes_fixture("forbidden.json");
  for (std::size_t i = 0; i < status.size(); ++i) {
    std::string changed = status.substr(0, i) + kBytes[i % kBytes.size()] + status.substr(i);
    static_cast<void>(status_message(changed));
    static_cast<void>(status_message(std::string_view(status).substr(0, i)));
  }
}

TEST(KubernetesDeployments, SayTheirState) {
  const auto found = parse_deployments(kubernetes_fixture("flinkdeployments.json"), kLimits);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).lifecycle_state, "FAILED");
  EXPECT_EQ(found->at(0).job_state, "RECONCILING");
  EXPECT_THAT(found->at(0).error, HasSubstr("quota exceeded"));
  EXPECT_EQ(found->at(1).lifecycle_state, "");
  EXPECT_FALSE(parse_deployments("{}", kLimits).ok());
}

TEST(KubernetesDeployments, TheirErrorIsTheExceptionsMessage) {
  const auto error = [](const std::string& text) {
    const nlohmann::json item{{"metadata", {{"name", "a"}, {"namespace", "n"}}},
                              {"status", {{"error", text}}}};
    const nlohmann::json list{{"items", {item}}};
    return parse_deployments(list.dump(), kLimits).value().at(0).error;
  };
  EXPECT_EQ(error(R"({"type":"x.FailedException","message":"no \u0007 quota","more":{}})"),
            "no   quota");
  EXPECT_EQ(error("a plain sentence"), "a plain sentence");
  for (const char* odd : {R"({"type":"x"})", R"({"message":5})", R"({"message":"cut)", "{"}) {
    EXPECT_EQ(error(odd), odd);
  }
}

TEST(KubernetesDeployments, AreOursWhenTheSelectorAsksForTheirApp) {
  const auto kept = [](std::string_view selector) {
    std::vector<FlinkDeploymentFacts> all(2);
    all[0].name = "orders";
    all[1].name = "payments";
    keep_ours(all, selector);
    std::string names;
    for (const FlinkDeploymentFacts& one : all) names += one.name + " ";
    return names;
  };
  for (const char* selector :
       {"app=orders", "component=taskmanager, app == orders", "app=orders,x"}) {
    EXPECT_EQ(kept(selector), "orders ") << selector;
  }
  EXPECT_EQ(kept("app=others"), "");
  for (const char* selector :
       {"", "team=a", "app", "app!=orders", "app in (orders,b)", "my/app=x", "=,"}) {
    EXPECT_EQ(kept(selector), "orders payments ") << selector;
  }
}

TEST(KubernetesWarnings, AreOursWhenTheyAreAboutWhatIsKnown) {
  KubernetesFacts known;
  PodFacts pod;
  pod.name = "orders-1";
  known.pods = {std::make_shared<const PodFacts>(pod)};
  pod.name = "orders-0";
  known.gone = {{std::make_shared<const PodFacts>(pod), 1}};
  known.deployments.emplace(1).at(0).name = "orders";
  std::vector<KubernetesWarning> all(5);
  all[0].object = "Pod orders-1";
  all[1].object = "Pod orders-0";
  all[2].object = "FlinkDeployment orders";
  all[3].object = "Pod orders";
  all[4].object = "FlinkDeployment payments";
  keep_ours(all, "", known);
  EXPECT_EQ(all.size(), 5U);
  keep_ours(all, "app=orders", known);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].object, "FlinkDeployment orders");
}

TEST(KubernetesLook, BelievesOneRefusalOnlyOfWhatItNeverSaw) {
  Look never;
  EXPECT_TRUE(never.believes(403, 0));
  EXPECT_TRUE(never.forbidden);
  EXPECT_EQ(never.due, kMinuteMs) << "the server may just have been started";
  EXPECT_TRUE(never.believes(403, 0));
  EXPECT_EQ(never.due, 10 * kMinuteMs);
  EXPECT_TRUE(never.believes(200, 0));
  EXPECT_FALSE(never.forbidden);
  EXPECT_EQ(never.due, kMinuteMs);
  for (const int status : {0, 401, 429, 500, 503})
    EXPECT_FALSE(never.believes(status, 0)) << status;
  EXPECT_EQ(never.due, kMinuteMs / 2);
  never.due = 0;
  EXPECT_FALSE(never.believes(404, 0));
  EXPECT_EQ(never.due, 0) << "ask at once again";
  EXPECT_FALSE(never.forbidden);
  EXPECT_TRUE(never.believes(404, 0));
  EXPECT_FALSE(never.forbidden);
}

TEST(KubernetesStatus, IsQuotedWhenItIsOne) {
  EXPECT_THAT(status_message(kubernetes_fixture("forbidden.json")),
              HasSubstr("cannot list resource \"pods\""));
  EXPECT_EQ(status_message("<html>"), "");
  EXPECT_EQ(status_message(R"({"message":5})"), "");
}

TEST(KubernetesTargets, EncodeAndCheck) {
  EXPECT_EQ(percent_encoded("app=orders,tier in (a)"), "app%3Dorders%2Ctier%20in%20%28a%29");
  EXPECT_EQ(percent_encoded("eyJ2/+="), "eyJ2%2F%2B%3D");
  EXPECT_TRUE(is_namespace("flink-1"));
  for (const char* text : {"", "-a", "a-", "A", "a.b", "a/b"}) EXPECT_FALSE(is_namespace(text));
  EXPECT_TRUE(is_selector("app.kubernetes.io/name=x,!canary"));
  EXPECT_FALSE(is_selector("app=x&limit=1"));
  EXPECT_FALSE(is_selector(std::string(501, 'a')));
}

TEST(KubernetesWatchSink, SplitsLinesWhateverTheWindows) {
  for (std::size_t size = 1; size < 12; ++size) {
    std::vector<std::string> lines;
    int opened = 0;
    const auto take = [&](std::string_view line) -> Status {
      lines.emplace_back(line);
      return Done{};
    };
    WatchSink sink(
        16, [&] { ++opened; }, take);
    HttpReply head;
    head.status = 200;
    sink.begin(head);
    const std::string body = "one\n\ntwo\nsixteen bytes ..\nrest";
    for (std::size_t i = 0; i < body.size(); i += size) {
      ASSERT_TRUE(sink.feed({body.data() + i, std::min(size, body.size() - i)}).ok());
    }
    EXPECT_THAT(lines, ElementsAre("one", "two", "sixteen bytes ..")) << size;
    EXPECT_EQ(opened, 1);
  }
}

TEST(KubernetesWatchSink, BoundsLinesAndRefusals) {
  const auto take = [](std::string_view) -> Status { return Done{}; };
  WatchSink sink(
      16, [] {}, take);
  HttpReply head;
  head.status = 200;
  sink.begin(head);
  const std::string line(17, 'x');
  EXPECT_EQ(sink.feed(line).error().code, ErrorCode::too_large);
  WatchSink refused(
      16, [] { ADD_FAILURE() << "it was refused"; }, take);
  head.status = 403;
  refused.begin(head);
  const std::string much(100'000, 'x');
  EXPECT_TRUE(refused.feed(much).ok());
  EXPECT_TRUE(refused.feed(much).ok());
  EXPECT_EQ(refused.refusal().size(), 16U << 10U);
}

}  // namespace
}  // namespace doctor::kubernetes
