#include "agent/net/connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <span>

#include "agent/net/response_text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kBodyBytesMax = 8U << 10U;
constexpr std::size_t kReadBytes = 4U << 10U;
constexpr std::size_t kLingerBytesMax = 256U << 10U;
constexpr DurationMs kIdleMs = 60 * kSecondMs;  // outlives the usual scrape interval
constexpr DurationMs kLingerMs = 1 * kSecondMs;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, asio::ip::address peer, const Limits& limits,
                       const InboundHandler& handler)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      timer_(socket_.get_executor()),
      limits_(limits),
      handler_(handler) {}

asio::awaitable<void> Connection::serve() {
  DurationMs idle_ms = limits_.inbound_deadline_ms;  // a new client is expected to speak
  for (bool open = true; open;) {
    RequestReader reader(limits_.inbound_header_bytes_max, kBodyBytesMax);
    const bool arrived = co_await read_request(reader, idle_ms);
    if (!arrived) break;
    const bool keep_alive = reader.keep_alive() && !stopping_;
    const bool written = co_await answer(reader, keep_alive);
    if (written && reader.refusal() != 0) co_await linger();
    open = written && keep_alive && !stopping_;
    idle_ms = kIdleMs;
  }
  close();
}

asio::awaitable<bool> Connection::read_request(RequestReader& reader, DurationMs idle_ms) {
  std::array<char, kReadBytes> window;
  enter(Phase::idle, idle_ms);
  for (;;) {
    if (!buffer_.empty()) {
      if (phase_ == Phase::idle) enter(Phase::reading, limits_.inbound_deadline_ms);
      if (reader.feed(buffer_) != RequestReader::Verdict::need_more) co_return true;
    }
    const auto [error, count] = co_await socket_.async_read_some(asio::buffer(window), kTuple);
    if (error) co_return false;
    buffer_.append(window.data(), count);
  }
}

asio::awaitable<bool> Connection::answer(const RequestReader& reader, bool keep_alive) {
  enter(Phase::writing, limits_.inbound_deadline_ms);
  const InboundResponse response = handle(reader);
  const std::span<const char> body =
      response.body ? std::span<const char>(*response.body) : std::span<const char>();
  const std::string head =
      response_head(response.status, response.content_type, body.size(), keep_alive);
  const bool head_only =
      reader.request().method == "HEAD" || response.status == 204 || response.status == 304;
  // The body is sent from where it lies; all readers of one text share it.
  const std::array<asio::const_buffer, 2> parts{
      asio::buffer(head), asio::buffer(body.data(), head_only ? 0 : body.size())};
  const auto [error, count] = co_await asio::async_write(socket_, parts, kTuple);
  static_cast<void>(count);
  co_return !error;
}

InboundResponse Connection::handle(const RequestReader& reader) const {
  if (reader.refusal() != 0) return plain_response(reader.refusal());
  try {
    return handler_(reader.request());
  } catch (const std::exception&) {
    return plain_response(500);  // its text may hold anything; the reader gets none of it
  }
}

asio::awaitable<void> Connection::linger() {
  // Closing over unread bytes sends a reset, which can destroy the answer before it was read.
  enter(Phase::lingering, kLingerMs);
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::array<char, kReadBytes> window;
  for (std::size_t total = 0; total < kLingerBytesMax;) {
    const auto [error, count] = co_await socket_.async_read_some(asio::buffer(window), kTuple);
    if (error) co_return;
    total += count;
  }
}

void Connection::enter(Phase phase, DurationMs deadline_ms) {
  phase_ = phase;
  since_ = Clock::now();
  timer_.expires_after(std::chrono::milliseconds(deadline_ms));
  timer_.async_wait([self = weak_from_this()](const error_code& error) {
    const std::shared_ptr<Connection> connection = self.lock();
    // An expiry that was already queued when a new phase began is not meant for it.
    if (error || !connection || connection->timer_.expiry() > Clock::now()) return;
    connection->close();
  });
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

void Connection::stop() {
  stopping_ = true;
  if (phase_ != Phase::writing) close();
}

}  // namespace doctor
