#include "agent/net/asio_http.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <string_view>

#include "agent/net/body.hpp"
#include "agent/net/idle_wires.hpp"
#include "agent/net/keyring.hpp"
#include "agent/net/refusal.hpp"
#include "agent/net/response_head.hpp"
#include "agent/net/wire.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Outcome = std::optional<Result<HttpReply>>;  // optional: a group needs an empty value

constexpr std::size_t kWindowBytes = 128U << 10U;
constexpr std::size_t kHeadWindowBytes = 4U << 10U;  // what is read beyond the head is copied

/// RFC 9110 token characters; a method or header that is not one could smuggle a second request.
bool is_plain(std::string_view text, bool spaces) {
  return std::all_of(text.begin(), text.end(),
                     [spaces](char c) { return (c > 0x20 && c < 0x7f) || (spaces && c == ' '); });
}

Status check(const HttpRequest& request) {
  const bool clean = !request.method.empty() && is_plain(request.method, false) &&
                     is_plain(request.endpoint.host, false) && !request.endpoint.host.empty() &&
                     is_plain(request.endpoint.path_prefix, false) &&
                     is_plain(request.target, false) && is_plain(request.content_type, true);
  if (clean) return Done{};
  return Error{ErrorCode::invalid_argument, "a request to " +
                                                printable(request.endpoint.address()) +
                                                " with characters that do not belong there"};
}

/// Asked again over another connection nothing changes, so that one that was closed in the meantime
/// costs nothing.
bool may_be_repeated(const HttpRequest& request) { return request.method == "GET"; }

std::string render(const HttpRequest& request, const Secret& headers) {
  std::string target = request.endpoint.path_prefix + request.target;
  if (target.empty() || target.front() != '/') target.insert(0, "/");
  std::string text = request.method + " " + target + " HTTP/1.1\r\n";
  text += "Host: " + request.endpoint.address() + "\r\n";
  text += "User-Agent: flink-doctor/" DOCTOR_VERSION "\r\nAccept: */*\r\n";
  if (!may_be_repeated(request)) text += "Connection: close\r\n";
  if (request.accept_gzip) text += "Accept-Encoding: gzip\r\n";
  if (!request.content_type.empty()) text += "Content-Type: " + request.content_type + "\r\n";
  if (!request.body.empty() || request.method == "POST") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + headers.reveal() + "\r\n" + request.body;
}

/// What an exchange waits for, to say so when its time is over.
struct Progress {
  const char* stage{"resolving the name"};
};

/// One question and its answer. Lives in the child coroutine.
class Exchange {
 public:
  Exchange(const HttpRequest& request, const HttpCaps& caps, BodySink& sink,
           std::size_t header_bytes_max, Wire& wire)
      : request_(request),
        caps_(caps),
        sink_(sink),
        address_(printable(request.endpoint.address())),
        wire_(wire),
        head_(header_bytes_max, request.method == "HEAD"),
        window_(std::make_unique_for_overwrite<char[]>(kWindowBytes)) {}

  asio::awaitable<Status> run(const Secret& headers, Progress& progress);
  /// Something of the answer has come.
  bool heard() const { return wire_bytes_ > 0; }
  /// After a good end: another exchange may follow over the same connection.
  bool may_be_followed() const { return may_be_followed_; }
  HttpReply reply() const { return {head_.head().status, head_.head().content_type, wire_bytes_}; }

 private:
  /// An answer that only says how to ask differently is an error.
  asio::awaitable<Status> receive_head();
  asio::awaitable<Status> receive_body();
  asio::awaitable<Result<std::size_t>> read_window(std::size_t bytes_max);  // 0 = the peer closed
  Error at_peer(Error error) const;

  const HttpRequest& request_;
  const HttpCaps caps_;
  BodySink& sink_;
  const std::string address_;
  Wire& wire_;
  ResponseHeadReader head_;
  std::unique_ptr<char[]> window_;
  std::uint64_t wire_bytes_{0};
  bool may_be_followed_{false};
};

