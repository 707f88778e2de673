// From an application's name to its JobManager, by way of YARN's ResourceManagers.
#include "agent/discovery/yarn.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/config/config.hpp"
#include "collectors/yarn/applications.hpp"
#include "tests/unit/rest_source_fixture.hpp"

namespace doctor {
namespace {

using testing::HasSubstr;
using yarn::Application;

/// As Hadoop 3.3 answers, less the fields nobody reads.
std::string app(const std::string& id, const std::string& name, const std::string& url,
                TimestampMs started = 1000) {
  return R"({"id":")" + id + R"(","user":"flink","name":")" + name +
         R"(","queue":"default","state":"RUNNING","finalStatus":"UNDEFINED","progress":100.0,
    "trackingUI":"ApplicationMaster","trackingUrl":")" +
         url +
         R"(","diagnostics":"","clusterId":1637000000000,"applicationType":"Apache Flink",
    "startedTime":)" +
         std::to_string(started) + R"(,"finishedTime":0,"amHostHttpAddress":"node3:8042"})";
}
std::string apps(const std::string& rows) { return R"({"apps":{"app":[)" + rows + "]}}"; }
const std::string kProxy = "http://rm1:8088/proxy/application_1_0007/";

Result<Endpoint> chosen(const std::string& body, const std::string& wanted) {
  const auto running = yarn::parse_applications(body, Limits{});
  if (!running.ok()) return running.error();
  return yarn::job_manager_of(*running, wanted);
}

TEST(Yarn, FindsTheProxiedJobManagerByNameOrId) {
  const std::string body = apps(app("application_1_0006", "billing", "http://node1:40001") + "," +
                                app("application_1_0007", "orders", kProxy));
  for (const char* wanted : {"orders", "application_1_0007"}) {
    const Result<Endpoint> found = chosen(body, wanted);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->url(), "http://rm1:8088/proxy/application_1_0007");
  }
  EXPECT_EQ(chosen(body, "billing")->url(), "http://node1:40001");
}

TEST(Yarn, TakesTheNewestOfOneName) {
  const std::string body = apps(app("application_1_0009", "orders", "http://new:1/", 2000) + "," +
                                app("application_1_0007", "orders", "http://old:1/", 1000));
  EXPECT_EQ(chosen(body, "orders")->host, "new");
}

TEST(Yarn, SaysWhatRunsWhenTheApplicationDoesNot) {
  const Result<Endpoint> none =
      chosen(apps(app("application_1_0006", "billing", kProxy)), "orders");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::gone);
  EXPECT_THAT(none.error().message, HasSubstr("billing (application_1_0006)"));
  EXPECT_EQ(chosen(R"({"apps":null})", "orders").error().code, ErrorCode::gone);
  EXPECT_EQ(chosen(R"({"apps":{}})", "orders").error().code, ErrorCode::gone);
}

TEST(Yarn, WaitsForAnApplicationMasterThatHasNotRegistered) {
  for (const char* url : {"", "UNASSIGNED"}) {
    const Result<Endpoint> found = chosen(apps(app("application_1_0007", "orders", url)), "orders");
    ASSERT_FALSE(found.ok());
    EXPECT_THAT(found.error().message, HasSubstr("not registered"));
  }
}

TEST(Yarn, RefusesWhatIsNoListOfApplications) {
  for (const char* body : {"", "[]", "{\"apps\":7}", "<html>", "{\"apps\":{\"app\":{}}}",
                           "{\"apps\":{\"app\":[7]}}", "{\"apps\":{\"app\":[{}]}}"}) {
    EXPECT_FALSE(yarn::parse_applications(body, Limits{}).ok()) << body;
  }
  for (const char* url : {"ftp://x/", "http://user:pw@x/", "http://x:99999/"}) {
    EXPECT_FALSE(chosen(apps(app("application_1_0007", "orders", url)), "orders").ok()) << url;
  }
}

class YarnDiscovery : public RestSourceTest {
 protected:
  YarnDiscovery() {
    yarn.resource_managers = {Endpoint{"rm1", 8088}, Endpoint{"rm2", 8088}};
    yarn.application = "orders";
    yarn.access = std::make_shared<const HttpAccess>();
  }
  Result<Endpoint> find() {
    Result<Endpoint> found = Error{ErrorCode::io, "not run"};
    boost::asio::io_context loop;
    boost::asio::co_spawn(
        loop,
        [&]() -> boost::asio::awaitable<void> {
          found = co_await find_job_manager(http, yarn, limits);
        },
        [](const std::exception_ptr& error) { EXPECT_FALSE(error); });
    loop.run();
    return found;
  }
  YarnConfig yarn;
};

TEST_F(YarnDiscovery, AsksTheNextResourceManagerWhenOneIsStandby) {
  http.by_host["rm1"] = {307, "", Error{ErrorCode::http_status, "answers HTTP 307"}};
  http.by_host["rm2"] = {200,
                         apps(app("application_1_0007", "orders", "http://rm2:8088/proxy/a/"))};
  const Result<Endpoint> found = find();
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->access, yarn.access) << "the proxy is the ResourceManager itself";
}

TEST_F(YarnDiscovery, ShowsNoOtherHostTheCredentials) {
  http.by_host["rm1"] = {200, apps(app("application_1_0007", "orders", "http://stranger:1/"))};
  ASSERT_TRUE(find().ok());
  EXPECT_EQ(find()->access, nullptr);
}

TEST_F(YarnDiscovery, TellsThatTheApplicationIsGoneRatherThanThatAStandbyRefuses) {
  http.by_host["rm1"] = {200, R"({"apps":null})"};
  http.by_host["rm2"] = {307, "", Error{ErrorCode::http_status, "answers HTTP 307"}};
  EXPECT_EQ(find().error().code, ErrorCode::gone);
}

TEST_F(YarnDiscovery, ARestSourceFollowsItsJobManager) {
  put_cluster();
  config.candidates = {};
  poll();
  EXPECT_FALSE(health().up);
  EXPECT_TRUE(http.requests.empty());

  source().set_job_manager(Error{ErrorCode::gone, "YARN runs no such application"});
  poll();
  EXPECT_EQ(health().last_error->message, "YARN runs no such application");

  source().set_job_manager(Endpoint{"rm1", 8088, "/proxy/a"});
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_EQ(http.requests.front().endpoint.path_prefix, "/proxy/a");

  source().set_job_manager(Endpoint{"node9", 40001});
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_EQ(http.requests.back().endpoint.host, "node9");
}

TEST(YarnConfig, IsReadFromTheFile) {
  const Result<Config> config = parse_config(
      "clusters:\n- yarn:\n    resource_managers: [rm1, 'http://rm2:8089']\n"
      "    application: orders\n");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->clusters[0].name, "orders");
  EXPECT_EQ(config->clusters[0].yarn->resource_managers[0].port, 8088);
  EXPECT_EQ(config->clusters[0].yarn->resource_managers[1].port, 8089);
  EXPECT_TRUE(validate(*config).ok());
  EXPECT_FALSE(parse_config("clusters:\n- yarn: {application: orders}\n").ok());
}

}  // namespace
}  // namespace doctor
