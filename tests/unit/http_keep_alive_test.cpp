// Which connections carry another exchange, and that nothing is lost or believed when they should
// not have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/net/asio_http.hpp"
#include "agent/net/idle_wires.hpp"
#include "tests/unit/loopback.hpp"
#include "tests/unit/tls_fixture.hpp"
#include "tests/unit/tls_server.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using loopback::Peer;
using loopback::ScriptServer;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

std::string says(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A server that calls `script` with its connections' numbers, from 1.
class CountingServer {
 public:
  using Script = std::function<void(const Peer&, int)>;
  explicit CountingServer(Script script)
      : server_([this, script = std::move(script)](const Peer& peer) { script(peer, ++count_); }) {}
  int connections() const { return count_; }
  std::uint16_t port() const { return server_.port(); }

 private:
  std::atomic<int> count_{0};
  ScriptServer server_;
};

/// Answers as long as somebody asks.
CountingServer::Script always(std::string answer) {
  return [answer = std::move(answer)](const Peer& peer, int) {
    while (!peer.receive_until("\r\n\r\n").empty()) peer.send(answer);
  };
}

class KeepAliveTest : public testing::Test {
 protected:
  Result<HttpReply> ask(std::uint16_t port, const std::string& method = "GET") {
    HttpRequest request;
    request.endpoint = {"127.0.0.1", port, {}};
    request.method = method;
    request.target = "/metrics";
    sink = {};
    std::optional<Result<HttpReply>> reply;
    loop_.restart();
    asio::co_spawn(loop_, exchange_into(*http_, request, sink, 10'000, reply, 4U << 20U),
                   [](std::exception_ptr bug) {
                     if (bug) std::rethrow_exception(bug);
                   });
    loop_.run();
    return reply.value_or(Error{ErrorCode::io, "never finished"});
  }
  /// The body, or why there is none.
  std::string text(std::uint16_t port, const std::string& method = "GET") {
    const Result<HttpReply> reply = ask(port, method);
    return reply ? sink.text : "failed: " + reply.error().message;
  }

  StringSink sink;

 private:
  asio::io_context loop_{1};
  Resolver resolver_{Limits{}};
  std::unique_ptr<Http> http_ = make_asio_http(resolver_, Limits{});
};

TEST_F(KeepAliveTest, OneConnectionForManyQuestions) {
  const CountingServer server(always(says("a 1\n")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(text(server.port()), "a 1\n");
  EXPECT_EQ(server.connections(), 1);

  const CountingServer chunked(
      always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0\r\n\r\n"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(text(chunked.port()), "a 1\n");
  EXPECT_EQ(chunked.connections(), 1);

  const CountingServer refusing(always("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nwait"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(refusing.port())->status, 503);
  EXPECT_EQ(refusing.connections(), 1);
}

TEST_F(KeepAliveTest, ALargeBodyIsReadToItsEndBeforeTheNextQuestion) {
  const CountingServer server(always(says(std::string(3'000'000, 'x'))));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(text(server.port()).size(), 3'000'000U);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(KeepAliveTest, ManyBytesAreWaitedForTogetherAndAnEndIsSeenAtOnce) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n";
  const std::string piece(10'000, 'x');
  const CountingServer server([&](const Peer& peer, int number) {
    peer.receive_until("\r\n\r\n");
    peer.send(head);
    for (int i = 0; i < (number == 1 ? 200 : 110); ++i) {
      peer.send(piece);
      std::this_thread::sleep_for(1ms);
    }
  });
  EXPECT_EQ(text(server.port()).size(), 2'000'000U);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(text(server.port()), HasSubstr("900000 bytes short"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s) << "and not at the deadline";
}

TEST_F(KeepAliveTest, WhatCannotBeFollowedIsNotKept) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        std::string("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        // More than was announced: the rest would be taken for the next answer.
        says("ok") + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nbad"),
        std::string("HTTP/1.1 204 No Content\r\n\r\nbad")}) {
    const CountingServer server(always(answer));
    const bool empty = answer.find("204") != std::string::npos;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(text(server.port()), empty ? "" : "ok") << answer;
    EXPECT_EQ(server.connections(), 2) << answer;
  }
}

TEST_F(KeepAliveTest, AnAnswerThatEndsBadlyIsTheEndOfItsConnection) {
  const CountingServer server([](const Peer& peer, int) {
    while (!peer.receive_until("\r\n\r\n").empty()) {
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk");
    }
  });
  for (int i = 0; i < 2; ++i) EXPECT_THAT(text(server.port()), HasSubstr("damaged"));
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(KeepAliveTest, ClosedWhileIdle) {
  const CountingServer server([](const Peer& peer, int number) {
    peer.receive_until("\r\n\r\n");
    peer.send(says("answer " + std::to_string(number)));
  });
  EXPECT_EQ(text(server.port()), "answer 1");
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(text(server.port()), "answer 2");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(KeepAliveTest, ClosedAsOurQuestionCame) {
  const CountingServer server([](const Peer& peer, int number) {
    peer.receive_until("\r\n\r\n");
    peer.send(says("answer " + std::to_string(number)));
    peer.receive_until("\r\n\r\n");  // the next is never answered
  });
  EXPECT_EQ(text(server.port()), "answer 1");
  EXPECT_EQ(text(server.port()), "answer 2");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(KeepAliveTest, AnAnswerThatHasBegunIsNotAskedForAgain) {
  const CountingServer server([](const Peer& peer, int) {
    peer.receive_until("\r\n\r\n");
    peer.send(says("ok"));
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-");
  });
  EXPECT_EQ(text(server.port()), "ok");
  EXPECT_THAT(text(server.port()), HasSubstr("head"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(KeepAliveTest, ANewConnectionIsAskedOnce) {
  const CountingServer server([](const Peer& peer, int) { peer.receive_until("\r\n\r\n"); });
  EXPECT_THAT(text(server.port()), HasSubstr("without an answer"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(KeepAliveTest, WhatWasSaidUnaskedIsNoAnswer) {
  const CountingServer server([](const Peer& peer, int number) {
    peer.receive_until("\r\n\r\n");
    peer.send(says("true"));
    if (number > 1) return;
    std::this_thread::sleep_for(20ms);
    peer.send(says("false"));
    std::string more;
    peer.receive(more);
  });
  EXPECT_EQ(text(server.port()), "true");
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(text(server.port()), "true");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(KeepAliveTest, OnlyWhatMayBeRepeatedSharesAConnection) {
  std::mutex mutex;
  std::vector<std::string> asked;
  const CountingServer server([&](const Peer& peer, int) {
    for (std::string head; !(head = peer.receive_until("\r\n\r\n")).empty();) {
      const std::lock_guard lock(mutex);
      asked.push_back(head);
      peer.send(says("ok"));
    }
  });
  EXPECT_EQ(text(server.port()), "ok");
  EXPECT_EQ(text(server.port(), "POST"), "ok");
  EXPECT_EQ(text(server.port(), "POST"), "ok");
  EXPECT_EQ(text(server.port()), "ok");
  EXPECT_EQ(server.connections(), 3);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(asked.size(), 4U);
  EXPECT_THAT(asked[0], Not(HasSubstr("Connection:")));
  EXPECT_THAT(asked[1], HasSubstr("Connection: close\r\n"));
}

TEST_F(TlsTest, OneHandshakeForManyQuestionsUntilTheCertificateIsAnother) {
  std::atomic<int> handshakes{0};
  limits.credentials_recheck_ms = 0;
  show(authority.issue({}));
  make_client();
  const ScriptServer server(with_tls(manners(), [&](const TlsPeer& peer) {
    ++handshakes;
    while (!peer.receive_until("\r\n\r\n").empty()) peer.send(says("{}"));
  }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(works(endpoint(server.port())));
  EXPECT_EQ(handshakes, 1);
  show(authority.issue({}));
  EXPECT_TRUE(works(endpoint(server.port())));
  EXPECT_EQ(handshakes, 2);
}

class IdleWiresTest : public testing::Test {
 protected:
  std::unique_ptr<Wire> connected() {
    auto wire = std::make_unique<Wire>(endpoint, loop.get_executor());
    const auto connect = [](Wire& to, Resolver::Addresses where) -> asio::awaitable<void> {
      const Status done = co_await to.connect(std::move(where), IdleWires::Clock::now() + 10s);
      EXPECT_TRUE(done.ok());
    };
    loop.restart();
    asio::co_spawn(loop, connect(*wire, here), [](std::exception_ptr) {});
    loop.run();
    return wire;
  }

  ScriptServer server{[](const Peer& peer) { peer.receive_all(); }};
  asio::io_context loop{1};
  Endpoint endpoint{"jobmanager", server.port(), {}};
  Resolver::Addresses here{{asio::ip::address_v4::loopback(), server.port()}};
  IdleWires::Clock::time_point now = IdleWires::Clock::now();
  IdleWires idle{2};
};

TEST_F(IdleWiresTest, LeadsToTheSamePeerInTheSameWay) {
  idle.give(connected(), now);
  const Resolver::Addresses moved{{asio::ip::make_address("127.0.0.2"), server.port()}};
  const Endpoint other{"taskmanager", server.port(), {}};
  EXPECT_EQ(idle.take(endpoint, moved, nullptr, now), nullptr);
  EXPECT_EQ(idle.take(other, here, nullptr, now), nullptr);
  EXPECT_EQ(idle.take(endpoint, here, *make_tls_context(nullptr, Limits{}), now), nullptr);
  EXPECT_NE(idle.take(endpoint, here, nullptr, now), nullptr);
  EXPECT_EQ(idle.take(endpoint, here, nullptr, now), nullptr);
}

TEST_F(IdleWiresTest, KeepsNoMoreThanItMayAndNoneForLong) {
  for (int i = 0; i < 3; ++i) idle.give(connected(), now);
  EXPECT_EQ(idle.size(), 2U);
  EXPECT_NE(idle.take(endpoint, here, nullptr, now + 60s), nullptr);
  EXPECT_EQ(idle.take(endpoint, here, nullptr, now + 70s), nullptr);
  EXPECT_EQ(idle.size(), 0U);
  idle.give(connected(), now + 10min);  // has been open for too long
  EXPECT_EQ(idle.size(), 0U);
}

}  // namespace
}  // namespace doctor
