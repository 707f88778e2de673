// The agent's scrape and select, and nothing behind it: what it keeps of every TaskManager of the
// generator is thrown away, and how many series those were is said at the end. Beside an agent that
// only scrapes and forwards.
//
//   scraper --task-managers 200 --port 9249 --interval 15 --metrics NAME,NAME,…
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/clock.hpp"
#include "agent/net/asio_http.hpp"
#include "bench/scale/addresses.hpp"
#include "collectors/reporter.hpp"

namespace doctor::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

std::vector<Metric> metrics_of(const std::vector<std::string>& names) {
  std::vector<Metric> metrics;
  for (const MetricInfo& metric : metric_catalogue()) {
    if (std::find(names.begin(), names.end(), metric.name) != names.end()) {
      metrics.push_back(metric.metric);
    }
  }
  if (metrics.size() != names.size()) throw std::invalid_argument("an unknown metric");
  return metrics;
}

class Scraper {
 public:
  Scraper(std::vector<Metric> metrics, Clock::duration interval)
      : selection_(std::move(metrics)), interval_(interval) {}

  /// Of the newest scrapes of all TaskManagers.
  std::size_t kept() const { return std::accumulate(kept_.begin(), kept_.end(), std::size_t{0}); }

  /// For ever; `first` is when.
  asio::awaitable<void> scrape(Endpoint endpoint, SourceId source, Clock::time_point first) {
    SeriesIndex known;
    if (kept_.size() <= source) kept_.resize(source + 1);
    asio::steady_timer timer(io_);
    for (Clock::time_point due = first;; due += interval_) {
      timer.expires_at(due);
      co_await timer.async_wait(asio::use_awaitable);
      const Result<Scrape> scraped = co_await scrape_reporter(*http_, endpoint, source, selection_,
                                                              limits_, entities_, known, now_ms);
      if (!scraped) std::fprintf(stderr, "%s\n", scraped.error().message.c_str());
      kept_[source] = scraped ? scraped->batch.values.size() : 0;
    }
  }
  asio::io_context& io() { return io_; }
  Clock::duration interval() const { return interval_; }

 private:
  Limits limits_;
  Selection selection_;
  Clock::duration interval_;
  std::vector<std::size_t> kept_;  // of each source
  EntityTable entities_{limits_.entities_per_cluster_max};
  Resolver resolver_{limits_};
  asio::io_context io_{1};
  std::unique_ptr<Http> http_ = make_asio_http(resolver_, limits_);
};

void run(Scraper& scraper, std::size_t task_managers, std::uint16_t port) {
  const Clock::time_point begin = Clock::now();
  for (std::size_t i = 0; i < task_managers; ++i) {
    const auto offset =
        scraper.interval() * static_cast<Clock::rep>(i) / static_cast<Clock::rep>(task_managers);
    asio::co_spawn(
        scraper.io(),
        scraper.scrape({address_of(i), port, {}}, static_cast<SourceId>(i), begin + offset),
        [](std::exception_ptr bug) {
          if (bug) std::rethrow_exception(bug);
        });
  }
  asio::signal_set signals(scraper.io(), SIGTERM, SIGINT);
  signals.async_wait([&](auto, int) { scraper.io().stop(); });
  scraper.io().run();
  std::printf("%zu\n", scraper.kept());
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  CLI::App app("scrape and select, and nothing else");
  std::size_t task_managers = 200;
  std::uint16_t port = 9249;
  int interval_s = 15;
  std::vector<std::string> metrics;
  app.add_option("--task-managers", task_managers);
  app.add_option("--port", port);
  app.add_option("--interval", interval_s);
  app.add_option("--metrics", metrics)->delimiter(',')->required();
  CLI11_PARSE(app, argc, argv);
  doctor::bench::Scraper scraper(doctor::bench::metrics_of(metrics),
                                 std::chrono::seconds(interval_s));
  doctor::bench::run(scraper, task_managers, port);
}
