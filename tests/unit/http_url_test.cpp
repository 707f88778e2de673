#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/http.hpp"

namespace doctor {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint16_t kDefault = 8081;

TEST(ParseUrl, AcceptsWhatPeopleType) {
  struct Case {
    const char* text;
    const char* url;
  };
  for (const Case& c :
       {Case{"http://jm:8081", "http://jm:8081"}, Case{"jm:9000", "http://jm:9000"},
        Case{"jm", "http://jm:8081"}, Case{"http://jm/", "http://jm:8081"},
        Case{" HTTP://jm:1 ", "http://jm:1"},
        Case{"http://10.0.0.1:8081/proxy/app_1/", "http://10.0.0.1:8081/proxy/app_1"},
        Case{"http://[::1]:8081/x", "http://[::1]:8081/x"}, Case{"[::1]", "http://[::1]:8081"},
        Case{"job_manager.ns.svc.cluster.local:65535",
             "http://job_manager.ns.svc.cluster.local:65535"}}) {
    const Result<Endpoint> endpoint = parse_url(c.text, kDefault);
    ASSERT_TRUE(endpoint.ok()) << c.text << ": " << endpoint.error().message;
    EXPECT_EQ(endpoint->url(), c.url);
  }
}

TEST(ParseUrl, GivesHostWithoutBracketsAndAddressWithThem) {
  const Result<Endpoint> endpoint = parse_url("http://[fe80::1]:80", kDefault);
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->host, "fe80::1");
  EXPECT_EQ(endpoint->address(), "[fe80::1]:80");
}

TEST(ParseUrl, RefusesTheRestWithAReason) {
  for (const char* text : {"",
                           "  ",
                           "http://",
                           "http://:8081",
                           "jm:",
                           "jm:0",
                           "jm:65536",
                           "jm:80x",
                           "jm:-1",
                           "ftp://jm",
                           "http://a b:80",
                           "::1",
                           "[::1",
                           "[nonsense]:80",
                           "[::1]80",
                           "http://jm:8081?x=1",
                           "http://jm:8081/a#b",
                           "http://jm/a//b",
                           "http://jm/../x",
                           "http://jm/a\r\nHost: x",
                           "-jm:80",
                           "a..b:80",
                           "jm:1:2",
                           "http://jm:8081/\x80"}) {
    const Result<Endpoint> endpoint = parse_url(text, kDefault);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(endpoint.error().message.empty());
    EXPECT_THAT(endpoint.error().message, Not(HasSubstr("\n")));
  }
  EXPECT_FALSE(parse_url("jm", 0).ok());
}

TEST(ParseUrl, TakesHttpsWithItsOwnDefaultPort) {
  const Result<Endpoint> plain = parse_url("http://jm:8081", kDefault);
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->tls);
  const Result<Endpoint> given = parse_url("HTTPS://jm:8081/flink/", kDefault);
  ASSERT_TRUE(given.ok());
  EXPECT_TRUE(given->tls);
  EXPECT_EQ(given->url(), "https://jm:8081/flink");
  const Result<Endpoint> usual = parse_url("https://[::1]", kDefault);
  ASSERT_TRUE(usual.ok());
  EXPECT_EQ(usual->url(), "https://[::1]:443");
}

TEST(ParseUrl, NeverRepeatsAPassword) {
  const Result<Endpoint> endpoint = parse_url("http://admin:canary@jm:8081", kDefault);
  ASSERT_FALSE(endpoint.ok());
  EXPECT_THAT(endpoint.error().message, Not(HasSubstr("canary")));
}

TEST(ParsePortRange, OnePortOrMany) {
  const auto one = parse_port_range("tm:9249");
  ASSERT_TRUE(one.ok());
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->front().address(), "tm:9249");

  const auto many = parse_port_range("[::1]:9250-9252");
  ASSERT_TRUE(many.ok());
  ASSERT_EQ(many->size(), 3U);
  EXPECT_EQ(many->front().address(), "[::1]:9250");
  EXPECT_EQ(many->back().address(), "[::1]:9252");

  const auto tls = parse_port_range("https://tm:9250-9251");
  ASSERT_TRUE(tls.ok());
  EXPECT_EQ(tls->back().url(), "https://tm:9251");
  EXPECT_FALSE(many->back().tls);

  const auto top = parse_port_range("tm:65535-65535");
  ASSERT_TRUE(top.ok());
  EXPECT_EQ(top->size(), 1U);
}

TEST(ParsePortRange, RefusesTheRestWithAReason) {
  for (const char* text : {"", "tm", "tm:", "tm:9250-", "tm:-9250", "tm:9260-9250", "tm:1-65535",
                           "tm:9250-9251-9252", "tm:9250/metrics", "ftp://tm:9250", "a@tm:9250"}) {
    const auto endpoints = parse_port_range(text);
    ASSERT_FALSE(endpoints.ok()) << text;
    EXPECT_EQ(endpoints.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(parse_port_range("tm:1000-1063").ok());
  EXPECT_FALSE(parse_port_range("tm:1000-1064").ok());
}

}  // namespace
}  // namespace doctor
