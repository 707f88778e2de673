// Exchanges through TLS: who is believed, what is shown, and what is said when it does not work.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "tests/unit/tls_fixture.hpp"

namespace doctor {
namespace {

using certificates::Authority;
using loopback::Peer;
using loopback::ScriptServer;
using testing::AllOf;
using testing::HasSubstr;

/// The test body runs on one thread and the server's script on another; the server is gone before
/// what it wrote is read.
TEST_F(TlsTest, KnownAuthorityAndRightName) {
  std::string asked;
  std::string name;
  {
    const ScriptServer server(with_tls(manners(), [&](const TlsPeer& peer) {
      name = peer.name_asked_for();
      asked = peer.receive_until("\r\n\r\n");
      peer.send(kTlsOk);
    }));
    ASSERT_TRUE(works(endpoint(server.port(), "jobmanager")));
    EXPECT_THAT(body.text, "ok");
  }
  EXPECT_EQ(name, "jobmanager");
  EXPECT_THAT(asked, testing::StartsWith("GET /config HTTP/1.1\r\nHost: jobmanager:"));
}

TEST_F(TlsTest, AddressesAreVerifiedAndNotSentAsNames) {
  std::string name = "unset";
  {
    const ScriptServer server(with_tls(manners(), [&](const TlsPeer& peer) {
      name = peer.name_asked_for();
      peer.receive_until("\r\n\r\n");
      peer.send(kTlsOk);
    }));
    EXPECT_TRUE(works(endpoint(server.port(), "127.0.0.1")));
  }
  EXPECT_EQ(name, "");
  const ScriptServer other(with_tls(manners({"peer", "IP:10.9.8.7"}), tls_says(kTlsOk)));
  EXPECT_THAT(why(endpoint(other.port())),
              HasSubstr("is for another name: 10.9.8.7, not 127.0.0.1"));
}

TEST_F(TlsTest, UnknownAuthority) {
  const ScriptServer server(with_tls({Authority("somebody's CA").issue()}, tls_says(kTlsOk)));
  const Error error = fault(endpoint(server.port()));
  EXPECT_EQ(error.code, ErrorCode::tls);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("127.0.0.1:" + std::to_string(server.port())),
                    HasSubstr("unknown CA (CN=somebody's CA)"), HasSubstr(path("ca.pem"))));
}

TEST_F(TlsTest, WithoutCaFileTheSystemsAuthoritiesCount) {
  access.tls.ca_file.clear();
  const ScriptServer server(with_tls(manners(), tls_says(kTlsOk)));
  EXPECT_THAT(why(endpoint(server.port())),
              AllOf(HasSubstr("unknown CA"), HasSubstr("clusters[0].tls.ca_file")));
  EXPECT_THAT(why(Endpoint{"127.0.0.1", server.port(), "", true}), HasSubstr("--ca-file"));
}

TEST_F(TlsTest, ExpiredAndNotYetValid) {
  const ScriptServer old(
      with_tls(manners({"peer", "IP:127.0.0.1", -7200, -3600}), tls_says(kTlsOk)));
  const Error error = fault(endpoint(old.port()));
  EXPECT_EQ(error.code, ErrorCode::tls);
  EXPECT_THAT(error.message, HasSubstr("has expired, on 2"));
  const ScriptServer young(
      with_tls(manners({"peer", "IP:127.0.0.1", 3600, 7200}), tls_says(kTlsOk)));
  EXPECT_THAT(why(endpoint(young.port())), HasSubstr("is not valid before 2"));
}

TEST_F(TlsTest, WrongNameUnlessServerNameSaysSo) {
  const ScriptServer server(
      with_tls(manners({"x", "DNS:flink.internal,DNS:*.pods.internal"}), tls_says(kTlsOk)));
  EXPECT_THAT(
      why(endpoint(server.port(), "jobmanager")),
      AllOf(HasSubstr("is for another name: flink.internal, *.pods.internal, not jobmanager"),
            HasSubstr("clusters[0].tls.server_name")));
  HttpAccess renamed = access;
  for (const char* name : {"flink.internal", "jm-0.pods.internal"}) {
    renamed.tls.server_name = name;
    EXPECT_TRUE(works(Endpoint{"jobmanager", server.port(), "", true,
                               std::make_shared<const HttpAccess>(renamed)}));
  }
}

TEST_F(TlsTest, InsecureBelievesAnybody) {
  access.tls.insecure_skip_verify = true;
  const ScriptServer server(
      with_tls({Authority("somebody's CA").issue({"x", "DNS:x", -2, -1})}, tls_says(kTlsOk)));
  EXPECT_TRUE(works(endpoint(server.port())));
}

TEST_F(TlsTest, ACertificateInTheCaFileIsTrustedItself) {
  const TlsManners its = {Authority("somebody's CA").issue()};
  write("ca.pem", its.identity.certificate);
  const ScriptServer server(with_tls(its, tls_says(kTlsOk)));
  EXPECT_TRUE(works(endpoint(server.port())));
}

TEST_F(TlsTest, ClientCertificateIsAskedForByName) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsManners its = manners();
    its.client_authority = authority.certificate();
    its.version_max = version;
    const ScriptServer server(with_tls(its, tls_says(kTlsOk)));
    const Error error = fault(endpoint(server.port()));
    EXPECT_EQ(error.code, ErrorCode::tls);
    EXPECT_THAT(error.message, AllOf(HasSubstr("asks for a client certificate"),
                                     HasSubstr("clusters[0].tls.certificate_file"),
                                     HasSubstr("clusters[0].tls.key_file")));
  }
}

