#include "bench/exchange.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/net/asio_http.hpp"
#include "bench/allocations.hpp"

namespace doctor::bench {
namespace {

namespace asio = boost::asio;

/// Answers every question over one connection with the same body. Plain sockets: allocations are
/// counted of all threads.
class Peer {
 public:
  explicit Peer(const std::string& body)
      : answer_("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body),
        listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, any, &size) != 0) {
      throw std::runtime_error("no port on loopback");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  /// The other side has hung up.
  ~Peer() {
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  void serve() const {
    const int peer = ::accept(listener_, nullptr, nullptr);
    std::array<char, 4096> asked;
    std::size_t length = 0;
    for (;;) {
      const auto count = ::recv(peer, asked.data() + length, asked.size() - length, 0);
      if (count <= 0) break;
      length += static_cast<std::size_t>(count);
      if (!std::string_view(asked.data(), length).ends_with("\r\n\r\n")) continue;
      length = 0;
      for (std::size_t sent = 0; sent < answer_.size();) {
        const auto more = ::send(peer, answer_.data() + sent, answer_.size() - sent, MSG_NOSIGNAL);
        if (more <= 0) break;
        sent += static_cast<std::size_t>(more);
      }
    }
    ::close(peer);
  }

  std::string answer_;
  int listener_;
  std::uint16_t port_{};
  std::thread thread_;
};

class Discard final : public BodySink {
 public:
  Status feed(std::span<const char> window) override {
    bytes += window.size();
    return Done{};
  }
  std::size_t bytes{0};
};

asio::awaitable<void> ask(Http& http, std::uint16_t port, std::size_t bytes,
                          std::vector<std::uint64_t>& counts) {
  for (std::uint64_t& count : counts) {
    Discard sink;
    const std::uint64_t before = allocations();
    HttpRequest request;
    request.endpoint = {"127.0.0.1", port, {}};
    request.target = "/metrics";
    request.accept_gzip = true;
    const Result<HttpReply> reply =
        co_await http.exchange(std::move(request), sink, {1U << 30U, 1U << 30U, kMinuteMs});
    count = allocations() - before;
    if (!reply || sink.bytes != bytes) throw std::runtime_error("an exchange failed");
  }
}

}  // namespace

std::uint64_t allocations_per_exchange(const std::string& body) {
  constexpr std::size_t kExchanges = 100;
  const Peer peer(body);
  std::vector<std::uint64_t> counts(2 * kExchanges);
  const Limits limits;
  asio::io_context loop(1);
  Resolver resolver(limits);
  const std::unique_ptr<Http> http = make_asio_http(resolver, limits);
  asio::co_spawn(loop, ask(*http, peer.port(), body.size(), counts), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
  loop.run();
  const auto median = counts.begin() + kExchanges + kExchanges / 2;
  std::nth_element(counts.begin() + kExchanges, median, counts.end());
  return *median;
}

}  // namespace doctor::bench