asio::awaitable<Status> Exchange::run(const Secret& headers, Progress& progress) {
  progress.stage = "sending the request";
  Status done = co_await wire_.send(render(request_, headers));
  if (!done) co_return done;
  progress.stage = "waiting for the head of the answer";
  done = co_await receive_head();
  if (!done) co_return done;
  progress.stage = "reading the body";
  co_return co_await receive_body();
}

asio::awaitable<Status> Exchange::receive_head() {
  while (!head_.complete()) {
    const Result<std::size_t> count = co_await read_window(kHeadWindowBytes);
    if (!count) co_return count.error();
    if (*count == 0) {
      if (head_.started()) {
        co_return Error{ErrorCode::reset, address_ + " closed in the middle of its answer's head"};
      }
      co_return Error{ErrorCode::reset,
                      address_ + " closed the connection without an answer" + wire_.hint()};
    }
    Status fed = head_.feed({window_.get(), *count});
    if (!fed) co_return at_peer(fed.error());
  }
  if (head_.head().status == 403 && request_.reads_forbidden) co_return Done{};
  if (const auto refused = refusal(request_.endpoint, head_.head())) co_return at_peer(*refused);
  co_return Done{};
}

asio::awaitable<Status> Exchange::receive_body() {
  const BodyShape& shape = head_.head().body;
  if (shape.content_length > caps_.wire_bytes_max) {
    co_return at_peer({ErrorCode::too_large, "a body of " + std::to_string(shape.content_length) +
                                                 " bytes is announced, more than the cap"});
  }
  sink_.begin(reply());
  BodyReader body(shape, caps_.decoded_bytes_max, sink_);
  Status fed = body.feed(head_.rest());
  while (fed && !body.complete()) {
    wire_.expect(body.bytes_left());
    const Result<std::size_t> count = co_await read_window(kWindowBytes);
    if (!count) co_return count.error();
    if (*count == 0) break;
    fed = body.feed({window_.get(), *count});
  }
  wire_.expect(0);
  if (!fed) co_return body.sink_failed() ? fed.error() : at_peer(fed.error());
  if (wire_.cut_off() && shape.framing == BodyShape::Framing::until_close) {
    co_return at_peer({ErrorCode::truncated, "the body ended without the end of the TLS session"});
  }
  Status whole = body.finish();
  if (!whole) co_return at_peer(whole.error());
  may_be_followed_ = head_.head().keep_alive && body.complete() && !body.has_surplus();
  co_return Done{};
}

asio::awaitable<Result<std::size_t>> Exchange::read_window(std::size_t bytes_max) {
  Result<std::size_t> count = co_await wire_.receive({window_.get(), bytes_max});
  if (!count) co_return count;
  wire_bytes_ += *count;
  if (wire_bytes_ > caps_.wire_bytes_max) {
    co_return at_peer({ErrorCode::too_large, "the answer is larger than the cap of " +
                                                 std::to_string(caps_.wire_bytes_max) + " bytes"});
  }
  co_return count;
}

Error Exchange::at_peer(Error error) const { return {error.code, address_ + ": " + error.message}; }

class AsioHttp final : public Http {
 public:
  AsioHttp(Resolver& resolver, const Limits& limits)
      : resolver_(resolver), keyring_(limits), header_bytes_max_(limits.http_header_bytes_max) {}

  asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                              HttpCaps caps) override;

 private:
  asio::awaitable<Result<std::unique_ptr<Wire>>> open(const Endpoint& endpoint,
                                                      Resolver::Addresses addresses,
                                                      TlsContext context,
                                                      Clock::time_point deadline,
                                                      Progress& progress);
  asio::awaitable<Outcome> run(const HttpRequest& request, BodySink& sink, HttpCaps caps,
                               Clock::time_point deadline, Progress& progress);

  Resolver& resolver_;
  Keyring keyring_;
  IdleWires idle_;
  std::size_t header_bytes_max_;
};

