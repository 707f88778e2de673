// doctor_bench_parse: how fast reporter bodies become batches, beside a count of their newlines.
//   (nothing)              the table of README.md, for lines of 100, 250 and 526 bytes
//   --work WAY N [BYTES]   N scrapes and nothing else, to count their instructions
//   --allocations          what one more scrape takes from the heap, by way and number of series;
//                          "absorb" is all that the agent does with one: parse, select, features;
//                          "exchange" is the GET that brings it, over a kept connection
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/history/features.hpp"
#include "bench/allocations.hpp"
#include "bench/exchange.hpp"
#include "bench/flink_body.hpp"
#include "bench/scale/page.hpp"
#include "collectors/reporter.hpp"
#include "detectors/registry.hpp"

namespace doctor::bench {
namespace {

constexpr std::size_t kWindowBytes = 64U << 10U;  // as the agent receives
constexpr std::size_t kTargets = 24;              // together more than a cache holds
constexpr std::size_t kRounds = 11;

enum class Way { newlines, full, known, select };
constexpr std::array kWays{Way::newlines, Way::full, Way::known, Way::select};

struct WayInfo {
  const char* name;
  double gate, ambition;  // as a share of counting newlines
};

WayInfo about(Way way) {
  switch (way) {
    case Way::newlines:
      return {"memchr newlines", 0, 0};
    case Way::full:
      return {"full labels", .13, .17};
    case Way::known:
      return {"known", .35, .40};
    case Way::select:
      return {"select", .65, .85};
  }
  return {"", 0, 0};
}

std::vector<Metric> every_metric() {
  std::vector<Metric> metrics;
  for (const MetricInfo& metric : metric_catalogue()) metrics.push_back(metric.metric);
  return metrics;
}

/// Wants everything, knows nothing: labels of every sample are parsed.
class EveryLabel final : public exposition::Sink {
 public:
  bool wants(std::string_view /*name*/) override { return true; }
  void sample(std::string_view /*name*/, std::span<const exposition::Label> labels,
              double value) override {
    labels_seen += labels.size();
    sum += value;
  }
  std::size_t labels_seen{0};
  double sum{0};
};

template <class Feed>
void in_windows(const std::string& body, Feed feed) {
  for (std::size_t at = 0; at < body.size(); at += kWindowBytes) {
    feed(std::span(body.data() + at, std::min(kWindowBytes, body.size() - at)));
  }
}

std::size_t count_newlines(const std::string& body) {
  std::size_t lines = 0;
  const char* at = body.data();
  const char* const end = at + body.size();
  while (const void* newline = std::memchr(at, '\n', static_cast<std::size_t>(end - at))) {
    ++lines;
    at = static_cast<const char*>(newline) + 1;
  }
  return lines;
}

/// Targets with their bodies, and what is known of each.
class Cluster {
 public:
  Cluster(const BodyShape& shape, std::size_t targets, bool everything)
      : selection_(everything ? every_metric() : kept_metrics(shape)), known_(targets) {}

  /// Samples in the batch.
  std::size_t scrape(std::size_t target, const std::string& body) {
    const Result<Scrape> scrape = read(target, body, 1000);
    return scrape.ok() ? scrape->batch.values.size() : 0;
  }

  Result<Scrape> read(std::size_t target, const std::string& body, TimestampMs at) {
    ReporterScrape parse(1, selection_, limits_, entities_, known_[target]);
    in_windows(body, [&](std::span<const char> window) { static_cast<void>(parse.feed(window)); });
    return parse.finish(at, entities_);
  }
  EntityTable& entities() { return entities_; }

 private:
  Limits limits_;
  Selection selection_;
  EntityTable entities_{500'000};
  std::vector<SeriesIndex> known_;
};

std::size_t read_all_labels(const std::string& body) {
  EveryLabel sink;
  exposition::Reader reader(sink, Limits{}.reporter_line_bytes_max);
  in_windows(body, [&](std::span<const char> window) { reader.feed(window); });
  reader.finish();
  return sink.labels_seen > 0 ? reader.stats().samples : 0;
}

struct Bench {
  explicit Bench(const BodyShape& body_shape, std::size_t targets)
      : shape(body_shape), everything(shape, targets, true), some(shape, targets, false) {
    for (std::size_t target = 0; target < targets; ++target) {
      bodies.push_back(flink_body(shape, target));
      bytes += bodies.back().size();
      everything.scrape(target, bodies.back());
      some.scrape(target, bodies.back());
    }
  }
  /// All bodies once; what came out, which must be the same each time.
  std::size_t run(Way way) {
    std::size_t seen = 0;
    for (std::size_t target = 0; target < bodies.size(); ++target) {
      const std::string& body = bodies[target];
      switch (way) {
        case Way::newlines:
          seen += count_newlines(body);
          break;
        case Way::full:
          seen += read_all_labels(body);
          break;
        case Way::known:
          seen += everything.scrape(target, body);
          break;
        case Way::select:
          seen += some.scrape(target, body);
          break;
      }
    }
    return seen;
  }
  std::size_t expected(Way way) const {
    if (way == Way::select) return shape.kept_series * bodies.size();
    if (way == Way::newlines) return run_lines;
    return shape.series * bodies.size();
  }

