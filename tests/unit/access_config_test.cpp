// TLS and credentials in the configuration file and on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli/access_flags.hpp"
#include "agent/config/config.hpp"

namespace doctor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kWhole = R"(
alertmanagers:
  - http://am-0:9093
  - url: https://am-1
    tls: {ca_file: /etc/am-ca.pem}
    auth: {basic: {username: doctor, password_file: /run/am-password}}
clusters:
  - name: orders
    flink: [https://jm:8081, https://jm2]
    reporters: ["https://tm:9250-9251", "tm:9249"]
    tls: {ca_file: /etc/ca.pem, certificate_file: /etc/c.pem, key_file: /etc/c.key, server_name: jm}
    auth:
      bearer_token_file: /run/token
      headers: {X-Tenant: streaming, X-Key: {file: /run/key}}
    reporter_tls: {insecure_skip_verify: true}
    reporter_auth: {headers: {Authorization: {file: /run/reporter}}}
)";

TEST(AccessConfig, KubeletsHaveTheirOwn) {
  const Result<Config> config = parse_config(R"(
clusters:
  - name: orders
    flink: [http://jm:8081]
    kubernetes: {namespace: streaming}
    containers: ["nodes:10250"]
    container_tls: {insecure_skip_verify: true}
    container_auth: {bearer_token_file: /run/token}
)");
  ASSERT_TRUE(config) << config.error().message;
  const TargetSpec& kubelets = config->clusters.at(0).containers.at(0);
  EXPECT_EQ(kubelets.kind, TargetSpec::Kind::nodes);
  EXPECT_TRUE(kubelets.tls);
  ASSERT_TRUE(kubelets.access);
  EXPECT_EQ(kubelets.access->auth.bearer_token_file, "/run/token");
  EXPECT_THAT(security_warnings(*config), ElementsAre(HasSubstr("given the credentials")));
}

TEST(AccessConfig, ContainersNeedThePodsAndNoProbesBeside) {
  const auto problems = [](const std::string& more) {
    const auto config = parse_config(
        "clusters:\n- {name: a, flink: [http://jm:8081], containers: [\"nodes:10250\"], " + more +
        "}");
    return config ? validate(*config) : Status(config.error());
  };
  EXPECT_TRUE(problems("kubernetes: {namespace: x}").ok());
  EXPECT_THAT(problems("labels: {}").error().message, HasSubstr("no kubernetes: block"));
  EXPECT_THAT(problems("kubernetes: {namespace: x}, probes: [local]").error().message,
              HasSubstr("probes see more"));
  const auto by_pods = parse_container_spec("kubernetes:app=cadvisor:8080");
  ASSERT_FALSE(by_pods.ok());
  EXPECT_THAT(by_pods.error().message, HasSubstr("nodes:10250"));
}

TEST(AccessConfig, GoesToTheEndpointsItIsFor) {
  const Result<Config> config = parse_config(kWhole);
  ASSERT_TRUE(config) << config.error().message;
  const ClusterConfig& cluster = config->clusters.at(0);
  ASSERT_EQ(cluster.flink.size(), 2U);
  EXPECT_EQ(cluster.flink[1].url(), "https://jm2:443");
  for (const Endpoint& endpoint : cluster.flink) {
    ASSERT_TRUE(endpoint.tls && endpoint.access);
    EXPECT_EQ(endpoint.access->tls.ca_file, "/etc/ca.pem");
    EXPECT_EQ(endpoint.access->tls.certificate_file, "/etc/c.pem");
    EXPECT_EQ(endpoint.access->tls.key_file, "/etc/c.key");
    EXPECT_EQ(endpoint.access->tls.server_name, "jm");
    EXPECT_EQ(endpoint.access->auth.bearer_token_file, "/run/token");
    ASSERT_EQ(endpoint.access->auth.headers.size(), 2U);
    EXPECT_EQ(endpoint.access->auth.headers[0].value.reveal(), "streaming");
    EXPECT_EQ(endpoint.access->auth.headers[1].file, "/run/key");
  }
  for (const TargetSpec& range : cluster.reporters) {
    for (const Endpoint& endpoint : range.endpoints) {
      ASSERT_TRUE(endpoint.access);
      EXPECT_TRUE(endpoint.access->tls.insecure_skip_verify);
      EXPECT_TRUE(endpoint.access->auth.bearer_token_file.empty()) << "Flink's token is Flink's";
    }
  }
  ASSERT_EQ(config->alertmanagers.size(), 2U);
  EXPECT_FALSE(config->alertmanagers[0].access->has_auth());
  EXPECT_EQ(config->alertmanagers[1].url(), "https://am-1:443");
  EXPECT_EQ(config->alertmanagers[1].access->auth.password_file, "/run/am-password");
}

TEST(AccessConfig, WhatIsAllowedAndShouldBeKnown) {
  const Result<Config> config = parse_config(kWhole);
  ASSERT_TRUE(config);
  EXPECT_THAT(security_warnings(*config),
              ElementsAre(testing::AllOf(HasSubstr("INSECURE"), HasSubstr("https://tm:9250-9251"),
                                         HasSubstr("clusters[0].reporter_tls.insecure_skip_verify"),
                                         HasSubstr("is given the credentials")),
                          testing::AllOf(HasSubstr("tm:9249"), HasSubstr("in clear text"))));
}

TEST(AccessConfig, EveryProblemHasItsPlaceAndNoValue) {
  const Result<Config> config = parse_config(R"(
alertmanagers:
  - {url: "http://am:9093", tls: {ca_file: /x}}
  - {link: "http://am:9093"}
clusters:
  - name: a
    flink: ["http://jm:8081"]
    tls: {certificate_file: /etc/c.pem, insecure_skip_verify: canary}
    auth:
      basic: {username: "a:b"}
      bearer_token_file: /run/token
      headers: {Host: canary, "a b": canary, Authorization: canary, X-Empty: "", X-Bad: "canary\r\n"}
    reporter_auth: {bearer_token: canary, password: canary}
)");
  ASSERT_FALSE(config);
  const std::string& problems = config.error().message;
  for (const char* part :
       {"alertmanagers[0].tls: is of no use: no address", "alertmanagers[1].link: unknown key",
        "clusters[0].tls: is of no use",
        "clusters[0].tls.key_file: certificate and key go together",
        "clusters[0].tls.insecure_skip_verify: true or false",
        "clusters[0].auth.basic: needs both a username and a password_file",
        "clusters[0].auth.basic: a username has neither",
        "clusters[0].auth.bearer_token_file: either this or basic",
        "clusters[0].auth.headers.Host: this header is ours",
        "clusters[0].auth.headers.a b: no name of a header",
        "clusters[0].auth.headers.Authorization: basic or bearer_token_file sets",
        "clusters[0].auth.headers.X-Empty: needs a value",
        "clusters[0].auth.headers.X-Bad: the value has characters",
        "clusters[0].reporter_auth.bearer_token: unknown key",
        "clusters[0].reporter_auth.password: unknown key"}) {
    EXPECT_THAT(problems, HasSubstr(part));
  }
  EXPECT_THAT(problems, Not(HasSubstr("canary")));
}

TEST(KubernetesBlock, HasAnAccessOfItsOwn) {
  const Result<Config> config = parse_config(R"(
clusters:
  - name: orders
    flink: ["http://jm:8081"]
    reporters: ["kubernetes:9249"]
    kubernetes:
      namespace: flink
      selector: app=orders
      api_server: https://10.0.0.1:6443
      tls: {ca_file: /etc/ca.pem}
      auth: {bearer_token_file: /run/token}
  - {name: defaults, flink: ["http://jm2:8081"], kubernetes: {}}
  - {name: none, flink: ["http://jm3:8081"]}
)");
  ASSERT_TRUE(config) << config.error().message;
  const auto& block = config->clusters.at(0).kubernetes;
  ASSERT_TRUE(block);
  EXPECT_EQ(block->namespace_, "flink");
  EXPECT_EQ(block->selector, "app=orders");
  EXPECT_EQ(block->api_server->url(), "https://10.0.0.1:6443");
  EXPECT_EQ(block->access->tls.ca_file, "/etc/ca.pem");
  EXPECT_EQ(block->access->auth.bearer_token_file, "/run/token");
  EXPECT_FALSE(config->clusters[0].flink[0].access->has_auth()) << "Flink does not get this token";
  ASSERT_TRUE(config->clusters[1].kubernetes);
  EXPECT_FALSE(config->clusters[1].kubernetes->api_server);
  EXPECT_FALSE(config->clusters[2].kubernetes);
}

TEST(KubernetesBlock, EveryProblemHasItsPlace) {
  const Result<Config> config = parse_config(R"(
clusters:
  - name: a
    flink: ["http://jm:8081"]
    kubernetes: {namespace: a.b, selector: "x&y", api_server: "ftp://x", label: z}
)");
  ASSERT_FALSE(config);
  for (const char* part :
       {"clusters[0].kubernetes.namespace: \"a.b\" is no namespace",
        "clusters[0].kubernetes.selector: ", "clusters[0].kubernetes.api_server: ",
        "clusters[0].kubernetes.label: unknown key"}) {
    EXPECT_THAT(config.error().message, HasSubstr(part));
  }
}

Config with(const std::vector<std::string>& urls) {
  Config config;
  for (const std::string& url : urls) config.clusters.push_back(*cluster_from_url(url));
  return config;
}

TEST(AccessFlags, AreForTheOneClusterGivenByUrl) {
  AccessFlags flags;
  flags.ca_file = "/ca.pem";
  flags.bearer_token_file = "/run/token";
  flags.header_files = {"X-Key=/run/key"};
  Config config = with({"http://from-the-file:1", "https://jm:8081"});
  config.clusters[1].reporters.push_back(*parse_target_spec("https://tm:9249"));
  const Status ok = apply(flags, config, 1);
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_FALSE(config.clusters[0].flink[0].access);
  const Endpoint& flink = config.clusters[1].flink[0];
  EXPECT_EQ(flink.access->tls.ca_file, "/ca.pem");
  EXPECT_EQ(flink.access->auth.headers.at(0).file, "/run/key");
  const Endpoint& reporter = config.clusters[1].reporters[0].endpoints[0];
  EXPECT_EQ(reporter.access->tls.ca_file, "/ca.pem");
  EXPECT_FALSE(reporter.access->has_auth());
}

TEST(AccessFlags, AreRefusedWhereTheyMeanNothing) {
  const auto refusal = [](const AccessFlags& flags, Config config, std::size_t first) {
    const Status status = apply(flags, config, first);
    return status ? "taken" : status.error().message;
  };
  AccessFlags flags;
  EXPECT_EQ(refusal(flags, with({}), 0), "taken");
  flags.bearer_token_file = "/run/token";
  EXPECT_EQ(refusal(flags, with({"jm:1"}), 0), "taken");
  EXPECT_THAT(refusal(flags, with({}), 0), HasSubstr("exactly one cluster"));
  EXPECT_THAT(refusal(flags, with({"jm:1", "jm:2"}), 0), HasSubstr("exactly one cluster"));
  flags.ca_file = "/ca.pem";
  EXPECT_THAT(refusal(flags, with({"http://jm:1"}), 0), HasSubstr("begins with https://"));
  flags.key_file = "/c.key";
  EXPECT_THAT(refusal(flags, with({"https://jm:1"}), 0), HasSubstr("--cert-file: certificate and"));
  flags.header_files = {"X-Key: canary"};
  EXPECT_THAT(refusal(flags, with({"https://jm:1"}), 0),
              testing::AllOf(HasSubstr("NAME=FILE"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace doctor
