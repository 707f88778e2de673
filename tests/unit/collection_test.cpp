// Sources that come and go: what discovery finds is scraped, what it finds no more is forgotten.
#include "agent/collection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/unit/fake_http.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using ::testing::UnorderedElementsAre;

const std::string kTaskManager =
    "# TYPE flink_taskmanager_Status_JVM_Threads_Count gauge\n"
    "flink_taskmanager_Status_JVM_Threads_Count{host=\"h\",tm_id=\"tm-1\",} 40.0\n";

class CollectionTest : public testing::Test {
 protected:
  CollectionTest()
      : path_(std::filesystem::temp_directory_path() /
              ("doctor-collection-" + std::to_string(getpid()) + ".json")) {
    cluster_.name = "test";
    cluster_.flink = {Endpoint{"jm", 8081, ""}};
    cluster_.reporters = {*parse_target_spec("file:" + path_.string())};
    http_.by_host["a"] = FakeReply{200, kTaskManager};
    http_.by_host["b"] = FakeReply{200, kTaskManager};
    http_.by_host["c"] = FakeReply{0, "", Error{ErrorCode::refused, "nothing listens"}};
  }
  ~CollectionTest() override { std::filesystem::remove(path_); }

  void targets(const std::string& json) { std::ofstream(path_) << json; }

  void poll() {
    if (!collection_) {
      collection_ = std::make_unique<Collection>(
          0, cluster_, config_, http_, resolver_, selection_, entities_, true,
          [this](StreamItem item) { items_.push_back(std::move(item)); });
    }
    items_.clear();
    http_.requests.clear();
    asio::io_context io(1);
    asio::co_spawn(io, collection_->poll_once(),
                   [](std::exception_ptr fault) { EXPECT_EQ(fault, nullptr); });
    io.run();
  }

  std::vector<std::string> scraped() const {
    std::vector<std::string> hosts;
    for (const HttpRequest& request : http_.requests) {
      if (request.target == "/metrics") hosts.push_back(request.endpoint.host);
    }
    return hosts;
  }
  std::vector<std::string> told(bool up, bool retired) const {
    std::vector<std::string> addresses;
    for (const StreamItem& item : items_) {
      const auto* health = std::get_if<SourceHealth>(&item.what);
      if (health == nullptr || health->kind != SourceKind::reporter) continue;
      if (health->up == up && health->retired == retired) addresses.push_back(health->address);
    }
    return addresses;
  }

  /// The newest that was told of a source.
  SourceHealth last(SourceKind kind) const {
    SourceHealth found;
    for (const StreamItem& item : items_) {
      const auto* health = std::get_if<SourceHealth>(&item.what);
      if (health != nullptr && health->kind == kind) found = *health;
    }
    return found;
  }

  std::filesystem::path path_;
  ClusterConfig cluster_;
  Config config_;
  FakeHttp http_;
  Resolver resolver_{config_.limits};
  Selection selection_{{Metric::jvm_threads}};
  EntityTable entities_{1000};
  std::unique_ptr<Collection> collection_;
  std::vector<StreamItem> items_;
};

TEST_F(CollectionTest, FollowsTheFileOfTargets) {
  targets(R"([{"targets":["a:1","c:1"]}])");
  poll();
  EXPECT_THAT(scraped(), UnorderedElementsAre("a", "c"));
  EXPECT_THAT(told(true, false), UnorderedElementsAre("a:1"));
  EXPECT_THAT(told(false, false), UnorderedElementsAre("c:1")) << "each of a file should answer";
  targets(R"([{"targets":["b:1"]}])");
  poll();
  EXPECT_THAT(scraped(), UnorderedElementsAre("b"));
  EXPECT_THAT(told(false, true), UnorderedElementsAre("a:1", "c:1"));
}

std::string job_manager(int threads, bool leads) {
  const std::string leader =
      "# TYPE flink_jobmanager_numRunningJobs gauge\n"
      "flink_jobmanager_numRunningJobs{host=\"h\",} 1.0\n";
  return "# TYPE flink_jobmanager_Status_JVM_Threads_Count gauge\n"
         "flink_jobmanager_Status_JVM_Threads_Count{host=\"h\",} " +
         std::to_string(threads) + ".0\n" + (leads ? leader : "");
}

