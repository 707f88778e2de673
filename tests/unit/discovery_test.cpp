#include "agent/discovery/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "agent/discovery/api_server.hpp"
#include "agent/net/access.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TargetSpec spec(const std::string& text) {
  const Result<TargetSpec> parsed = parse_target_spec(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : TargetSpec{};
}

TEST(TargetSpec, ReadsWhatPeopleWrite) {
  EXPECT_EQ(spec("tm:9250-9252").endpoints.size(), 3U);
  EXPECT_EQ(spec("tm:9250").kind, TargetSpec::Kind::fixed);
  const TargetSpec dns = spec("dns:flink-tm.prod.svc:9249");
  EXPECT_EQ(dns.kind, TargetSpec::Kind::dns);
  EXPECT_EQ(dns.name, "flink-tm.prod.svc");
  EXPECT_EQ(dns.port_from, 9249);
  EXPECT_EQ(spec("file:/etc/targets.json").name, "/etc/targets.json");
  const TargetSpec managers = spec("taskmanagers:9250-9260");
  EXPECT_EQ(managers.kind, TargetSpec::Kind::task_managers);
  EXPECT_EQ(managers.port_from, 9250);
  EXPECT_EQ(managers.port_to, 9260);
}

TEST(TargetSpec, ReadsSelectionsOfPods) {
  const TargetSpec pods = spec("kubernetes:flink/app=orders,component in (taskmanager):9249");
  EXPECT_EQ(pods.kind, TargetSpec::Kind::kubernetes);
  EXPECT_EQ(pods.name, "flink");
  EXPECT_EQ(pods.selector, "app=orders,component in (taskmanager)");
  EXPECT_EQ(pods.port_from, 9249);
  EXPECT_TRUE(pods.selects);
  const TargetSpec prefixed = spec("kubernetes:https://app.kubernetes.io/name=x:9250-9251");
  EXPECT_EQ(prefixed.name, "");
  EXPECT_EQ(prefixed.selector, "app.kubernetes.io/name=x");
  EXPECT_EQ(prefixed.port_to, 9251);
  EXPECT_TRUE(prefixed.tls);
  EXPECT_EQ(spec("kubernetes:flink/:9249").selector, "");
  EXPECT_FALSE(spec("kubernetes:9249").selects);
}

TEST(TargetSpec, RefusesTheRestWithAReason) {
  for (const char* text :
       {"", "dns:", "dns:name", "dns::9249", "dns:name:0", "file:", "taskmanagers:",
        "taskmanagers:x", "taskmanagers:9260-9250", "tm", "kubernetes:", "kubernetes:app=x",
        "kubernetes:app=x:", "kubernetes::9249", "kubernetes:app=x&limit=1:9249"}) {
    const Result<TargetSpec> parsed = parse_target_spec(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument) << text;
    EXPECT_FALSE(parsed.error().message.empty());
  }
}

TEST(FileTargets, TakesPrometheusFormatInJsonAndYaml) {
  const auto json = parse_file_targets(
      R"([{"targets":["a:9250","b:9250-9251"],"labels":{"env":"prod"}},{"targets":[]}])", 100);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->size(), 3U);
  EXPECT_EQ(json->back().address(), "b:9251");
  const auto yaml = parse_file_targets("- targets: ['a:9250']\n  labels: {env: prod}\n", 100);
  ASSERT_TRUE(yaml.ok());
  EXPECT_EQ(yaml->size(), 1U);
  const auto nothing = parse_file_targets("", 100);
  ASSERT_TRUE(nothing.ok());
  EXPECT_THAT(*nothing, IsEmpty());
}

TEST(FileTargets, SaysWhatIsWrong) {
  for (const char* text :
       {"{", "x", "{}", "[1]", "[{}]", R"([{"targets":"a:1"}])", R"([{"targets":[["a:1"]]}])",
        R"([{"targets":["a"]}])", R"([{"targets":["a:1-50"]}])"}) {
    EXPECT_FALSE(parse_file_targets(text, 10).ok()) << text;
  }
}

class DiscoveryTest : public testing::Test {
 protected:
  Result<std::vector<Endpoint>> find(Discovery& discovery, std::vector<std::string> hosts = {}) {
    asio::io_context io(1);
    Result<std::vector<Endpoint>> found = Error{ErrorCode::cancelled, "did not end"};
    asio::co_spawn(
        io, [&]() -> asio::awaitable<void> { found = co_await discovery.find(hosts); },
        [](std::exception_ptr fault) { EXPECT_EQ(fault, nullptr); });
    io.run();
    return found;
  }
  static std::vector<std::string> addresses(const std::vector<Endpoint>& endpoints) {
    std::vector<std::string> all;
    for (const Endpoint& endpoint : endpoints) all.push_back(endpoint.address());
    return all;
  }
  Limits limits;
};

