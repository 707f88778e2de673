// List and watch against a scripted API server over real sockets.
#include "collectors/kubernetes/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/clock.hpp"
#include "agent/net/access.hpp"
#include "agent/net/asio_http.hpp"
#include "tests/unit/fake_api_server.hpp"
#include "tests/unit/kubernetes_fixtures.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Then = FakeApiServer::Then;

class KubernetesSourceTest : public testing::Test {
 protected:
  KubernetesSourceTest() {
    limits.kubernetes_list_gap_ms = 20;
    limits.kubernetes_back_off_min_ms = 10;
    limits.kubernetes_back_off_max_ms = 50;
    limits.credentials_recheck_ms = 0;
    access.auth_block = "clusters[0].kubernetes.auth";
  }

  /// Runs until `done`, which is asked again and again; false: it never was within 20 s.
  bool run_until(const std::function<bool()>& done) {
    Resolver resolver(limits);
    asio::io_context io(1);
    const std::unique_ptr<Http> http = make_asio_http(resolver, limits);
    KubernetesSourceConfig config;
    config.source = 3;
    config.api_server = Endpoint{"127.0.0.1", server.port(), {}, false, {}};
    config.api_server.access = std::make_shared<const HttpAccess>(access);
    config.namespace_ = "flink";
    config.selector = "app=orders";
    KubernetesSource source(config, *http, limits, clock,
                            [&](StreamItem item) { take(std::move(item)); });
    asio::cancellation_signal stop, stop_looking;
    bool ended = false, looked = false;
    asio::co_spawn(io, source.run(),
                   asio::bind_cancellation_slot(stop.slot(), [&](auto) { ended = true; }));
    asio::co_spawn(io, source.look_around(),
                   asio::bind_cancellation_slot(stop_looking.slot(), [&](auto) { looked = true; }));
    bool reached = false;
    const auto began = std::chrono::steady_clock::now();
    while (!reached && !ended && std::chrono::steady_clock::now() - began < 20s) {
      io.run_for(2ms);
      reached = done();
    }
    stop.emit(asio::cancellation_type::terminal);
    stop_looking.emit(asio::cancellation_type::terminal);
    io.run_for(10s);
    EXPECT_TRUE(ended && looked) << "cancellation did not end it";
    return reached;
  }

  void take(StreamItem item) {
    if (const auto* event = std::get_if<Event>(&item.what)) events.push_back(*event);
    if (const auto* pods = std::get_if<KubernetesFactsPtr>(&item.what)) facts = *pods;
    if (const auto* source = std::get_if<SourceHealth>(&item.what)) {
      health = *source;
      if (health.last_error) messages.push_back(health.last_error->message);
    }
  }
  bool saw(EventKind kind) const {
    return std::any_of(events.begin(), events.end(),
                       [&](const Event& event) { return event.kind == kind; });
  }
  /// A list of nothing but its version.
  static std::string empty_list(const std::string& version, const std::string& more = "") {
    return R"({"kind":"PodList","metadata":{"resourceVersion":")" + version + R"(","continue":")" +
           more + R"("},"items":[]})";
  }
  static std::string one_pod(const std::string& name, const std::string& more) {
    return R"({"kind":"PodList","metadata":{"resourceVersion":"5","continue":")" + more +
           R"("},"items":[{"metadata":{"name":")" + name + R"(","namespace":"flink"}}]})";
  }

  Limits limits;
  std::function<TimestampMs()> clock = now_ms;
  HttpAccess access;
  FakeApiServer server;
  std::vector<Event> events;
  KubernetesFactsPtr facts;
  SourceHealth health;
  std::vector<std::string> messages;
};

TEST_F(KubernetesSourceTest, CatchesAnOomKillThoughThePodIsDeletedRightAfter) {
  server.lists(kubernetes_fixture("pods.json"));
  server.watches(watch_lines(), Then::hang);
  ASSERT_TRUE(run_until([&] {
    return saw(EventKind::pod_oom_killed) && facts->pods.size() == 3 && facts->gone.size() == 1;
  }));
  EXPECT_THAT(events, SizeIs(1));
  EXPECT_TRUE(health.up);
  EXPECT_EQ(health.kind, SourceKind::kubernetes);
  EXPECT_EQ(health.pods, 3U);
  EXPECT_THAT(health.address, HasSubstr("flink/app=orders"));
  EXPECT_THAT(
      server.asked("watch=true"),
      Contains(AllOf(HasSubstr("resourceVersion=1000"), HasSubstr("allowWatchBookmarks"),
                     HasSubstr("/api/v1/namespaces/flink/pods?"), HasSubstr("timeoutSeconds="),
                     HasSubstr("labelSelector=app%3Dorders"))));
}

