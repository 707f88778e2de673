// For tests of exchanges with TLS and credentials: a directory for their files, and a client that
// reads them again at every exchange.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "agent/net/access.hpp"
#include "agent/net/asio_http.hpp"
#include "tests/unit/tls_server.hpp"

namespace doctor {

inline const std::string kTlsOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

inline boost::asio::awaitable<void> exchange_into(Http& http, HttpRequest request, BodySink& sink,
                                                  DurationMs deadline_ms,
                                                  std::optional<Result<HttpReply>>& reply,
                                                  std::size_t bytes_max = 1U << 20U) {
  const HttpCaps caps{bytes_max, bytes_max, deadline_ms};
  Result<HttpReply> result = co_await http.exchange(std::move(request), sink, caps);
  reply.emplace(std::move(result));
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that our clients have closed
    limits.credentials_recheck_ms = 0;
    directory_ = testing::TempDir() + "doctor-tls-XXXXXX";
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    access.tls_block = "clusters[0].tls";
    access.auth_block = "clusters[0].auth";
    access.tls.ca_file = write("ca.pem", authority.certificate());
    make_client();
  }
  ~TlsTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  /// Replaces a file as careful programs do, by another one of the same name.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name + ".new"), std::ios::binary) << text;
    std::filesystem::rename(path(name + ".new"), path(name));
    return path(name);
  }
  void show(const certificates::Identity& identity) {
    access.tls.certificate_file = write("client.pem", identity.certificate);
    access.tls.key_file = write("client.key", identity.key);
  }
  TlsManners manners(const certificates::Wish& wish = {}) const { return {authority.issue(wish)}; }

  void make_client() { http_ = make_asio_http(resolver_, limits); }
  Endpoint endpoint(std::uint16_t port, const std::string& host = "127.0.0.1") {
    if (!handle_) handle_ = std::make_shared<const HttpAccess>(access);
    return Endpoint{host, port, "", true, handle_};
  }
  Result<HttpReply> ask(const Endpoint& where, DurationMs deadline_ms = 10'000) {
    HttpRequest request;
    request.endpoint = where;
    request.target = "/config";
    body = {};
    std::optional<Result<HttpReply>> reply;
    loop_.restart();
    boost::asio::co_spawn(loop_, exchange_into(*http_, request, body, deadline_ms, reply),
                          [](std::exception_ptr bug) {
                            if (bug) std::rethrow_exception(bug);
                          });
    loop_.run();
    return reply.value_or(Error{ErrorCode::io, "never finished"});
  }
  /// Of an exchange that must fail; nothing secret may be in it.
  Error fault(const Endpoint& where, DurationMs deadline_ms = 10'000) {
    const Result<HttpReply> reply = ask(where, deadline_ms);
    if (reply.ok()) return {ErrorCode::io, "it worked"};
    EXPECT_EQ(reply.error().message.find("canary"), std::string::npos) << reply.error().message;
    return reply.error();
  }
  std::string why(const Endpoint& where) { return fault(where).message; }
  bool works(const Endpoint& where) {
    const Result<HttpReply> reply = ask(where);
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply.ok();
  }

  const certificates::Authority authority{"our CA"};
  HttpAccess access;  // as it is at the first endpoint()
  Limits limits;
  StringSink body;
  Resolver resolver_{Limits{}, [](const std::string&, std::uint16_t port) {
                       const auto here = boost::asio::ip::address_v4::loopback();
                       return Result<Resolver::Addresses>(Resolver::Addresses{{here, port}});
                     }};
  boost::asio::io_context loop_{1};  // outlives connections that are kept
  std::unique_ptr<Http> http_;

 private:
  std::string directory_;
  std::shared_ptr<const HttpAccess> handle_;
};

}  // namespace doctor