/// Two processes of one name would be one that is another at every scrape.
TEST_F(CollectionTest, OfTwoJobManagersTheOneThatLeadsIsHeard) {
  targets(R"([{"targets":["b:1","a:1"]}])");
  const auto lead = [&](bool a, bool b) {
    http_.by_host["a"] = FakeReply{200, job_manager(70, a)};
    http_.by_host["b"] = FakeReply{200, job_manager(40, b)};
    poll();
  };
  using Roles = std::map<std::string, std::string>;
  const auto roles = [&] {
    Roles found;
    for (const StreamItem& item : items_) {
      const auto* health = std::get_if<SourceHealth>(&item.what);
      if (health == nullptr || health->kind != SourceKind::reporter || !health->up) continue;
      found[health->address] = health->role;
      EXPECT_EQ(health->process == kNoEntity, health->role == "standby");
    }
    return found;
  };
  const auto threads = [&] {
    std::vector<double> told;
    for (const StreamItem& item : items_) {
      const auto* batch = std::get_if<Batch>(&item.what);
      if (batch == nullptr) continue;
      for (const double value : batch->values) told.push_back(value);
    }
    return told;
  };
  lead(true, false);
  lead(true, false);
  EXPECT_EQ(roles(), (Roles{{"a:1", "jobmanager"}, {"b:1", "standby"}}));
  EXPECT_EQ(threads(), std::vector<double>{70});
  lead(false, false);
  EXPECT_EQ(threads(), std::vector<double>{70}) << "an election: who was heard is heard";
  lead(false, true);
  lead(false, true);
  EXPECT_EQ(roles(), (Roles{{"a:1", "standby"}, {"b:1", "jobmanager"}}));
  EXPECT_EQ(threads(), std::vector<double>{40});
  http_.by_host["b"] = FakeReply{0, "", Error{ErrorCode::refused, "killed"}};
  http_.by_host["a"] = FakeReply{200, job_manager(70, false)};
  poll();
  poll();  // that b is gone may be known only after a was asked
  EXPECT_EQ(threads(), std::vector<double>{70}) << "nobody else is left";
}

/// Nothing tells which of them leads, and what the leader says of its heap goes with no other's
/// pages.
TEST_F(CollectionTest, OfJobManagersOnTwoMachinesNeitherIsProbed) {
  const auto page = [](int bytes) {
    return FakeReply{200,
                     "# TYPE flink_doctor_probe_process_threads gauge\n"
                     "flink_doctor_probe_process_threads{process=\"jobmanager\",pid=\"9\"} " +
                         std::to_string(bytes) + "\n"};
  };
  cluster_.reporters.clear();
  cluster_.probes = {*parse_probe_spec("a:1"), *parse_probe_spec("b:1")};
  selection_ = Selection{{Metric::host_threads}};
  http_.by_host["a"] = page(70);
  http_.by_host["b"] = page(40);
  const auto told = [&] {
    std::vector<double> values;
    for (const StreamItem& item : items_) {
      const auto* batch = std::get_if<Batch>(&item.what);
      if (batch == nullptr) continue;
      std::copy_if(batch->values.begin(), batch->values.end(), std::back_inserter(values),
                   is_present);
    }
    return values;
  };
  poll();
  poll();
  EXPECT_EQ(told(), std::vector<double>{});
  http_.by_host["b"] = FakeReply{0, "", Error{ErrorCode::refused, "its machine is gone"}};
  poll();
  poll();
  EXPECT_EQ(told(), std::vector<double>{70});
}

TEST_F(CollectionTest, LoopsComeAndGoWithTheirTargets) {
  targets(R"([{"targets":["a:1","b:1"]}])");
  config_.scrape_interval_ms = 20;
  config_.poll_interval_ms = 20;
  asio::io_context io(1);
  std::vector<std::unique_ptr<asio::cancellation_signal>> stops;
  int running = 0;
  Collection collection(0, cluster_, config_, http_, resolver_, selection_, entities_, false,
                        [this](StreamItem item) { items_.push_back(std::move(item)); });
  collection.start([&](Collection::Loop loop) {
    ++running;
    stops.push_back(std::make_unique<asio::cancellation_signal>());
    auto body = std::make_shared<Collection::Loop>(std::move(loop));
    asio::co_spawn(io, (*body)(),
                   asio::bind_cancellation_slot(stops.back()->slot(),
                                                [&, body](std::exception_ptr) { --running; }));
  });
  io.run_for(std::chrono::milliseconds(200));
  EXPECT_EQ(running, 4) << "REST, discovery, a and b";
  targets(R"([{"targets":["b:1"]}])");
  io.restart();
  io.run_for(std::chrono::milliseconds(200));
  EXPECT_EQ(running, 3);
  for (const auto& stop : stops) stop->emit(asio::cancellation_type::terminal);
  io.restart();
  io.run();
  EXPECT_EQ(running, 0);
}

