// The probe as a daemon: serves, and ends at once when it is told to.
#include "agent/probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/unit/host_fixtures.hpp"
#include "tests/unit/loopback.hpp"

namespace doctor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string get(std::uint16_t port, const std::string& request) {
  const loopback::Peer peer = loopback::connect(port);
  peer.send(request + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return peer.receive_all();
}

TEST(Probe, ServesItsRoundsUntilItIsTold) {
  ProbeOptions options;
  options.listen_port = loopback::unused_port();
  options.roots = machine("vm");
  Status ended = Error{};
  std::thread daemon([&] { ended = run_probe(options); });
  const std::uint16_t port = options.listen_port;
  for (int i = 0; i < 1000 && !get(port, "GET /-/ready").starts_with("HTTP/1.1 200"); ++i) {
    ::usleep(10'000);
  }
  EXPECT_THAT(get(port, "GET /metrics"), HasSubstr("flink_doctor_probe_processes{host=\"vm7\"} 2"));
  EXPECT_THAT(get(port, "GET /-/healthy"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(port, "GET /elsewhere"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get(port, "POST /metrics"), StartsWith("HTTP/1.1 405"));
  const auto told = std::chrono::steady_clock::now();
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  daemon.join();
  EXPECT_TRUE(ended.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - told, std::chrono::seconds(5));
}

TEST(Probe, SaysThatItsPortIsTaken) {
  const loopback::ScriptServer taken([](const loopback::Peer&) {});
  ProbeOptions options;
  options.listen_port = taken.port();
  options.roots = machine("vm");
  const Status refused = run_probe(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot listen on 127.0.0.1"));
}

}  // namespace
}  // namespace doctor::test