TEST_F(DiscoveryTest, ANameStandsForAllItsAddresses) {
  std::vector<std::string> known{"10.0.0.2", "10.0.0.1", "10.0.0.2"};
  Resolver resolver(limits, [&](const std::string& host, std::uint16_t port) {
    EXPECT_EQ(host, "flink-tm");
    Resolver::Addresses all;
    for (const std::string& address : known) {
      all.emplace_back(asio::ip::make_address(address), port);
    }
    return Result<Resolver::Addresses>(all);
  });
  Discovery discovery(spec("dns:flink-tm:9249"), resolver, limits);
  const auto found = find(discovery);
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(addresses(*found), ElementsAre("10.0.0.1:9249", "10.0.0.2:9249"));
  EXPECT_TRUE(discovery.expects_each());
}

TEST_F(DiscoveryTest, AFileIsReadAgainAndATroubledOneIsNamed) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("doctor-targets-" + std::to_string(getpid()) + ".json");
  Resolver resolver(limits);
  Discovery discovery(spec("file:" + path.string()), resolver, limits);
  const auto missing = find(discovery);
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr(path.filename().string()));
  std::ofstream(path) << R"([{"targets":["a:1"]}])";
  EXPECT_THAT(addresses(*find(discovery)), ElementsAre("a:1"));
  std::ofstream(path) << R"([{"targets":["b:1","a:1"]}])";
  EXPECT_THAT(addresses(*find(discovery)), ElementsAre("a:1", "b:1"));
  std::ofstream(path) << std::string((1 << 20) + 1, ' ');
  EXPECT_EQ(find(discovery).error().code, ErrorCode::too_large);
  std::filesystem::remove(path);
}

TEST_F(DiscoveryTest, ADirectoryIsNotAFileWithoutTargets) {
  Resolver resolver(limits);
  Discovery discovery(spec("file:" + std::filesystem::temp_directory_path().string()), resolver,
                      limits);
  const auto found = find(discovery);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::io);
}

TEST_F(DiscoveryTest, TaskManagersOfRestTimesPorts) {
  Resolver resolver(limits);
  Discovery discovery(spec("taskmanagers:9250-9251"), resolver, limits);
  EXPECT_THAT(addresses(*find(discovery)), IsEmpty());
  EXPECT_THAT(addresses(*find(discovery, {"h2", "h1", "h1"})),
              ElementsAre("h1:9250", "h1:9251", "h2:9250", "h2:9251"));
  EXPECT_FALSE(discovery.expects_each()) << "most ports of a range hold nothing";
  const std::vector<std::string> many(3000, "h");
  EXPECT_FALSE(find(discovery, many).ok());
}

class ApiServer : public testing::Test {
 protected:
  ApiServer() : directory_(testing::TempDir() + "doctor-pod-XXXXXX") {
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    std::ofstream(directory_ + "/namespace") << "flink";
  }
  ~ApiServer() override { std::filesystem::remove_all(directory_); }
  PodEnvironment pod() const { return {"10.0.0.1", "6443", directory_}; }
  std::string directory_;
};

TEST_F(ApiServer, IsFoundAsEveryPodFindsIt) {
  const auto found = completed({}, pod());
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->api_server->url(), "https://10.0.0.1:6443");
  EXPECT_EQ(found->namespace_, "flink");
  EXPECT_EQ(found->api_server->access->tls.ca_file, directory_ + "/ca.crt");
  EXPECT_EQ(found->api_server->access->auth.bearer_token_file, directory_ + "/token");
}

TEST_F(ApiServer, WhatIsConfiguredWins) {
  HttpAccess access;
  access.tls.ca_file = "/ca.pem";
  access.auth.bearer_token_file = "/token";
  KubernetesConfig config;
  config.namespace_ = "other";
  config.access = std::make_shared<const HttpAccess>(access);
  const auto within = completed(config, pod());
  ASSERT_TRUE(within.ok());
  EXPECT_EQ(within->namespace_, "other");
  EXPECT_EQ(within->api_server->access->tls.ca_file, "/ca.pem");
  EXPECT_EQ(within->api_server->access->auth.bearer_token_file, "/token");
  config.api_server = *parse_url("https://elsewhere", kApiServerPort);
  config.access = std::make_shared<const HttpAccess>();
  const auto elsewhere = completed(config, pod());
  ASSERT_TRUE(elsewhere.ok());
  EXPECT_EQ(elsewhere->api_server->url(), "https://elsewhere:443");
  EXPECT_EQ(elsewhere->api_server->access->auth.bearer_token_file, "") << "our token is not theirs";
}

TEST_F(ApiServer, SaysWhatIsMissing) {
  EXPECT_THAT(completed({}, {}).error().message, HasSubstr("clusters[].kubernetes.api_server"));
  EXPECT_THAT(completed({}, {"10.0.0.1", "x", directory_}).error().message, HasSubstr("PORT"));
  std::filesystem::remove(directory_ + "/namespace");
  EXPECT_THAT(completed({}, pod()).error().message, HasSubstr("kubernetes.namespace"));
}

}  // namespace
}  // namespace doctor