TEST_F(CollectionTest, ASourceThatTakesLongerThanItsPeriodSkipsTurns) {
  targets(R"([{"targets":["a:1"]}])");
  http_.by_host["a"].takes_ms = 35;
  http_.by_host["jm"] = FakeReply{0, "", Error{ErrorCode::timeout, "slow"}, false, 35};
  config_.scrape_interval_ms = 10;
  config_.poll_interval_ms = 10;
  asio::io_context io(1);
  std::vector<std::unique_ptr<asio::cancellation_signal>> stops;
  Collection collection(0, cluster_, config_, http_, resolver_, selection_, entities_, false,
                        [this](StreamItem item) { items_.push_back(std::move(item)); });
  collection.start([&](Collection::Loop loop) {
    stops.push_back(std::make_unique<asio::cancellation_signal>());
    auto body = std::make_shared<Collection::Loop>(std::move(loop));
    asio::co_spawn(
        io, (*body)(),
        asio::bind_cancellation_slot(stops.back()->slot(), [body](std::exception_ptr) {}));
  });
  const auto told = [&] {
    return last(SourceKind::reporter).exchanges >= 3 && last(SourceKind::rest).exchanges >= 3;
  };
  for (int i = 0; i < 1000 && !told(); ++i) io.run_for(std::chrono::milliseconds(20));
  for (const auto& stop : stops) stop->emit(asio::cancellation_type::terminal);
  io.restart();
  io.run();
  for (const SourceKind kind : {SourceKind::reporter, SourceKind::rest}) {
    const SourceHealth health = last(kind);
    ASSERT_GE(health.exchanges, 3U);
    // Each but the first, which may have begun before the first turn; what the last one skips
    // nobody has told yet.
    EXPECT_GE(health.turns_skipped, 3 * (health.exchanges - 2)) << to_string(kind);
  }
}

TEST_F(CollectionTest, KeepsWhyLinesWereMalformedAndHowManySeriesWereTooMany) {
  targets(R"([{"targets":["a:1"]}])");
  const std::string threads = "flink_taskmanager_Status_JVM_Threads_Count";
  http_.by_host["a"].body = kTaskManager + threads + "{host=\"h\",tm_id=\"tm-2\",} 41.0\n" +
                            threads + "{host=\"h\",} forty\n" + threads + "{host=\"h\",} \n" +
                            threads + "{host=\"h\",} one\n";
  config_.limits.series_per_source_max = 1;
  poll();
  poll();
  const SourceHealth health = last(SourceKind::reporter);
  EXPECT_EQ(health.lines_malformed, 6U);
  EXPECT_EQ(health.line_faults, (std::map<LineFault, std::uint64_t>{{LineFault::no_value, 2},
                                                                    {LineFault::bad_value, 4}}));
  EXPECT_EQ(health.series_dropped, 2U);
  EXPECT_EQ(health.series_unseen, 1U) << "of the last scrape";
  http_.by_host["a"].body = kTaskManager;
  poll();
  EXPECT_EQ(last(SourceKind::reporter).series_dropped, 2U);
  EXPECT_EQ(last(SourceKind::reporter).series_unseen, 0U);
}

TEST_F(CollectionTest, ABrokenFileIsToldAndTheTargetsStay) {
  targets(R"([{"targets":["a:1"]}])");
  poll();
  targets("{broken");
  poll();
  EXPECT_THAT(scraped(), UnorderedElementsAre("a"));
  EXPECT_THAT(told(false, false), UnorderedElementsAre("file:" + path_.string()));
  targets(R"([{"targets":["a:1"]}])");
  poll();
  EXPECT_THAT(told(false, true), UnorderedElementsAre("file:" + path_.string()));
}

