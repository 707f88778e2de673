#include "agent/net/wire.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/ssl/verify_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>
#include <tuple>

#include "agent/net/tls_fault.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kAddressesTriedMax = 8;
constexpr std::uint64_t kManyBytes = 1U << 20U;
// What is there is read at once, without a turn of the loop for each window; then others have
// theirs.
constexpr int kReadsInATurnMax = 16;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Error connect_error(const error_code& error, const std::string& address) {
  namespace e = boost::asio::error;
  if (error == e::connection_refused) {
    return {ErrorCode::refused, "connection refused by " + address};
  }
  if (error == e::host_unreachable || error == e::network_unreachable) {
    return {ErrorCode::refused, "no route to " + address};
  }
  if (error == e::timed_out || error == e::operation_aborted) {
    return {ErrorCode::timeout, address + " does not take connections (no answer)"};
  }
  return {ErrorCode::io, "cannot connect to " + address + ": " + error.message()};
}

/// Closed without close_notify. OpenSSL 3 has its own name for it beside Asio's.
bool is_cut_off(const error_code& error) {
  return error == ssl::error::stream_truncated ||
         (error.category() == asio::error::get_ssl_category() &&
          ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
              SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

}  // namespace

struct Wire::Streams {
  explicit Streams(const asio::any_io_executor& executor) : socket(executor) {}
  tcp::socket socket;
  TlsContext context;  // outlives the stream made of it
  std::optional<ssl::stream<tcp::socket&>> tls;
};

Wire::Wire(const Endpoint& endpoint, asio::any_io_executor executor)
    : endpoint_(endpoint),
      address_(printable(endpoint.address())),
      streams_(std::make_unique<Streams>(std::move(executor))) {}

Wire::~Wire() = default;

asio::awaitable<Status> Wire::connect(Resolver::Addresses addresses, Clock::time_point deadline) {
  if (addresses.empty()) {
    co_return Error{ErrorCode::name_resolution, "no address for " + address_};
  }
  addresses.resize(std::min(addresses.size(), kAddressesTriedMax));
  error_code first_error;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // An address that swallows packets gets its share of the time, not all of it.
    const auto share = static_cast<Clock::rep>(addresses.size() - i);
    const Clock::duration budget = (deadline - Clock::now()) / share;
    const error_code error = co_await connect_one(addresses[i], budget);
    if (!error) {
      error_code ignored;
      streams_->socket.non_blocking(true, ignored);
      peer_ = addresses[i];
      connected_at_ = Clock::now();
      co_return Done{};
    }
    if (!first_error) first_error = error;
  }
  co_return connect_error(first_error, address_);
}

asio::awaitable<error_code> Wire::connect_one(tcp::endpoint peer, Clock::duration budget) {
  tcp::socket& socket = streams_->socket;
  error_code ignored;
  socket.close(ignored);
  asio::steady_timer timer(socket.get_executor(), budget);
  auto race = asio::experimental::make_parallel_group(socket.async_connect(peer, asio::deferred),
                                                      timer.async_wait(asio::deferred));
  const auto [order, connect_error_code, timer_error] =
      co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  static_cast<void>(order);
  static_cast<void>(timer_error);
  co_return connect_error_code;
}

asio::awaitable<Status> Wire::handshake(TlsContext context) {
  streams_->context = std::move(context);
  auto& tls = streams_->tls.emplace(streams_->socket, *streams_->context);
  if (!expect_name(tls.native_handle(), endpoint_)) {
    co_return Error{ErrorCode::invalid_argument,
                    printable(expected_name(endpoint_)) + " is no name a certificate can have"};
  }
  if (SSL_get_verify_mode(tls.native_handle()) != SSL_VERIFY_NONE) {
    error_code ignored;
    tls.set_verify_callback(
        [this](bool good, ssl::verify_context& verification) {
          if (!good)
            certificate_fault_ = certificate_fault(verification.native_handle(), endpoint_);
          return good;
        },
        ignored);
  }
  const auto [error] = co_await tls.async_handshake(ssl::stream_base::client, kTuple);
  if (!error) co_return Done{};
  if (!certificate_fault_.empty()) {
    co_return Error{ErrorCode::tls, address_ + ": " + certificate_fault_};
  }
  Error fault = failed(error, "in the TLS handshake");
  if (fault.code == ErrorCode::reset) {
    fault.message += "; if it speaks no TLS, its address begins with http://";
  }
  co_return fault;
}

