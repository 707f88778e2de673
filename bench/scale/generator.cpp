// A Flink cluster as a scraper sees it, cheap enough to stand beside the scraper on one machine:
// TaskManagers on loopback addresses of their own, each with a reporter whose page is rendered once
// and patched per scrape, and a JobManager's REST interface that knows them and one job.
//
//   generator --task-managers 200 --series 5000 --port 9249 --rest-port 8081 [--gzip]
//
// At the REST port GET /bench/served says what it was asked so far (scrapes by TaskManager), and
// GET /bench/restart gives all tasks another attempt (not in pages that are packed).
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/history/features.hpp"
#include "bench/flink_body.hpp"
#include "bench/scale/addresses.hpp"
#include "bench/scale/page.hpp"
#include "detectors/registry.hpp"

namespace doctor::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Options {
  std::size_t task_managers{200};
  std::size_t series{5000};
  std::size_t line_bytes{526};
  std::uint16_t port{9249};
  std::uint16_t rest_port{8081};
  bool gzip{false};
};

/// What was asked of the cluster.
struct Served {
  std::vector<std::uint64_t> scrapes;  // of each TaskManager
  std::uint64_t bytes{0}, rest_calls{0};
};

std::string head(int status, const std::string& type, const std::string& framing) {
  return "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Not Found") +
         "\r\nContent-Type: " + type + "\r\n" + framing + "\r\n\r\n";
}

std::string of_length(std::size_t bytes) { return "Content-Length: " + std::to_string(bytes); }

std::string gzipped(const std::string& text) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib does not start");
  }
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// As the JDK's HTTP server, under Flink's reporter, sends a body whose length it does not know.
std::string in_chunks(const std::string& body) {
  constexpr std::size_t kChunkBytes = 4096;  // sun.net.httpserver.ChunkedOutputStream
  std::string framed;
  for (std::size_t at = 0; at < body.size(); at += kChunkBytes) {
    const std::size_t size = std::min(kChunkBytes, body.size() - at);
    std::array<char, 16> length{};
    std::snprintf(length.data(), length.size(), "%zx\r\n", size);
    framed += length.data();
    framed.append(body, at, size).append("\r\n");
  }
  return framed + "0\r\n\r\n";
}

/// Pages that follow one another, each packed once: packing is not what is measured.
class PackedPages {
 public:
  explicit PackedPages(Page& page) {
    for (std::string& packed : packed_) {
      page.next();
      packed = in_chunks(gzipped(page.text()));
    }
  }
  const std::string& next() { return packed_[turn_++ % packed_.size()]; }

 private:
  std::array<std::string, 4> packed_;
  std::size_t turn_{0};
};

/// Answers every request of a connection with what `answer` makes of it: head, and body.
using Answer =
    std::function<std::pair<std::string, const std::string*>(const std::string& request)>;

asio::awaitable<void> converse(tcp::socket socket, Answer answer) {
  std::string request;
  for (;;) {
    const auto [failed, size] =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(request, 64U << 10U),
                                        "\r\n\r\n", asio::as_tuple(asio::use_awaitable));
    if (failed) co_return;
    const auto [text, body] = answer(request.substr(0, size));
    request.erase(0, size);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(text), asio::buffer(*body)};
    const auto [broken, sent] =
        co_await asio::async_write(socket, parts, asio::as_tuple(asio::use_awaitable));
    if (broken) co_return;
  }
}

asio::awaitable<void> listen(tcp::endpoint at, Answer answer) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::acceptor acceptor(executor, at, true);
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(executor, converse(std::move(socket), answer), asio::detached);
  }
}

Answer reporter(std::size_t task_manager, std::shared_ptr<Page> page, bool gzip, Served& served) {
  auto packed = gzip ? std::make_shared<PackedPages>(*page) : nullptr;
  return [=, &served](const std::string& request) -> std::pair<std::string, const std::string*> {
    const bool pack = packed != nullptr && request.find("gzip") != std::string::npos;
    if (!pack) page->next();
    const std::string& body = pack ? packed->next() : page->text();
    ++served.scrapes[task_manager];
    served.bytes += body.size();
    return {head(200, "text/plain; version=0.0.4; charset=utf-8",
                 pack ? "Content-Encoding: gzip\r\nTransfer-Encoding: chunked"
                      : of_length(body.size())),
            &body};
  };
}

