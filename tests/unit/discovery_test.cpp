#include "agent/discovery/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

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

TEST(TargetSpec, RefusesTheRestWithAReason) {
  for (const char* text : {"", "dns:", "dns:name", "dns::9249", "dns:name:0", "file:",
                           "taskmanagers:", "taskmanagers:x", "taskmanagers:9260-9250", "tm"}) {
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

}  // namespace
}  // namespace doctor
