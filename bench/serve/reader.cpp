// Asks one path again and again over connections that stay open, and says how soon the answers
// came:
//
//   reader --port 9669 --path /metrics --connections 16 --seconds 5
//
// One line of JSON: requests, failures, bytes of bodies, seconds, and percentiles of latency in ms.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace doctor::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kAnswerBytesMax = 64U << 20U;

struct Options {
  std::uint16_t port{9669};
  std::string path{"/metrics"};
  std::size_t connections{16};
  double seconds{5};
};

struct Seen {
  std::vector<double> ms;
  std::uint64_t bytes{0}, failures{0};
};

/// Of a head with Content-Length; nothing for one whose body comes in chunks.
std::optional<std::size_t> body_bytes(std::string_view head) {
  std::string lower(head);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  constexpr std::string_view kName = "\r\ncontent-length: ";
  const std::size_t at = lower.find(kName);
  if (at == std::string::npos) return std::nullopt;
  std::size_t bytes = 0;
  const char* const from = lower.data() + at + kName.size();
  std::from_chars(from, lower.data() + lower.size(), bytes);
  return bytes;
}

/// The bytes of one answer's body; nothing when it failed.
asio::awaitable<std::optional<std::size_t>> ask(tcp::socket& socket, const std::string& request,
                                                std::string& buffer) {
  const auto [broken, sent] = co_await asio::async_write(socket, asio::buffer(request), kTuple);
  if (broken) co_return std::nullopt;
  const auto [failed, head] = co_await asio::async_read_until(
      socket, asio::dynamic_buffer(buffer, kAnswerBytesMax), "\r\n\r\n", kTuple);
  if (failed) co_return std::nullopt;
  const auto body = body_bytes(std::string_view(buffer).substr(0, head));
  if (!buffer.starts_with("HTTP/1.1 200 ")) co_return std::nullopt;
  if (!body) {
    const auto [broken_off, end] = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(buffer, kAnswerBytesMax), "\r\n0\r\n\r\n", kTuple);
    if (broken_off) co_return std::nullopt;
    buffer.erase(0, end);
    co_return end - head;
  }
  const std::size_t whole = head + *body;
  if (buffer.size() < whole) {
    const std::size_t missing = whole - buffer.size();
    const auto [cut, count] =
        co_await asio::async_read(socket, asio::dynamic_buffer(buffer, kAnswerBytesMax),
                                  asio::transfer_exactly(missing), kTuple);
    if (cut) co_return std::nullopt;
  }
  buffer.erase(0, whole);
  co_return *body;
}

asio::awaitable<void> read(const Options& options, Clock::time_point end, Seen& seen) {
  const std::string request = "GET " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  const tcp::endpoint at(asio::ip::address_v4::loopback(), options.port);
  while (Clock::now() < end) {
    tcp::socket socket(co_await asio::this_coro::executor);
    const auto [refused] = co_await socket.async_connect(at, kTuple);
    std::string buffer;
    bool open = !refused;
    if (!open) ++seen.failures;
    while (open && Clock::now() < end) {
      const auto began = Clock::now();
      const std::optional<std::size_t> bytes = co_await ask(socket, request, buffer);
      open = bytes.has_value();
      if (!open) {
        ++seen.failures;
        break;
      }
      seen.bytes += *bytes;
      seen.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    }
  }
}

double share(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(part * last)];
}

int run(const Options& options) {
  asio::io_context io(1);
  Seen seen;
  const auto began = Clock::now();
  const auto end = began + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(options.seconds));
  for (std::size_t i = 0; i < options.connections; ++i) {
    asio::co_spawn(io, read(options, end, seen), asio::detached);
  }
  io.run();
  const std::chrono::duration<double> took = Clock::now() - began;
  std::sort(seen.ms.begin(), seen.ms.end());
  std::printf(
      R"({"requests":%zu,"failures":%llu,"bytes":%llu,"seconds":%.3f,"p50":%.3f,"p99":%.3f,"max":%.3f})"
      "\n",
      seen.ms.size(), static_cast<unsigned long long>(seen.failures),
      static_cast<unsigned long long>(seen.bytes), took.count(), share(seen.ms, .5),
      share(seen.ms, .99), share(seen.ms, 1));
  return seen.ms.empty() ? 1 : 0;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  doctor::bench::Options options;
  CLI::App app{"Readers of one path, for benches"};
  app.add_option("--port", options.port);
  app.add_option("--path", options.path);
  app.add_option("--connections", options.connections);
  app.add_option("--seconds", options.seconds);
  CLI11_PARSE(app, argc, argv);
  return doctor::bench::run(options);
}
