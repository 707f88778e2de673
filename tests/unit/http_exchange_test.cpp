// Whole exchanges over loopback against peers that behave, misbehave or say nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>

#include "agent/net/asio_http.hpp"
#include "tests/unit/loopback.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using loopback::Peer;
using loopback::ScriptServer;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kSlack{5000};  // for a busy machine; hangs would last forever

struct Exchanged {
  Result<HttpReply> reply{Error{ErrorCode::io, "never finished"}};
  std::string text;
  milliseconds took{};
};

HttpRequest get(std::uint16_t port, const std::string& host = "127.0.0.1") {
  HttpRequest request;
  request.endpoint = {host, port, {}};
  request.target = "/jobs/overview";
  return request;
}

/// Runs one exchange on a loop of its own; cancels it after `cancel_after` if given.
Exchanged exchange(HttpRequest request, HttpCaps caps, BodySink& sink, Resolver& resolver,
                   std::optional<milliseconds> cancel_after = std::nullopt) {
  asio::io_context loop{1};
  const std::unique_ptr<Http> http = make_asio_http(resolver, Limits{});
  Exchanged exchanged;
  std::exception_ptr failure;
  asio::cancellation_signal stop;
  asio::steady_timer timer(loop);
  if (cancel_after) {
    timer.expires_after(*cancel_after);
    timer.async_wait([&](auto) { stop.emit(asio::cancellation_type::terminal); });
  }
  const Clock::time_point begin = Clock::now();
  auto done = [&](std::exception_ptr thrown, std::optional<Result<HttpReply>> reply) {
    exchanged.took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    failure = thrown;
    if (reply) exchanged.reply = std::move(*reply);
    timer.cancel();
  };
  auto once = [](Http& client, HttpRequest what, BodySink& into,
                 HttpCaps limits) -> asio::awaitable<std::optional<Result<HttpReply>>> {
    Result<HttpReply> reply = co_await client.exchange(std::move(what), into, limits);
    co_return std::optional<Result<HttpReply>>(std::move(reply));
  };
  asio::co_spawn(loop, once(*http, std::move(request), sink, caps),
                 asio::bind_cancellation_slot(stop.slot(), done));
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return exchanged;
}