asio::awaitable<Result<HttpReply>> AsioHttp::exchange(HttpRequest request, BodySink& sink,
                                                      HttpCaps caps) {
  const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
  const std::string address = printable(request.endpoint.address());
  const auto stopped = [&] { return cancellation.cancelled() != asio::cancellation_type::none; };
  const Error cancelled{ErrorCode::cancelled, "the exchange with " + address + " was cancelled"};
  if (stopped()) co_return cancelled;
  if (Status valid = check(request); !valid) co_return valid.error();

  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(caps.deadline_ms);
  asio::steady_timer timer(executor, deadline);
  Progress progress;
  auto work =
      asio::co_spawn(executor, run(request, sink, caps, deadline, progress), asio::deferred);
  auto race =
      asio::experimental::make_parallel_group(std::move(work), timer.async_wait(asio::deferred));
  auto [order, failure, outcome, timer_error] =
      co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  static_cast<void>(timer_error);

  // A cancelled socket looks like an outage, so ask who ended this before reading the outcome.
  const bool finished = order[0] == 0 && !failure && outcome.has_value();
  if (stopped() && !(finished && outcome->ok())) co_return cancelled;
  if (finished) co_return std::move(*outcome);
  if (order[0] == 0 && failure) std::rethrow_exception(failure);  // a bug, perhaps in the sink
  co_return Error{ErrorCode::timeout,
                  address + " did not answer within " +
                      format_duration_ms(static_cast<double>(caps.deadline_ms)) + " (" +
                      progress.stage + ")"};
}

asio::awaitable<Outcome> AsioHttp::run(const HttpRequest& request, BodySink& sink, HttpCaps caps,
                                       Clock::time_point deadline, Progress& progress) {
  const Result<Credentials> credentials = keyring_.credentials(request.endpoint);
  if (!credentials) {
    const Error& error = credentials.error();
    co_return Outcome(
        Error{error.code, "for " + printable(request.endpoint.address()) + ": " + error.message});
  }
  const Result<Resolver::Addresses> addresses =
      co_await resolver_.resolve(request.endpoint.host, request.endpoint.port);
  if (!addresses) co_return Outcome(addresses.error());
  const bool repeatable = may_be_repeated(request);
  std::unique_ptr<Wire> wire;
  if (repeatable) wire = idle_.take(request.endpoint, *addresses, credentials->tls, Clock::now());
  for (;; wire.reset()) {
    const bool is_new = wire == nullptr;
    if (is_new) {
      Result<std::unique_ptr<Wire>> opened =
          co_await open(request.endpoint, *addresses, credentials->tls, deadline, progress);
      if (!opened) co_return Outcome(opened.error());
      wire = std::move(*opened);
    }
    Exchange exchange(request, caps, sink, header_bytes_max_, *wire);
    const Status done = co_await exchange.run(credentials->headers, progress);
    const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
    const bool stopped = cancellation.cancelled() != asio::cancellation_type::none;
    // Closed while it was idle, and our question crossed the news.
    if (!done && !is_new && !exchange.heard() && !stopped) continue;
    if (!done) co_return Outcome(done.error());
    if (repeatable && exchange.may_be_followed()) idle_.give(std::move(wire), Clock::now());
    co_return Outcome(exchange.reply());
  }
}

asio::awaitable<Result<std::unique_ptr<Wire>>> AsioHttp::open(const Endpoint& endpoint,
                                                              Resolver::Addresses addresses,
                                                              TlsContext context,
                                                              Clock::time_point deadline,
                                                              Progress& progress) {
  auto wire = std::make_unique<Wire>(endpoint, co_await asio::this_coro::executor);
  progress.stage = "connecting";
  Status done = co_await wire->connect(std::move(addresses), deadline);
  if (done && context) {
    progress.stage = "the TLS handshake";
    done = co_await wire->handshake(std::move(context));
  }
  if (!done) co_return done.error();
  co_return wire;
}

}  // namespace

std::unique_ptr<Http> make_asio_http(Resolver& resolver, const Limits& limits) {
  return std::make_unique<AsioHttp>(resolver, limits);
}

}  // namespace doctor
