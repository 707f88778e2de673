#include "agent/net/server.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <set>
#include <thread>

#include "agent/net/connection.hpp"
#include "agent/net/resolver.hpp"
#include "agent/net/response_text.hpp"
#include "agent/thread.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr DurationMs kAcceptBackoffMs = 100;
constexpr DurationMs kGraceMs = kSecondMs;  // then a slow sender or reader may be evicted
constexpr DurationMs kStopGraceMs = 500;    // for answers that are being written
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Error cannot_listen(const std::string& host, std::uint16_t port, std::string reason) {
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  }
  const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return {ErrorCode::io, "cannot listen on " + printable(shown) + ":" + std::to_string(port) +
                             ": " + reason + "; choose another with --listen"};
}

class AsioServer final : public Server {
 public:
  AsioServer(const Limits& limits, InboundHandler handler)
      : limits_(limits), handler_(std::move(handler)), acceptor_(io_), stop_timer_(io_) {}
  ~AsioServer() override;

  error_code listen(const tcp::endpoint& endpoint);
  bool run();  // false: no thread for it
  std::uint16_t port() const override { return port_; }

 private:
  asio::awaitable<void> accept_all();
  void admit(tcp::socket socket);
  void refuse(tcp::socket socket);
  bool make_room();
  bool make_room_for(const asio::ip::address& peer);
  void evict(Connection* connection);
  void stop();

  const Limits limits_;
  const InboundHandler handler_;
  std::set<Connection*> connections_;  // each owned by its own coroutine
  std::uint16_t port_{0};
  bool stopping_{false};
  asio::io_context io_{1};  // behind what coroutines refer to: destroyed before it
  tcp::acceptor acceptor_;
  asio::steady_timer stop_timer_;
  std::thread thread_;
};

AsioServer::~AsioServer() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] { stop(); });
  thread_.join();
}

error_code AsioServer::listen(const tcp::endpoint& endpoint) {
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) port_ = acceptor_.local_endpoint(error).port();
  return error;
}

bool AsioServer::run() {
  asio::co_spawn(io_, accept_all(), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  std::optional<std::thread> started = start_thread([this] { io_.run(); });
  if (started) thread_ = std::move(*started);
  return thread_.joinable();
}

asio::awaitable<void> AsioServer::accept_all() {
  asio::steady_timer backoff(io_);
  while (!stopping_) {
    auto [error, socket] = co_await acceptor_.async_accept(kTuple);
    if (stopping_) co_return;
    if (error) {
      // The next try would fail at once, too; without the pause this loop would spin.
      if (error == asio::error::no_descriptors) make_room();
      backoff.expires_after(std::chrono::milliseconds(kAcceptBackoffMs));
      co_await backoff.async_wait(kTuple);
      continue;
    }
    admit(std::move(socket));
  }
}

void AsioServer::admit(tcp::socket socket) {
  error_code gone;
  const asio::ip::address peer = socket.remote_endpoint(gone).address();
  if (gone) return;
  const bool is_full = connections_.size() >= limits_.inbound_connections_max;
  if (is_full && !make_room() && !make_room_for(peer)) return refuse(std::move(socket));
  const auto connection = std::make_shared<Connection>(std::move(socket), peer, limits_, handler_);
  connections_.insert(connection.get());
  asio::co_spawn(io_, connection->serve(), [this, connection](const std::exception_ptr& failure) {
    connections_.erase(connection.get());
    if (failure) connection->close();
    if (stopping_ && connections_.empty()) io_.stop();
  });
}

void AsioServer::refuse(tcp::socket socket) {
  const InboundResponse busy = plain_response(503);
  const std::string text =
      response_head(busy.status, busy.content_type, busy.body->size(), false) + *busy.body;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);  // a fresh socket takes this at once, or never
}

/// Idle ones go first, then the slowest to send its request or to read its answer.
bool AsioServer::make_room() {
  const auto now = Connection::Clock::now();
  const auto rank = [&](const Connection* connection) {
    switch (connection->phase()) {
      case Connection::Phase::idle:
      case Connection::Phase::lingering:
        return 2;
      case Connection::Phase::reading:
      case Connection::Phase::writing:
        break;
    }
    return now - connection->since() > std::chrono::milliseconds(kGraceMs) ? 1 : 0;
  };
  const auto victim = std::min_element(
      connections_.begin(), connections_.end(), [&](const Connection* a, const Connection* b) {
        const int rank_a = rank(a);
        const int rank_b = rank(b);
        return rank_a != rank_b ? rank_a > rank_b : a->since() < b->since();
      });
  if (victim == connections_.end() || rank(*victim) == 0) return false;
  evict(*victim);
  return true;
}

/// Of the peer that holds most, if that is more than this one would then have: many slow readers
/// in one place keep nobody elsewhere waiting.
bool AsioServer::make_room_for(const asio::ip::address& peer) {
  std::map<asio::ip::address, std::pair<std::size_t, Connection*>> held;  // and the oldest of each
  for (Connection* connection : connections_) {
    auto& [count, oldest] = held[connection->peer()];
    ++count;
    if (oldest == nullptr || connection->since() < oldest->since()) oldest = connection;
  }
  const std::size_t own = held[peer].first;
  const auto greediest = std::max_element(
      held.begin(), held.end(),
      [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
  if (greediest->second.first <= own + 1) return false;
  evict(greediest->second.second);
  return true;
}

void AsioServer::evict(Connection* connection) {
  connections_.erase(connection);
  connection->close();
}

void AsioServer::stop() {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  for (Connection* connection : connections_) connection->stop();
  if (connections_.empty()) return io_.stop();
  stop_timer_.expires_after(std::chrono::milliseconds(kStopGraceMs));
  stop_timer_.async_wait([this](const error_code&) { io_.stop(); });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const std::string& host, std::uint16_t port,
                                              const Limits& limits, InboundHandler handler) {
  error_code not_literal;
  const asio::ip::address literal = asio::ip::make_address(host, not_literal);
  tcp::endpoint endpoint(literal, port);
  if (not_literal) {
    const Result<Resolver::Addresses> found = Resolver::system_lookup(host, port);
    if (!found) return cannot_listen(host, port, found.error().message);
    const auto v4 = std::find_if(found->begin(), found->end(),
                                 [](const tcp::endpoint& e) { return e.address().is_v4(); });
    endpoint = v4 != found->end() ? *v4 : found->front();
  }
  auto server = std::make_unique<AsioServer>(limits, std::move(handler));
  if (const error_code error = server->listen(endpoint)) {
    return cannot_listen(host, port, error.message());
  }
  if (!server->run()) return cannot_listen(host, port, "the system gives no more threads");
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace doctor