TEST_F(KubernetesSourceTest, GoesOnWhereACutWatchOrABookmarkEnded) {
  server.lists(kubernetes_fixture("pods.json"));
  const std::vector<std::string> lines = watch_lines();
  server.watches([lines](const loopback::Peer& peer) {
    FakeApiServer::begin_watch(peer);
    FakeApiServer::send_chunk(peer, lines[0] + "\n" + lines[1].substr(0, 300));
  });
  server.watches({lines[1], lines[2]}, Then::cut);
  server.watches({lines[4]}, Then::end);
  ASSERT_TRUE(run_until([&] { return server.asked("watch=true").size() == 4; }));
  const auto asked = server.asked("watch=true");
  EXPECT_THAT(asked,
              ElementsAre(HasSubstr("resourceVersion=1000"), HasSubstr("resourceVersion=1010"),
                          HasSubstr("resourceVersion=1012"), HasSubstr("resourceVersion=1020")));
  EXPECT_THAT(server.asked("pods?limit="), SizeIs(1));
  EXPECT_THAT(events, SizeIs(1));
  EXPECT_EQ(facts->pods.size(), 2U);
  EXPECT_THAT(messages, IsEmpty()) << "a cut is no outage";
  EXPECT_EQ(health.errors[ErrorCode::truncated] + health.errors[ErrorCode::reset], 2U);
}

TEST_F(KubernetesSourceTest, ListsAgainWhenItsPlaceIsForgotten) {
  server.lists(kubernetes_fixture("pods.json"));
  server.lists(empty_list("2000"));
  server.watches({kubernetes_fixture("expired.json")}, Then::end);
  server.watches(FakeApiServer::answers(R"({"kind":"Status","code":410})", 410));
  ASSERT_TRUE(run_until([&] { return server.asked("resourceVersion=2000").size() == 2; }));
  EXPECT_THAT(server.asked("limit=100"), SizeIs(Ge(3U)));
  EXPECT_TRUE(facts->pods.empty());
  EXPECT_EQ(facts->gone.size(), 3U);
  EXPECT_TRUE(saw(EventKind::pod_deleted));
}

TEST_F(KubernetesSourceTest, ReadsAllPagesAndGivesUpOnEndlessOnes) {
  server.lists(one_pod("a", "next/1"));
  server.lists(one_pod("b", "next/2"));
  server.lists(empty_list("9", "next/3"));
  ASSERT_TRUE(run_until([&] { return facts && facts->pods.size() == 2; }));
  EXPECT_THAT(server.asked("continue="),
              ElementsAre(HasSubstr("continue=next%2F1"), HasSubstr("continue=next%2F2")));
}

TEST_F(KubernetesSourceTest, NamesTheMissingRightAndKeepsTrying) {
  server.lists(kubernetes_fixture("forbidden.json"), 403);
  server.lists(kubernetes_fixture("forbidden.json"), 403);
  server.lists(kubernetes_fixture("pods.json"));
  ASSERT_TRUE(run_until([&] { return health.up; }));
  EXPECT_THAT(messages,
              Contains(AllOf(HasSubstr("the right to list pods in namespace flink is missing"),
                             HasSubstr("system:serviceaccount:flink:doctor"))));
  EXPECT_EQ(health.errors[ErrorCode::http_status], 2U);
}

TEST_F(KubernetesSourceTest, WithoutTheRightToWatchListsHaveToDo) {
  server.lists(kubernetes_fixture("pods.json"));
  server.watches(FakeApiServer::answers(kubernetes_fixture("forbidden.json"), 403));
  ASSERT_TRUE(run_until([&] { return health.last_error.has_value(); }));
  EXPECT_TRUE(health.up);
  EXPECT_THAT(health.last_error->message, HasSubstr("the right to watch pods"));
  EXPECT_EQ(facts->pods.size(), 3U);
}

TEST_F(KubernetesSourceTest, ATokenThatIsReplacedIsReadAgain) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                     ("doctor-kubernetes-token-" + std::to_string(getpid()));
  std::ofstream(file) << "old\n";
  access.auth.bearer_token_file = file.string();
  server.lets_in("new");
  server.lists(kubernetes_fixture("pods.json"));
  ASSERT_TRUE(run_until([&] {
    if (!health.up && !messages.empty()) {
      std::ofstream(file.string() + ".new") << "new\n";
      std::filesystem::rename(file.string() + ".new", file);
    }
    return health.up;
  }));
  std::filesystem::remove(file);
  EXPECT_THAT(messages.front(), HasSubstr("HTTP 401"));
  EXPECT_THAT(messages.front(), Not(HasSubstr("old")));
}