/// A list of one running pod, of the JobManager's role or not.
std::string pod_at(const std::string& ip) {
  return R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"tm-1",
      "namespace":"flink"},"status":{"phase":"Running","podIP":")" +
         ip +
         R"("}},{"metadata":{"name":"waits","namespace":"flink"},"status":{"phase":"Pending"}}]})";
}

TEST_F(CollectionTest, FollowsThePodsOfASelector) {
  KubernetesConfig api;
  api.api_server = Endpoint{"api", 6443, ""};
  api.namespace_ = "flink";
  cluster_.kubernetes = api;
  cluster_.reporters = {*parse_target_spec("kubernetes:9249"),
                        *parse_target_spec("kubernetes:other/app=x:9249")};
  http_.by_host["10.1.0.5"] = http_.by_host["10.1.0.6"] = FakeReply{200, kTaskManager};
  http_.put("/api/v1/namespaces/flink/pods", pod_at("10.1.0.5"));
  http_.put("/api/v1/namespaces/other/pods", R"({"kind":"Status","message":"no","code":403})", 403);
  poll();
  EXPECT_THAT(scraped(), UnorderedElementsAre("10.1.0.5"));
  EXPECT_THAT(told(true, false), UnorderedElementsAre("10.1.0.5:9249"));
  http_.put("/api/v1/namespaces/flink/pods", pod_at("10.1.0.6"));
  poll();
  EXPECT_THAT(scraped(), UnorderedElementsAre("10.1.0.6"));
  EXPECT_THAT(told(false, true), UnorderedElementsAre("10.1.0.5:9249"));
  http_.put("/api/v1/namespaces/flink/pods", "{}", 500);
  poll();
  EXPECT_THAT(scraped(), UnorderedElementsAre("10.1.0.6")) << "what was found stays";
  EXPECT_EQ(http_.asked("/api/v1/namespaces/flink/pods"), 1) << "one watch serves block and line";
}

TEST_F(CollectionTest, AsksTheKubeletsOfItsPodsNodes) {
  KubernetesConfig api;
  api.api_server = Endpoint{"api", 6443, ""};
  api.namespace_ = "flink";
  cluster_.kubernetes = api;
  cluster_.reporters.clear();
  cluster_.containers = {*parse_container_spec("nodes:10250")};
  selection_ = Selection{{Metric::cgroup_usage}};
  http_.put("/api/v1/namespaces/flink/pods",
            R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{
              "name":"jm","namespace":"flink","labels":{"component":"jobmanager"}},
              "spec":{"containers":[{"name":"flink"}]},
              "status":{"phase":"Running","podIP":"10.1.0.5","hostIP":"192.168.0.9"}}]})");
  http_.by_host["192.168.0.9"] =
      FakeReply{200,
                "container_memory_usage_bytes{container=\"flink\",namespace=\"flink\",pod=\"jm\"} "
                "7e8 1795300000000\n"};
  poll();
  const auto kubelet =
      std::find_if(http_.requests.begin(), http_.requests.end(),
                   [](const HttpRequest& r) { return r.endpoint.host == "192.168.0.9"; });
  ASSERT_NE(kubelet, http_.requests.end());
  EXPECT_EQ(kubelet->target, "/metrics/cadvisor");
  EXPECT_TRUE(kubelet->endpoint.tls);
  EXPECT_EQ(kubelet->endpoint.port, 10250);
  std::vector<double> values;
  for (const StreamItem& item : items_) {
    if (const auto* batch = std::get_if<Batch>(&item.what)) values = batch->values;
  }
  EXPECT_THAT(values, testing::ElementsAre(7e8));
}

TEST_F(CollectionTest, OutsideOfAPodItSaysWhatToConfigure) {
  cluster_.reporters = {*parse_target_spec("kubernetes:flink/app=x:9249")};
  poll();
  bool said = false;
  for (const StreamItem& item : items_) {
    const auto* health = std::get_if<SourceHealth>(&item.what);
    if (health == nullptr || health->kind != SourceKind::kubernetes) continue;
    said = health->last_error->message.find("kubernetes.api_server") != std::string::npos;
    EXPECT_FALSE(health->up);
  }
  EXPECT_TRUE(said);
}

}  // namespace
}  // namespace doctor
