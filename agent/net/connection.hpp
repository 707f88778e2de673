// One inbound connection: read a request, ask the handler, write the answer, again. Every phase
// has one total deadline, so that a client that drips bytes holds nothing for long. Used on the
// server's thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "agent/net/request_reader.hpp"
#include "agent/net/server.hpp"

namespace doctor {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Phase { idle, reading, writing, lingering };

  Connection(boost::asio::ip::tcp::socket socket, boost::asio::ip::address peer,
             const Limits& limits, const InboundHandler& handler);

  /// Returns when the connection is over; the caller keeps the object alive until then.
  boost::asio::awaitable<void> serve();
  void close();
  /// Ends now, or after the answer that is being written.
  void stop();
  const boost::asio::ip::address& peer() const { return peer_; }
  Phase phase() const { return phase_; }
  Clock::time_point since() const { return since_; }  // begin of the phase

 private:
  boost::asio::awaitable<bool> read_request(RequestReader& reader, DurationMs idle_ms);
  boost::asio::awaitable<bool> answer(const RequestReader& reader, bool keep_alive);
  boost::asio::awaitable<void> linger();
  InboundResponse handle(const RequestReader& reader) const;
  void enter(Phase phase, DurationMs deadline_ms);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::address peer_;
  boost::asio::steady_timer timer_;
  const Limits& limits_;
  const InboundHandler& handler_;
  std::string buffer_;  // arrived, not yet taken by a request
  Phase phase_{Phase::idle};
  Clock::time_point since_{Clock::now()};
  bool stopping_{false};
};

}  // namespace doctor