TEST_F(KubernetesSourceTest, TakesLinesThatDripByteByByte) {
  server.lists(kubernetes_fixture("pods.json"));
  server.watches([](const loopback::Peer& peer) {
    FakeApiServer::begin_watch(peer);
    const std::string line = watch_lines()[0] + "\n";
    for (std::size_t i = 0; i < line.size(); i += 97) {
      FakeApiServer::send_chunk(peer, line.substr(i, 97));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    peer.receive_all();  // and stays open: the line counts before the body has ended
  });
  ASSERT_TRUE(run_until([&] { return saw(EventKind::pod_oom_killed); }));
}

TEST_F(KubernetesSourceTest, ALineThatIsNoneMeansAnotherList) {
  server.lists(kubernetes_fixture("pods.json"));
  limits.kubernetes_line_bytes_max = 20'000;
  server.watches({"<html>"}, Then::hang);
  server.watches({R"({"type":"ERROR","object":{"code":500,"message":"etcd is away"}})"},
                 Then::hang);
  server.watches({std::string(20'001, 'x')}, Then::hang);
  ASSERT_TRUE(run_until([&] { return server.asked("watch=true").size() == 4; }));
  EXPECT_THAT(server.asked("pods?limit="), SizeIs(4));
  EXPECT_EQ(health.lines_malformed, 1U);
  EXPECT_EQ(health.line_faults.at(LineFault::bad_json), 1U);
  EXPECT_THAT(messages, Contains(HasSubstr("etcd is away")));
  EXPECT_THAT(messages, Contains(HasSubstr("longer than 20000 bytes")));
}

TEST_F(KubernetesSourceTest, AServerThatEndsEveryWatchAtOnceIsNotAskedInACircle) {
  limits.kubernetes_back_off_min_ms = 20;
  limits.kubernetes_back_off_max_ms = 5000;
  server.lists(kubernetes_fixture("pods.json"));
  for (int i = 0; i < 6; ++i) server.watches(std::vector<std::string>{}, Then::end);
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return server.asked("watch=true").size() == 6; }));
  // Waits of 20, 40, 80, 160 and 320 ms, of each at least the half.
  EXPECT_GE(std::chrono::steady_clock::now() - began, 310ms);
}

TEST_F(KubernetesSourceTest, SeesDeploymentsWhereItMay) {
  server.lists(kubernetes_fixture("pods.json"));
  server.deployments(kubernetes_fixture("flinkdeployments.json"), 200);
  ASSERT_TRUE(run_until([&] { return facts && facts->deployments; }));
  EXPECT_EQ(facts->deployments->at(0).lifecycle_state, "FAILED");
  EXPECT_THAT(messages, IsEmpty());
}

TEST_F(KubernetesSourceTest, SeesWarningsAboutItsPodsWhereItMay) {
  const auto event = [](const std::string& kind, const std::string& name, const std::string& more) {
    return R"({"type":"Warning","involvedObject":{"kind":")" + kind + R"(","name":")" + name +
           R"("},"message":"0/3 nodes are available: 3 Insufficient memory.")" + more + "}";
  };
  const PodFactsPtr pod = std::make_shared<const PodFacts>(
      kubernetes::parse_pod_page(kubernetes_fixture("pods.json"), limits)->pods.at(0));
  server.lists(kubernetes_fixture("pods.json"));
  server.events(R"({"kind":"EventList","items":[)" +
                event("Pod", pod->name, R"(,"reason":"FailedScheduling","count":7,
                  "lastTimestamp":"2026-11-21T08:30:00Z","eventTime":null,"series":null)") +
                "," + event("Pod", "somebody-elses", "") + "," + event("Node", "n1", "") + "," +
                event("Pod", pod->name, R"(,"reason":"BackOff","count":null,"lastTimestamp":null,
                  "eventTime":"2026-11-21T08:31:00.000000Z",
                  "series":{"count":3,"lastObservedTime":"2026-11-21T08:32:00.000000Z"})") +
                "]}");
  ASSERT_TRUE(run_until([&] { return facts && facts->warnings; }));
  ASSERT_THAT(*facts->warnings, SizeIs(2));
  const KubernetesWarning& newest = facts->warnings->at(0);
  EXPECT_EQ(newest.object, "Pod " + pod->name);
  EXPECT_EQ(newest.reason, "BackOff");
  EXPECT_EQ(newest.count, 3);
  EXPECT_EQ(facts->warnings->at(1).count, 7);
  EXPECT_THAT(facts->warnings->at(1).message, HasSubstr("Insufficient memory"));
  EXPECT_THAT(server.asked("/events?"), ElementsAre(HasSubstr("fieldSelector=type%3DWarning")));
  EXPECT_FALSE(kubernetes::parse_warnings("{}", limits).ok());
  EXPECT_FALSE(kubernetes::parse_warnings(R"({"items":[7]})", limits).ok());
}