asio::awaitable<Status> Wire::send(const std::string& text) {
  reads_left_ = 0;  // its answer takes a while
  if (streams_->tls) {
    const auto [error, count] =
        co_await asio::async_write(*streams_->tls, asio::buffer(text), kTuple);
    static_cast<void>(error);  // why it closed, an alert, may wait to be read: receive() tells it
    static_cast<void>(count);
    co_return Done{};
  }
  const auto [error, count] =
      co_await asio::async_write(streams_->socket, asio::buffer(text), kTuple);
  static_cast<void>(count);
  if (!error) co_return Done{};
  co_return Error{ErrorCode::reset, address_ + " closed the connection while we asked"};
}

asio::awaitable<Result<std::size_t>> Wire::receive(std::span<char> window) {
  const auto buffer = asio::buffer(window.data(), window.size());
  if (streams_->tls) {
    const auto [error, count] = co_await streams_->tls->async_read_some(buffer, kTuple);
    cut_off_ = is_cut_off(error);
    if (cut_off_ || error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return failed(error, "while it answered");
    heard_ = true;
    co_return count;
  }
  error_code error = asio::error::would_block;
  std::size_t count = 0;
  if (reads_left_ > 0) {
    --reads_left_;
    count = streams_->socket.read_some(buffer, error);
  }
  if (error == asio::error::would_block) {
    std::tie(error, count) = co_await streams_->socket.async_read_some(buffer, kTuple);
    reads_left_ = kReadsInATurnMax;
  }
  if (error == asio::error::eof) co_return std::size_t{0};
  if (error) {
    co_return Error{ErrorCode::reset, address_ + ": the connection broke: " + error.message() +
                                          (heard_ ? std::string() : hint())};
  }
  heard_ = true;
  co_return count;
}

void Wire::expect(std::uint64_t bytes) {
  const bool many = !streams_->tls && bytes >= kManyBytes;
  if (many == waits_for_many_) return;
  waits_for_many_ = many;
  error_code ignored;
  streams_->socket.set_option(
      asio::socket_base::receive_low_watermark(many ? static_cast<int>(kManyBytes) : 1), ignored);
}

bool Wire::leads_to(const Endpoint& endpoint, const Resolver::Addresses& addresses,
                    const TlsContext& context) const {
  return endpoint.host == endpoint_.host && endpoint.port == endpoint_.port &&
         context == streams_->context &&
         std::find(addresses.begin(), addresses.end(), peer_) != addresses.end();
}

bool Wire::is_quiet() const {
  char byte{};
  const auto count =
      ::recv(streams_->socket.native_handle(), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/// Of a connection with TLS.
Error Wire::failed(const error_code& error, const std::string& when) const {
  const bool requested = !heard_ && certificate_requested(streams_->tls->native_handle());
  if (error.category() == asio::error::get_ssl_category() && !is_cut_off(error)) {
    return {ErrorCode::tls,
            address_ + ": " +
                protocol_fault(static_cast<unsigned long>(error.value()), requested, endpoint_)};
  }
  const std::string broken = address_ + ": the connection broke " + when;
  if (requested) return {ErrorCode::tls, broken + "; " + certificate_missing(endpoint_)};
  return {ErrorCode::reset, broken + ": " + error.message()};
}

std::string Wire::hint() const {
  if (!streams_->tls) return "; if it speaks TLS, its address begins with https://";
  if (!certificate_requested(streams_->tls->native_handle())) return {};
  return "; " + certificate_missing(endpoint_);
}

}  // namespace doctor
