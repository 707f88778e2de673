// A connection: bytes in both directions, in the clear or through TLS, for one exchange after the
// other. Whatever goes wrong comes out as an Error that names the peer and, for TLS, what to look
// at.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/net/resolver.hpp"
#include "agent/net/tls_context.hpp"
#include "collectors/http.hpp"
#include "model/result.hpp"

namespace doctor {

class Wire {
 public:
  Wire(const Endpoint& endpoint, boost::asio::any_io_executor executor);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Tries the addresses in turn, each for its share of the time. Errors: refused, timeout, io.
  boost::asio::awaitable<Status> connect(Resolver::Addresses addresses,
                                         std::chrono::steady_clock::time_point deadline);
  /// After connect(), when TLS is spoken; verifies the peer. Errors: tls, reset.
  boost::asio::awaitable<Status> handshake(TlsContext context);
  /// Errors: reset; through TLS they come out of receive(), which may know why.
  boost::asio::awaitable<Status> send(const std::string& text);
  /// 0 when the peer closed. Errors: reset, tls (it refuses our certificate only now, since
  /// TLS 1.3).
  boost::asio::awaitable<Result<std::size_t>> receive(std::span<char> window);

  /// At least so many bytes will come, as far as is known: in the clear we are woken for many at
  /// once.
  void expect(std::uint64_t bytes);

  /// Whether it was made for such an endpoint, in this way, and one of `addresses` is its peer.
  bool leads_to(const Endpoint& endpoint, const Resolver::Addresses& addresses,
                const TlsContext& context) const;
  /// Between exchanges: the peer has neither closed nor said anything unasked.
  bool is_quiet() const;
  std::chrono::steady_clock::time_point connected_at() const { return connected_at_; }

  /// The peer closed without TLS's goodbye: somebody else may have cut the answer off.
  bool cut_off() const { return cut_off_; }
  /// The end of a sentence about a peer that closed without an answer: what may be the reason.
  std::string hint() const;

 private:
  struct Streams;
  boost::asio::awaitable<boost::system::error_code> connect_one(
      boost::asio::ip::tcp::endpoint peer, std::chrono::steady_clock::duration budget);
  Error failed(const boost::system::error_code& error, const std::string& when) const;

  const Endpoint endpoint_;
  const std::string address_;  // for messages
  std::unique_ptr<Streams> streams_;
  boost::asio::ip::tcp::endpoint peer_;
  std::chrono::steady_clock::time_point connected_at_{};
  std::string certificate_fault_;
  bool heard_{false};  // something of the answer
  bool cut_off_{false};
  bool waits_for_many_{false};
  int reads_left_{0};  // before the next turn of the loop; none for what was just asked
};

}  // namespace doctor