TEST_F(KubernetesSourceTest, ThatDeploymentsAndEventsAreForbiddenIsSaidAndNoFault) {
  server.lists(kubernetes_fixture("pods.json"));
  server.deployments(kubernetes_fixture("forbidden.json"), 403);
  server.watches(watch_lines(), Then::hang);
  server.defines_deployments();
  ASSERT_TRUE(run_until([&] {
    return saw(EventKind::pod_oom_killed) && facts->deployments_forbidden &&
           facts->warnings_forbidden;
  }));
  EXPECT_THAT(messages, IsEmpty());
  EXPECT_FALSE(facts->deployments.has_value());
  EXPECT_FALSE(facts->warnings.has_value());
}

TEST_F(KubernetesSourceTest, WhatDoesNotExistIsNotForbidden) {
  server.lists(kubernetes_fixture("pods.json"));
  server.deployments("{}", 404);
  server.events(R"({"kind":"EventList","items":[]})");
  ASSERT_TRUE(run_until([&] { return facts && facts->warnings; }));
  EXPECT_FALSE(facts->deployments_forbidden);
  EXPECT_FALSE(facts->warnings_forbidden);
}

TEST_F(KubernetesSourceTest, WhatNobodyHasDefinedIsNotForbiddenToWhomItIsRefused) {
  server.lists(kubernetes_fixture("pods.json"));
  server.deployments(kubernetes_fixture("forbidden.json"), 403);
  ASSERT_TRUE(run_until([&] { return facts && facts->warnings_forbidden; }));
  EXPECT_THAT(server.asked("/apis/flink.apache.org/v1beta1"), SizeIs(2));
  EXPECT_FALSE(facts->deployments_forbidden);
}

// A server that has just been started does so until it has read who may what.
TEST_F(KubernetesSourceTest, OneRefusalOfAWatchThatWasAllowedIsNotBelieved) {
  server.lists(kubernetes_fixture("pods.json"));
  const std::vector<std::string> lines = watch_lines();
  server.watches({lines[0]}, Then::cut);
  server.watches(FakeApiServer::answers(kubernetes_fixture("forbidden.json"), 403));
  server.watches({lines[1]}, Then::hang);
  ASSERT_TRUE(run_until([&] { return server.asked("watch=true").size() == 3 && health.up; }));
  EXPECT_THAT(server.asked("pods?limit="), SizeIs(1));
  EXPECT_EQ(health.last_error, std::nullopt) << "a watch that has begun is allowed";
}

TEST_F(KubernetesSourceTest, AWatchThatIsRefusedAgainAndAgainIsForbidden) {
  server.lists(kubernetes_fixture("pods.json"));
  server.watches({watch_lines()[0]}, Then::cut);
  for (int i = 0; i < 3; ++i) {
    server.watches(FakeApiServer::answers(kubernetes_fixture("forbidden.json"), 403));
  }
  ASSERT_TRUE(run_until(
      [&] { return health.up && health.last_error && server.asked("watch=true").size() == 4; }));
  EXPECT_THAT(health.last_error->message, HasSubstr("the right to watch pods"));
}

TEST_F(KubernetesSourceTest, WhatWasSeenStandsUntilItIsRefusedTwice) {
  server.lists(kubernetes_fixture("pods.json"));
  server.defines_deployments();
  server.deployments(kubernetes_fixture("flinkdeployments.json"), 200);
  TimestampMs ahead = 0;
  clock = [&] { return now_ms() + ahead; };
  std::size_t asked_before = 0;
  enum { shown, untold, refused } now = shown;
  ASSERT_TRUE(run_until([&] {
    ahead += 5 * kSecondMs;
    const std::size_t asked = server.asked("/flinkdeployments").size();
    if (now == shown && facts && facts->deployments) {
      server.deployments("{}", 503);
      now = untold;
      asked_before = asked;
    } else if (now == untold && asked >= asked_before + 3) {
      EXPECT_TRUE(facts->deployments.has_value());
      server.deployments(kubernetes_fixture("forbidden.json"), 403);
      now = refused;
      asked_before = asked;
    }
    return now == refused && !facts->deployments;
  }));
  EXPECT_TRUE(facts->deployments_forbidden);
  EXPECT_GE(server.asked("/flinkdeployments").size(), asked_before + 2);
}

}  // namespace
}  // namespace doctor