  BodyShape shape;
  std::vector<std::string> bodies;
  Cluster everything, some;
  std::size_t bytes{0};
  std::size_t run_lines{0};
};

struct Spread {
  double min, median, max;
};

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

/// Of this process alone: a machine that does other things as well adds little to it.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds_of(Bench& bench, Way way) {
  const double began = cpu_seconds();
  const std::size_t seen = bench.run(way);
  const double took = cpu_seconds() - began;
  if (seen != bench.expected(way)) {
    std::fprintf(stderr, "%s: %zu seen, %zu expected\n", about(way).name, seen,
                 bench.expected(way));
    std::exit(1);
  }
  return took;
}

void print_table(std::size_t line_bytes) {
  BodyShape shape;
  shape.line_bytes = line_bytes;
  Bench bench(shape, kTargets);
  bench.run_lines = bench.run(Way::newlines);
  std::array<std::vector<double>, kWays.size()> seconds;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t way = 0; way < kWays.size(); ++way) {
      seconds[way].push_back(seconds_of(bench, kWays[way]));
    }
  }
  const auto bytes = static_cast<double>(bench.bytes);
  const auto samples = static_cast<double>(shape.series * kTargets);
  std::printf(
      "\n%.0f bytes a sample, %zu samples a body, %zu bodies, %.0f MB; %zu rounds, median "
      "(min-max)\n",
      bytes / samples, shape.series, kTargets, bytes / 1e6, kRounds);
  std::printf("%-16s %22s %22s %20s   gate  ambition\n", "", "GB/s", "ns per sample",
              "share of memchr");
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    std::vector<double> rates, times, shares;
    for (std::size_t round = 0; round < kRounds; ++round) {
      rates.push_back(bytes / seconds[way][round] / 1e9);
      times.push_back(seconds[way][round] * 1e9 / samples);
      shares.push_back(seconds[0][round] / seconds[way][round]);
    }
    const auto [rate_min, rate, rate_max] = spread(rates);
    const auto [time_min, time, time_max] = spread(times);
    const auto [share_min, share, share_max] = spread(shares);
    const WayInfo info = about(kWays[way]);
    std::printf("%-16s %7.2f (%5.2f-%5.2f) %8.1f (%5.1f-%5.1f) %7.2f (%.2f-%.2f)", info.name, rate,
                rate_min, rate_max, time, time_min, time_max, share, share_min, share_max);
    if (info.gate > 0) std::printf("   %.2f  %.2f", info.gate, info.ambition);
    std::printf("\n");
  }
}

int work(std::string_view way_name, std::size_t scrapes, std::size_t line_bytes) {
  BodyShape shape;
  shape.line_bytes = line_bytes;
  Bench bench(shape, 1);
  for (const Way way : kWays) {
    if (way_name != about(way).name) continue;
    bench.run_lines = way == Way::newlines ? bench.run(way) : 0;
    for (std::size_t i = 0; i < scrapes; ++i) seconds_of(bench, way);
    return 0;
  }
  std::fprintf(stderr, "there is no way '%.*s'\n", static_cast<int>(way_name.size()),
               way_name.data());
  return 2;
}

/// Values move from scrape to scrape; rings are full before anything is counted.
void print_absorb_allocations(const BodyShape& shape) {
  constexpr int kWarmUp = 100;
  constexpr int kScrapes = 100;
  const FeaturePlan plan(all_detectors(), kept_metrics(shape));
  const Limits limits;
  Cluster cluster(shape, 1, false);
  FeatureStore features(plan, cluster.entities(), limits);
  Page page(flink_body(shape, 0));
  std::uint64_t most = 0;
  for (int i = 0; i < kWarmUp + kScrapes; ++i) {
    page.next();
    const std::uint64_t before = allocations();
    if (const auto scrape = cluster.read(0, page.text(), 1000 + i * 15 * kSecondMs)) {
      features.absorb(scrape->batch);
    }
    if (i >= kWarmUp) most = std::max(most, allocations() - before);
  }
  if (2 * features.series() < shape.kept_series) std::exit(1);  // some say that they have no value
  std::printf("absorb %zu %llu\n", shape.series, static_cast<unsigned long long>(most));
}

int print_allocations() {
  for (const std::size_t series : {700, 5000, 20000}) {
    BodyShape shape;
    shape.series = series;
    shape.kept_series = series * 7 / 100;
    Bench bench(shape, 1);
    for (const Way way : {Way::full, Way::known, Way::select}) {
      seconds_of(bench, way);
      const std::uint64_t before = allocations();
      bench.run(way);
      std::printf("%s %zu %llu\n", about(way).name, series,
                  static_cast<unsigned long long>(allocations() - before));
    }
    print_absorb_allocations(shape);
    std::printf("exchange %zu %llu\n", series,
                static_cast<unsigned long long>(allocations_per_exchange(flink_body(shape, 0))));
  }
  return 0;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    for (const std::size_t line_bytes : {526, 250, 100}) doctor::bench::print_table(line_bytes);
    return 0;
  }
  if (arguments[0] == "--allocations") return doctor::bench::print_allocations();
  if (arguments[0] == "--work" && arguments.size() >= 3) {
    const std::size_t line_bytes = arguments.size() > 3 ? std::stoul(arguments[3]) : 526;
    return doctor::bench::work(arguments[1], std::stoul(arguments[2]), line_bytes);
  }
  std::fprintf(stderr, "usage: doctor_bench_parse [--allocations | --work WAY N [BYTES]]\n");
  return 2;
}
