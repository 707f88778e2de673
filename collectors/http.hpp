// The one seam for outbound HTTP. Collectors and the alert client speak through it; the Asio
// implementation lives in agent/net, tests put fakes here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

/// Whom to trust there and what to show them (agent/net/access.hpp). Collectors only pass it on.
struct HttpAccess;

struct Endpoint {
  std::string host;  // name or address literal, IPv6 without brackets
  std::uint16_t port{};
  std::string path_prefix{};  // "" or "/prefix", without trailing slash
  bool tls{false};
  std::shared_ptr<const HttpAccess>
      access{};  // null: nothing is shown, the system's CAs are trusted

  std::string address() const;  // "host:port", IPv6 in brackets
  std::string url() const;      // "http://host:port/prefix", or https
};

/// "http://host[:port][/prefix]", the same with https (default port 443), or "host:port". User info
/// is refused with a clear text.
Result<Endpoint> parse_url(const std::string& url, std::uint16_t default_port);

/// "host:port" or "host:from-to" (inclusive), with http:// or https:// before it or not; IPv6
/// literals in brackets. At most `endpoints_max`.
Result<std::vector<Endpoint>> parse_port_range(const std::string& text,
                                               std::size_t endpoints_max = 64);

struct HttpRequest {
  Endpoint endpoint;
  std::string method{"GET"};
  std::string target;  // path and query without the endpoint's prefix
  std::string body;
  std::string content_type;
  bool accept_gzip{false};
  bool reads_forbidden{false};  // 403 is an answer, whose body says what is missing
};

/// Caps count bytes processed: on the wire and after decoding.
struct HttpCaps {
  std::size_t wire_bytes_max{};
  std::size_t decoded_bytes_max{};
  DurationMs deadline_ms{};  // for all of it: resolve, connect, TLS handshake, send, receive
};

struct HttpReply {
  int status{};
  std::string content_type;
  std::uint64_t wire_bytes{};
};

/// Takes a decoded body window by window. An error stops the exchange and is its result.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Called once, before the first window, also for answers that are not 2xx.
  virtual void begin(const HttpReply& head) { static_cast<void>(head); }
  virtual Status feed(std::span<const char> window) = 0;
};

class StringSink final : public BodySink {
 public:
  Status feed(std::span<const char> window) override {
    text.append(window.data(), window.size());
    return Done{};
  }
  std::string text;
};

class Http {
 public:
  virtual ~Http() = default;
  /// Ends well only when the body did: Content-Length reached, last chunk seen, gzip CRC right.
  /// Redirects are not followed: they, and answers that ask for (other) credentials, are errors
  /// that say what to configure. Cancellation of the coroutine gives ErrorCode::cancelled.
  virtual boost::asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                                             HttpCaps caps) = 0;
};

}  // namespace doctor