Exchanged exchange(HttpRequest request, HttpCaps caps = {1 << 20, 1 << 20, 10'000},
                   std::optional<milliseconds> cancel_after = std::nullopt) {
  Resolver resolver{Limits{}};
  StringSink sink;
  Exchanged exchanged = exchange(std::move(request), caps, sink, resolver, cancel_after);
  exchanged.text = sink.text;
  return exchanged;
}

/// A server that reads the request and answers `answer`, then closes.
ScriptServer::Script says(std::string answer) {
  return [answer = std::move(answer)](const Peer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send(answer);
  };
}

void expect_error(const Exchanged& exchanged, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(exchanged.reply.ok());
  EXPECT_EQ(static_cast<int>(exchanged.reply.error().code), static_cast<int>(code));
  EXPECT_THAT(exchanged.reply.error().message, HasSubstr(part));
  EXPECT_THAT(exchanged.reply.error().message, HasSubstr("127.0.0.1:"));
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(HttpExchange, AsksProperlyAndGivesTheBody) {
  std::string asked;
  Exchanged exchanged;
  std::uint16_t port{};
  {
    const ScriptServer server([&](const Peer& peer) {
      asked = peer.receive_until("[]");
      peer.send(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello");
    });
    port = server.port();
    HttpRequest request = get(port);
    request.endpoint.path_prefix = "/proxy";
    request.method = "POST";
    request.body = "[]";
    request.content_type = "application/json";
    request.accept_gzip = true;
    exchanged = exchange(request);
  }
  ASSERT_TRUE(exchanged.reply.ok()) << exchanged.reply.error().message;
  EXPECT_EQ(exchanged.reply->status, 200);
  EXPECT_EQ(exchanged.reply->content_type, "application/json");
  EXPECT_GT(exchanged.reply->wire_bytes, 5U);
  EXPECT_EQ(exchanged.text, "hello");
  EXPECT_THAT(asked, testing::StartsWith("POST /proxy/jobs/overview HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("Host: 127.0.0.1:" + std::to_string(port) + "\r\n"));
  EXPECT_THAT(asked, HasSubstr("User-Agent: flink-doctor/"));
  EXPECT_THAT(asked, HasSubstr("Accept-Encoding: gzip\r\n"));
  EXPECT_THAT(asked, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(asked, HasSubstr("Content-Type: application/json\r\n"));
}

TEST(HttpExchange, ChunkedGzipInSmallPieces) {
  const std::string packed = gzip("# TYPE a gauge\na 1\n");
  const ScriptServer server([&](const Peer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n");
    for (const char c : packed) peer.send(std::string("1\r\n") + c + "\r\n");
    peer.send("0\r\n\r\n");
    std::string rest;
    peer.receive(rest);  // the last chunk ends the exchange, not our closing
  });
  const Exchanged exchanged = exchange(get(server.port()));
  ASSERT_TRUE(exchanged.reply.ok()) << exchanged.reply.error().message;
  EXPECT_EQ(exchanged.text, "# TYPE a gauge\na 1\n");
}

TEST(HttpExchange, OtherStatusesAreReplies) {
  const ScriptServer moved(says("HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(exchange(get(moved.port())).reply->status, 307);
  const ScriptServer election(says("HTTP/1.1 503 No\r\nContent-Length: 8\r\n\r\nelection"));
  const Exchanged exchanged = exchange(get(election.port()));
  EXPECT_EQ(exchanged.reply->status, 503);
  EXPECT_EQ(exchanged.text, "election");
  const ScriptServer nothing(says("HTTP/1.1 204 No Content\r\n\r\n"));
  EXPECT_EQ(exchange(get(nothing.port())).reply->status, 204);
}

TEST(HttpExchange, RedirectsAreNotFollowedAndSayWhereTo) {
  const ScriptServer moved(
      says("HTTP/1.1 302 Moved\r\nLocation: https://me:canary@sso.example/in?session=canary\r\n"
           "Content-Length: 0\r\n\r\n"));
  const Exchanged exchanged = exchange(get(moved.port()));
  expect_error(exchanged, ErrorCode::http_status, "HTTP 302: it points to https://sso.example/in;");
  EXPECT_EQ(exchanged.reply.error().message.find("canary"), std::string::npos);
}

TEST(HttpExchange, BodiesThatEndBadly) {
  const ScriptServer shorter(says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
  expect_error(exchange(get(shorter.port())), ErrorCode::truncated, "5 bytes short");
  const ScriptServer no_end(
      says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
  expect_error(exchange(get(no_end.port())), ErrorCode::truncated, "last chunk");
  std::string packed = gzip("hello");
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);
  const ScriptServer crc(says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                              std::to_string(packed.size()) + "\r\n\r\n" + packed));
  expect_error(exchange(get(crc.port())), ErrorCode::malformed, "gzip");
}

TEST(HttpExchange, HeadsThatEndBadly) {
  const ScriptServer silent([](const Peer& peer) { peer.receive_until("\r\n\r\n"); });
  expect_error(exchange(get(silent.port())), ErrorCode::reset, "without an answer");
  const ScriptServer half(says("HTTP/1.1 200 OK\r\nContent-"));
  expect_error(exchange(get(half.port())), ErrorCode::reset, "head");
  const ScriptServer large(says("HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n"));
  expect_error(exchange(get(large.port())), ErrorCode::too_large, "head");
  const ScriptServer garbage(says(std::string("\x00\x01\xff\xfe\x1b[31m", 9)));
  const Exchanged exchanged = exchange(get(garbage.port()));
  expect_error(exchanged, ErrorCode::malformed, "no HTTP answer");
  EXPECT_EQ(exchanged.reply.error().message.find('\x1b'), std::string::npos);
}

TEST(HttpExchange, CapsHold) {
  const ScriptServer declared(says("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"));
  expect_error(exchange(get(declared.port())), ErrorCode::too_large, "announced");

  const ScriptServer endless([](const Peer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("400\r\n" + std::string(1024, 'x') + "\r\n")) {
    }
  });
  expect_error(exchange(get(endless.port()), {200'000, 1 << 20, 60'000}), ErrorCode::too_large,
               "cap");
  const Exchanged decoded = exchange(get(endless.port()), {1 << 20, 200'000, 60'000});
  expect_error(decoded, ErrorCode::too_large, "decoded");
  EXPECT_LE(decoded.text.size(), 200'000U);

  const std::string bomb = gzip(std::string(std::size_t{8} << 20U, '0'));
  const ScriptServer bomber(says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                                 std::to_string(bomb.size()) + "\r\n\r\n" + bomb));
  expect_error(exchange(get(bomber.port())), ErrorCode::too_large, "");
}

TEST(HttpExchange, DeadlineCoversEveryPhase) {
  const HttpCaps caps{1 << 20, 1 << 20, 200};
  std::string sent;
  const ScriptServer hang([](const Peer& peer) { peer.receive_all(); });
  const ScriptServer drip([](const Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nX: ");
    while (peer.send("x")) std::this_thread::sleep_for(milliseconds(20));
  });
  const ScriptServer stall([](const Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer.receive_all();
  });
  const ScriptServer* servers[] = {&hang, &drip, &stall};
  for (const ScriptServer* server : servers) {
    const Exchanged exchanged = exchange(get(server->port()), caps);
    expect_error(exchanged, ErrorCode::timeout, "200 ms");
    EXPECT_GE(exchanged.took, milliseconds(150));
    EXPECT_LT(exchanged.took, caps.deadline_ms * milliseconds(1) + kSlack);
  }
}

/// Reads more slowly than the peer sends.
class SlowSink final : public BodySink {
 public:
  Status feed(std::span<const char> window) override {
    std::this_thread::sleep_for(milliseconds(1));
    bytes_ += window.size();
    if (bytes_ < kBytesMax) return Done{};
    return Error{ErrorCode::too_large, "its time was over long ago"};
  }

 private:
  static constexpr std::size_t kBytesMax = 1U << 30U;
  std::size_t bytes_{0};
};

TEST(HttpExchange, DeadlineHoldsWhileThereIsAlwaysMoreToRead) {
  const ScriptServer flood([](const Peer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    const std::string more(1U << 20U, 'x');
    while (peer.send(more)) {
    }
  });
  Resolver resolver{Limits{}};
  SlowSink sink;
  const HttpCaps caps{1ULL << 40U, 1ULL << 40U, 200};
  expect_error(exchange(get(flood.port()), caps, sink, resolver), ErrorCode::timeout, "200 ms");
}

TEST(HttpExchange, RefusedIsRefused) {
  const std::uint16_t port = loopback::unused_port();
  expect_error(exchange(get(port)), ErrorCode::refused,
               "connection refused by 127.0.0.1:" + std::to_string(port));
}

TEST(HttpExchange, TriesTheNextAddress) {
  const ScriptServer server(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  const std::uint16_t closed = loopback::unused_port();
  Resolver resolver(Limits{},
                    [&](const std::string&, std::uint16_t port) -> Result<Resolver::Addresses> {
                      const auto loop = asio::ip::address_v4::loopback();
                      return Resolver::Addresses{{loop, closed}, {loop, port}};
                    });
  StringSink sink;
  const Exchanged exchanged =
      exchange(get(server.port(), "jobmanager"), {1 << 20, 1 << 20, 10'000}, sink, resolver);
  ASSERT_TRUE(exchanged.reply.ok()) << exchanged.reply.error().message;
  EXPECT_EQ(sink.text, "ok");
}

TEST(HttpExchange, HangingNameKeepsTheDeadline) {
  const auto release = std::make_shared<std::atomic<bool>>(false);
  const Clock::time_point begin = Clock::now();
  {
    Resolver resolver(Limits{}, [release](const std::string&, std::uint16_t) {
      while (!*release) std::this_thread::sleep_for(milliseconds(5));
      return Result<Resolver::Addresses>(Error{ErrorCode::name_resolution, "late"});
    });
    StringSink sink;
    const Exchanged exchanged =
        exchange(get(1, "jobmanager"), {1 << 20, 1 << 20, 200}, sink, resolver);
    ASSERT_FALSE(exchanged.reply.ok());
    EXPECT_EQ(exchanged.reply.error().code, ErrorCode::timeout);
    EXPECT_THAT(exchanged.reply.error().message, HasSubstr("resolving"));
  }
  EXPECT_LT(Clock::now() - begin, milliseconds(200) + kSlack);
  *release = true;
}

TEST(HttpExchange, CancellationIsNoOutage) {
  const ScriptServer hang([](const Peer& peer) { peer.receive_all(); });
  const HttpCaps patient{1 << 20, 1 << 20, 60'000};
  for (const int after_ms : {0, 1, 50}) {
    const Exchanged exchanged = exchange(get(hang.port()), patient, milliseconds(after_ms));
    expect_error(exchanged, ErrorCode::cancelled, "cancelled");
    EXPECT_LT(exchanged.took, kSlack);
  }
}

TEST(HttpExchange, CancellationWhileResolving) {
  const auto release = std::make_shared<std::atomic<bool>>(false);
  Resolver resolver(Limits{}, [release](const std::string&, std::uint16_t) {
    while (!*release) std::this_thread::sleep_for(milliseconds(5));
    return Result<Resolver::Addresses>(Error{ErrorCode::name_resolution, "late"});
  });
  StringSink sink;
  const Exchanged exchanged =
      exchange(get(1, "jobmanager"), {1 << 20, 1 << 20, 60'000}, sink, resolver, milliseconds(20));
  *release = true;
  ASSERT_FALSE(exchanged.reply.ok());
  EXPECT_EQ(exchanged.reply.error().code, ErrorCode::cancelled);
}

TEST(HttpExchange, LoopMayGoInTheMiddle) {
  const ScriptServer hang([](const Peer& peer) { peer.receive_all(); });
  Resolver resolver{Limits{}};
  const std::unique_ptr<Http> http = make_asio_http(resolver, Limits{});
  StringSink sink;
  bool finished = false;
  auto once = [](Http& client, HttpRequest what, BodySink& into,
                 bool& done) -> asio::awaitable<void> {
    const HttpCaps caps{1 << 20, 1 << 20, 60'000};
    const Result<HttpReply> reply = co_await client.exchange(std::move(what), into, caps);
    static_cast<void>(reply);
    done = true;
  };
  {
    asio::io_context loop{1};
    asio::co_spawn(loop, once(*http, get(hang.port()), sink, finished), [](auto) {});
    loop.run_for(milliseconds(50));
  }
  EXPECT_FALSE(finished);
}

TEST(HttpExchange, SinkErrorsAndBugsComeThrough) {
  struct Refusing final : BodySink {
    Status feed(std::span<const char>) override { return Error{ErrorCode::not_flink, "not Flink"}; }
  } refusing;
  struct Throwing final : BodySink {
    Status feed(std::span<const char>) override { throw std::logic_error("bug"); }
  } throwing;
  const ScriptServer server(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Resolver resolver{Limits{}};
  const HttpCaps caps{1 << 20, 1 << 20, 30'000};
  const Exchanged exchanged = exchange(get(server.port()), caps, refusing, resolver);
  ASSERT_FALSE(exchanged.reply.ok());
  EXPECT_EQ(exchanged.reply.error().code, ErrorCode::not_flink);
  EXPECT_EQ(exchanged.reply.error().message, "not Flink");
  const Clock::time_point begin = Clock::now();
  EXPECT_THROW(exchange(get(server.port()), caps, throwing, resolver), std::logic_error);
  EXPECT_LT(Clock::now() - begin, milliseconds(20'000));
}

TEST(HttpExchange, SmugglingInTheTargetIsRefused) {
  HttpRequest request = get(1);
  request.target = "/jobs/x HTTP/1.1\r\nHost: y\r\n\r\nGET /";
  expect_error(exchange(request), ErrorCode::invalid_argument, "characters");
}

}  // namespace
}  // namespace doctor
