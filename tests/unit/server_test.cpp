#include "agent/net/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "agent/net/request_target.hpp"
#include "tests/unit/loopback.hpp"

namespace doctor {
namespace {

using loopback::Peer;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kSlack{5000};

InboundResponse text(std::string body, int status = 200) {
  InboundResponse response;
  response.status = status;
  response.body = std::make_shared<const std::string>(std::move(body));
  return response;
}

InboundResponse routes(const InboundRequest& request) {
  if (request.path == "/-/healthy") return text("healthy\n");
  if (request.path == "/echo")
    return text(request.method + "|" + request.query + "|" + request.body);
  if (request.path == "/big") return text(std::string(std::size_t{16} << 20U, 'x'));
  if (request.path == "/throws") throw std::runtime_error("secret inside");
  return text("no such page\n", 404);
}

std::unique_ptr<Server> start(const Limits& limits = {}) {
  Result<std::unique_ptr<Server>> server = Server::start("127.0.0.1", 0, limits, routes);
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

Limits quick() {
  Limits limits;
  limits.inbound_deadline_ms = 1000;
  return limits;
}

std::string ask(std::uint16_t port, const std::string& request) {
  const Peer peer = loopback::connect(port);
  peer.send(request);
  return peer.receive_all();
}

std::string get(std::uint16_t port, const std::string& target, const std::string& method = "GET") {
  return ask(port, method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

/// Its answer is under way and stuck: it takes a first piece and no more.
Peer slow_reader(std::uint16_t port) {
  Peer slow = loopback::connect(port);
  slow.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string first;
  slow.receive(first);
  return slow;
}

TEST(Server, AnswersWithSecurityHeaders) {
  const auto server = start();
  for (const char* target : {"/-/healthy", "/nowhere", "/throws", "/../x"}) {
    const std::string answer = get(server->port(), target);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 "));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Security-Policy: default-src 'none'; "
                                  "style-src 'unsafe-inline'\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Frame-Options: DENY\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nReferrer-Policy: no-referrer\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: no-store\r\n"));
  }
  EXPECT_THAT(get(server->port(), "/-/healthy"), HasSubstr("\r\n\r\nhealthy\n"));
}

TEST(Server, MethodsQueryAndBody) {
  const auto server = start();
  EXPECT_THAT(get(server->port(), "/echo?a=%20b"), HasSubstr("\r\n\r\nGET|a=%20b|"));
  const std::string head = get(server->port(), "/-/healthy", "HEAD");
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 8\r\n"));
  EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(ask(server->port(),
                  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                  "Connection: close\r\n\r\nhello"),
              HasSubstr("POST||hello"));
  const std::string refused = get(server->port(), "/-/healthy", "DELETE");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(refused, HasSubstr("\r\nAllow: GET, HEAD, POST\r\n"));
}

TEST(Server, HandlerThatThrowsIsA500WithoutItsText) {
  const auto server = start();
  const std::string answer = get(server->port(), "/throws");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  EXPECT_THAT(get(server->port(), "/-/healthy"), StartsWith("HTTP/1.1 200 "));
}

TEST(Server, KeepsConnectionsAndTakesPipelines) {
  const auto server = start();
  const Peer peer = loopback::connect(server->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(peer.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(peer.receive_until("healthy\n"), HasSubstr("Connection: keep-alive"));
  }
  peer.send(
      "GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: x\r\n"
      "Connection: close\r\n\r\n");
  const std::string both = peer.receive_all();
  EXPECT_THAT(both, HasSubstr("GET|1|"));
  EXPECT_THAT(both, HasSubstr("GET|2|"));
  EXPECT_THAT(ask(server->port(), "GET /-/healthy HTTP/1.0\r\n\r\n"),
              HasSubstr("Connection: close"));
}

TEST(Server, RefusesMalformedRequests) {
  const auto server = start();
  const std::string host = "Host: x\r\n";
  for (const std::string& request :
       {std::string("\r\n\x01\x02 garbage\r\n\r\n"), std::string("GET /\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        "GET http://x/ HTTP/1.1\r\n" + host + "\r\n", "GET / HTTP/1.1\r\n" + host + host + "\r\n",
        "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "POST /echo HTTP/1.1\r\n" + host +
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: x\r\n\r\n",
        "GET /%00 HTTP/1.1\r\n" + host + "\r\n", "GET /%zz HTTP/1.1\r\n" + host + "\r\n"}) {
    EXPECT_THAT(ask(server->port(), request), StartsWith("HTTP/1.1 400 ")) << request;
  }
}

TEST(Server, RefusesTooMuch) {
  const auto server = start();
  const std::string big(20'000, 'x');
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\nX: " + big + "\r\n\r\n";
  EXPECT_THAT(ask(server->port(), head), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask(server->port(), "GET / HTTP/1.1\r\nX: " + big), StartsWith("HTTP/1.1 431 "));
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  EXPECT_THAT(ask(server->port(), post + "Content-Length: 20000\r\n\r\n" + big),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask(server->port(), post + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + big),
              StartsWith("HTTP/1.1 413 "));
}

TEST(Server, TargetsAreJudgedAfterDecoding) {
  for (const char* target : {"", "x", "*", "/%", "/%0", "/%0a", "/a%00b", "/a\x01"}) {
    EXPECT_EQ(decode_target(target).refusal, 400) << target;
  }
  for (const char* target : {"/..", "/a/../b", "/%2e%2e/etc", "/a/%2E", "//", "//x", "/a//b",
                             "/a/%2fb", "/a\\b", "/%2e%2e%2f"}) {
    EXPECT_EQ(decode_target(target).refusal, 404) << target;
  }
  EXPECT_EQ(decode_target("/a%20b/..c/?x=/../%00").path, "/a b/..c/");
  EXPECT_EQ(decode_target("/a%20b/..c/?x=/../%00").query, "x=/../%00");
  EXPECT_EQ(decode_target("/").refusal, 0);
}

TEST(Server, DrippingClientsHoldNobody) {
  const auto server = start(quick());
  std::atomic<bool> over{false};
  std::atomic<int> ended{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      const Peer peer = loopback::connect(server->port());
      bool open = peer.send("GET / HTTP/1.1\r\nX: ");
      while (open && !over) {
        open = peer.send("x");
        std::this_thread::sleep_for(milliseconds(20));
      }
      if (!open) ++ended;
    });
  }
  const Clock::time_point end = Clock::now() + 2 * kSlack;
  do {
    const Clock::time_point begin = Clock::now();
    EXPECT_THAT(get(server->port(), "/-/healthy"), StartsWith("HTTP/1.1 200 "));
    EXPECT_LT(Clock::now() - begin, kSlack);
  } while (ended < 8 && Clock::now() < end);
  EXPECT_EQ(ended, 8);  // each lost its connection at the deadline, though it never paused
  over = true;
  for (std::thread& client : clients) client.join();
}

TEST(Server, SlowReaderLosesItsConnection) {
  const auto server = start(quick());
  const Peer slow = loopback::connect(server->port());
  slow.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(get(server->port(), "/-/healthy"), StartsWith("HTTP/1.1 200 "));
  std::this_thread::sleep_for(milliseconds(2500));
  EXPECT_LT(slow.receive_all().size(), std::size_t{16} << 20U);
  const auto patient = start();
  EXPECT_GT(get(patient->port(), "/big").size(), std::size_t{16} << 20U);
}

TEST(Server, OldestIdleConnectionMakesRoom) {
  Limits limits;
  limits.inbound_connections_max = 3;
  const auto server = start(limits);
  std::vector<Peer> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(loopback::connect(server->port()));
    idle.back().send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.back().receive_until("healthy\n");
  }
  EXPECT_THAT(get(server->port(), "/-/healthy"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(idle.front().receive_all(), "");  // closed
  idle.back().send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(idle.back().receive_until("healthy\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(Server, FullOfBusyConnectionsSays503) {
  Limits limits;
  limits.inbound_connections_max = 1;
  const auto server = start(limits);
  const Peer busy = slow_reader(server->port());
  const Peer other = loopback::connect(server->port());
  EXPECT_THAT(other.receive_all(), StartsWith("HTTP/1.1 503 "));
}

TEST(Server, ManySlowReadersInOnePlaceKeepNobodyElsewhereWaiting) {
  Limits limits;
  limits.inbound_connections_max = 4;
  const auto server = start(limits);
  std::vector<Peer> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(slow_reader(server->port()));
  }
  const Peer other = loopback::connect(server->port(), "127.0.0.2");
  other.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(other.receive_all(), StartsWith("HTTP/1.1 200 "));
}

TEST(Server, ASlowReaderMakesRoomAfterASecond) {
  Limits limits;
  limits.inbound_connections_max = 1;
  const auto server = start(limits);
  const Peer busy = slow_reader(server->port());
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_THAT(get(server->port(), "/-/healthy"), StartsWith("HTTP/1.1 200 "));
}

TEST(Server, SurvivesRunningOutOfDescriptors) {
  const auto server = start();
  const Peer peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_free = ::dup(peer.fd());
  ::close(next_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const sockaddr_in to = loopback::address(server->port());
  const int connected = ::connect(peer.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  peer.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  pollfd ready{peer.fd(), POLLIN, 0};
  const int answered = ::poll(&ready, 1, 300);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_EQ(connected, 0);
  EXPECT_EQ(answered, 0);  // else the fault was not injected
  EXPECT_THAT(peer.receive_all(), HasSubstr("healthy\n"));
}

TEST(Server, StopsAtOnceWithHangingClients) {
  auto server = start();
  const Peer silent = loopback::connect(server->port());
  const Peer half = loopback::connect(server->port());
  half.send("GET / HT");
  const Peer slow = slow_reader(server->port());
  const Clock::time_point begin = Clock::now();
  server.reset();
  EXPECT_LT(Clock::now() - begin, milliseconds(3000));
  EXPECT_EQ(silent.receive_all(), "");
}

TEST(Server, SaysWhyItCannotListen) {
  const auto server = start();
  const auto second = Server::start("127.0.0.1", server->port(), {}, routes);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message, "cannot listen on 127.0.0.1:" + std::to_string(server->port()) +
                                        ": address already in use; choose another with --listen");
  EXPECT_FALSE(Server::start("192.0.2.1", 0, {}, routes).ok());
  EXPECT_TRUE(Server::start("localhost", 0, {}, routes).ok());
}

}  // namespace
}  // namespace doctor