std::string in_json(const Served& served) {
  return nlohmann::json{
      {"scrapes", served.scrapes}, {"bytes", served.bytes}, {"rest_calls", served.rest_calls}}
      .dump();
}

using Pages = std::vector<std::shared_ptr<Page>>;

Answer job_manager(std::shared_ptr<RestAnswers> answers, const Pages& pages, Served& served) {
  auto told = std::make_shared<std::string>();
  return [=, &pages,
          &served](const std::string& request) -> std::pair<std::string, const std::string*> {
    const std::size_t from = request.find(' ') + 1;
    const std::string target = request.substr(from, request.find_first_of(" ?", from) - from);
    if (target == "/bench/restart") {
      for (const auto& page : pages) page->restart_tasks();
    }
    if (target == "/bench/served" || target == "/bench/restart") {
      *told = in_json(served);
      return {head(200, "application/json", of_length(told->size())), told.get()};
    }
    ++served.rest_calls;
    const auto found = answers->find(target);
    const std::string& body = found == answers->end() ? answers->at("") : found->second;
    return {head(found == answers->end() ? 404 : 200, "application/json", of_length(body.size())),
            &body};
  };
}

/// The kept families are ten that the detectors read; of the others that they read there are none,
/// so that all sides keep the same.
BodyShape shape_of(const Options& options) {
  BodyShape shape;
  shape.series = options.series;
  shape.line_bytes = options.line_bytes;
  shape.kept_series = options.series * 7 / 100 / shape.kept_families * shape.kept_families;
  for (const Metric metric : FeaturePlan(all_detectors()).metrics()) {
    const Level level = info(metric).level;
    const bool of_tasks =
        level == Level::subtask || level == Level::operator_ || level == Level::column_family;
    if (!of_tasks || info(metric).reporter_name.empty()) continue;
    if (shape.kept.size() < shape.kept_families) shape.kept.push_back(metric);
    shape.left_out.push_back(metric);
  }
  return shape;
}

int run(const Options& options) {
  asio::io_context io(1);
  Served served;
  served.scrapes.resize(options.task_managers);
  const BodyShape shape = shape_of(options);
  const auto fault = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  };
  std::vector<std::string> addresses;
  Pages pages;
  for (std::size_t i = 0; i < options.task_managers; ++i) {
    addresses.push_back(address_of(i));
    const auto& page = pages.emplace_back(std::make_shared<Page>(flink_body(shape, i)));
    const tcp::endpoint at(asio::ip::make_address(addresses.back()), options.port);
    asio::co_spawn(io, listen(at, reporter(i, page, options.gzip, served)), fault);
  }
  auto answers = std::make_shared<RestAnswers>(rest_answers(shape, addresses));
  const tcp::endpoint rest(asio::ip::make_address("127.0.0.1"), options.rest_port);
  asio::co_spawn(io, listen(rest, job_manager(answers, pages, served)), fault);
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](auto, int) { io.stop(); });
  std::puts("ready");
  std::fflush(stdout);
  io.run();
  return 0;
}

int tell_kept(const Options& options) {
  std::string text;
  for (const Metric metric : kept_metrics(shape_of(options))) {
    text += (text.empty() ? "[" : ",") + std::string(R"({"name":")").append(info(metric).name) +
            R"(","family":")" + family_name(metric) + "\"}";
  }
  std::puts((text + "]").c_str());
  return 0;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  doctor::bench::Options options;
  CLI::App app{"TaskManagers and a JobManager, for benches"};
  app.add_option("--task-managers", options.task_managers);
  app.add_option("--series", options.series, "of each TaskManager");
  app.add_option("--line-bytes", options.line_bytes);
  app.add_option("--port", options.port);
  app.add_option("--rest-port", options.rest_port);
  bool kept = false;
  app.add_flag("--kept", kept, "only says, in JSON, which metrics the sides are to keep");
  app.add_flag("--gzip", options.gzip, "a few pages of each are packed once, and take turns");
  CLI11_PARSE(app, argc, argv);
  return kept ? doctor::bench::tell_kept(options) : doctor::bench::run(options);
}