TEST_F(TlsTest, ClientCertificateIsShown) {
  show(authority.issue({"the doctor", "DNS:doctor"}));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsManners its = manners();
    its.client_authority = authority.certificate();
    its.version_max = version;
    const ScriptServer server(with_tls(its, tls_says(kTlsOk)));
    EXPECT_TRUE(works(endpoint(server.port())));
  }
}

TEST_F(TlsTest, RefusedClientCertificateNamesItsFile) {
  show(Authority("somebody's CA").issue());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsManners its = manners();
    its.client_authority = authority.certificate();
    its.version_max = version;
    const ScriptServer server(with_tls(its, [](const TlsPeer&) {}));
    const Error error = fault(endpoint(server.port()));
    // The alert may be lost when the server closes at once; then the break is all there is to say.
    if (error.code == ErrorCode::reset) continue;
    EXPECT_EQ(error.code, ErrorCode::tls);
    EXPECT_THAT(error.message, HasSubstr("our certificate of " + path("client.pem")));
  }
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  TlsManners its = manners();
  its.version_max = TLS1_1_VERSION;
  const ScriptServer server(with_tls(its, tls_says(kTlsOk)));
  EXPECT_THAT(why(endpoint(server.port())), HasSubstr("does not speak TLS 1.2 or later"));
}

TEST_F(TlsTest, PlainAndTlsMistakenForEachOther) {
  const ScriptServer plain([](const Peer& peer) {
    std::string some;
    peer.receive(some);
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_THAT(why(endpoint(plain.port())),
              AllOf(HasSubstr("no TLS is spoken there"), HasSubstr("http://127.0.0.1:")));
  const ScriptServer closing([](const Peer& peer) {
    std::string some;
    peer.receive(some);
  });
  EXPECT_THAT(why(endpoint(closing.port())), HasSubstr("begins with http://"));

  const ScriptServer tls(with_tls(manners(), tls_says(kTlsOk)));
  Endpoint mistaken = endpoint(tls.port());
  mistaken.tls = false;
  EXPECT_THAT(why(mistaken), HasSubstr("https://"));
  const ScriptServer alerting([](const Peer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send(std::string("\x15\x03\x01\x00\x02\x02\x16", 7));
  });
  mistaken.port = alerting.port();
  EXPECT_THAT(why(mistaken), HasSubstr("TLS is spoken there; its address begins with https://"));
}

TEST_F(TlsTest, DeadlineCoversTheHandshake) {
  const ScriptServer hang([](const Peer& peer) { peer.receive_all(); });
  const auto begin = std::chrono::steady_clock::now();
  const Error error = fault(endpoint(hang.port()), 200);
  EXPECT_EQ(error.code, ErrorCode::timeout);
  EXPECT_THAT(error.message, HasSubstr("within 200 ms (the TLS handshake)"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(TlsTest, CancelledInTheHandshake) {
  const ScriptServer hang([](const Peer& peer) { peer.receive_all(); });
  for (const bool loop_ends : {false, true}) {
    std::optional<Result<HttpReply>> reply;
    boost::asio::cancellation_signal stop;
    {
      boost::asio::io_context loop{1};
      HttpRequest request;
      request.endpoint = endpoint(hang.port());
      boost::asio::co_spawn(
          loop, exchange_into(*http_, request, body, 60'000, reply),
          boost::asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
      loop.run_for(std::chrono::milliseconds(100));
      if (!loop_ends) {
        stop.emit(boost::asio::cancellation_type::terminal);
        loop.run();
      }
    }
    if (loop_ends) {
      EXPECT_FALSE(reply);
      continue;
    }
    ASSERT_TRUE(reply && !reply->ok());
    EXPECT_EQ(reply->error().code, ErrorCode::cancelled);
  }
}

TEST_F(TlsTest, EndsOfBodies) {
  const auto cut = [&](const std::string& answer, bool goodbye) {
    const ScriptServer server(with_tls(manners(), [=](const TlsPeer& peer) {
      peer.receive_until("\r\n\r\n");
      peer.send(answer);
      if (goodbye) peer.say_goodbye();
    }));
    const Result<HttpReply> reply = ask(endpoint(server.port()));
    return reply.ok() ? std::string("ok") : std::string(to_string(reply.error().code));
  };
  const std::string until_close = "HTTP/1.1 200 OK\r\n\r\nhello";
  EXPECT_EQ(cut(until_close, true), "ok");
  EXPECT_EQ(body.text, "hello");
  EXPECT_EQ(cut(until_close, false), "truncated");
  EXPECT_EQ(cut(kTlsOk, false), "ok");
  EXPECT_EQ(cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false),
            "ok");
  EXPECT_EQ(cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", true), "truncated");
  EXPECT_EQ(cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", false), "truncated");
  EXPECT_EQ(cut("HTTP/1.1 200 OK\r\nContent-", true), "reset");
  EXPECT_EQ(cut("", true), "reset");
}

TEST_F(TlsTest, CapsHoldThroughTls) {
  const ScriptServer endless(with_tls(manners(), [](const TlsPeer& peer) {
    peer.receive_until("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 4096; ++i) peer.send(std::string(1024, 'x'));
  }));
  EXPECT_EQ(fault(endpoint(endless.port())).code, ErrorCode::too_large);
}

}  // namespace
}  // namespace doctor
