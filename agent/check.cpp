#include "agent/check.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "agent/backfill/backfill.hpp"
#include "agent/clock.hpp"
#include "agent/collection.hpp"
#include "agent/config/judge_config.hpp"
#include "agent/curated.hpp"
#include "agent/judge.hpp"
#include "agent/net/asio_http.hpp"
#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

void say(const CheckOptions& options, const std::string& text) {
  if (options.progress) std::fprintf(stderr, "%s\n", text.c_str());
}

bool reached(const Judge& judge, TimestampMs now) {
  const Window window = judge.window(now);
  return std::any_of(window.sources.begin(), window.sources.end(), [](const SourceHealth& source) {
    return source.kind == SourceKind::rest && source.up;
  });
}

asio::awaitable<void> two_polls(const CheckOptions& options, Collection& collection,
                                const Judge& judge, Backfill* past) {
  if (past != nullptr) {
    std::vector<JobSummary> listed = co_await collection.listed_jobs();
    co_await past->run(0, std::move(listed));
  }
  const std::string url = options.config.clusters.front().flink.front().url();
  say(options, "asking " + printable(url) + " …");
  co_await collection.poll_once();
  if (!reached(judge, now_ms())) co_return;
  say(options, "waiting " + format_duration_ms(static_cast<double>(options.wait_ms)) +
                   " for a second look (Flink refreshes its metrics every 10 s) …");
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::milliseconds(options.wait_ms));
  co_await timer.async_wait(asio::use_awaitable);
  co_await collection.poll_once();
}

ViewPtr view_of(const Judge& judge, TimestampMs now) {
  auto view = std::make_shared<View>();
  view->generated_at = now;
  view->agent.version = DOCTOR_VERSION;
  view->agent.store_state = "off";
  show(judge, *view).samples = curated_samples(judge, now);
  return view;
}

std::string why_unreachable(const ClusterView& cluster) {
  for (const SourceHealth& source : cluster.sources) {
    if (source.kind != SourceKind::rest || !source.last_error) continue;
    return std::string(to_string(source.last_error->code)) + ": " +
           printable(source.last_error->message, 300);
  }
  return "no answer from " + printable(cluster.url);
}

}  // namespace

CheckResult check(CheckOptions options) {
  const FeaturePlan plan(all_detectors(), exported_metrics(options.config));
  const Selection selection(plan.metrics());
  const ClusterConfig& cluster = options.config.clusters.front();
  Judge judge(judge_config(cluster, options.config, true), all_detectors(), plan,
              options.config.limits,
              std::make_shared<SeriesBudget>(options.config.limits.series_max));
  asio::io_context io(1);
  Resolver resolver(options.config.limits);
  const std::unique_ptr<Http> http = make_asio_http(resolver, options.config.limits);
  Collection collection(0, cluster, options.config, *http, resolver, selection, judge.entities(),
                        true, [&](const StreamItem& item) { judge.absorb(item); });
  std::optional<Backfill> past;
  if (cluster.backfill) {
    past.emplace(
        0, cluster.name, *cluster.backfill,
        WalkPorts{http.get(), &selection, &options.config.limits, &judge.entities(), now_ms},
        [&](const StreamItem& item) { judge.absorb(item); },
        [&](const std::string& line) { say(options, line); });
  }
  asio::signal_set signals(io, SIGTERM, SIGINT);
  bool interrupted = false;
  signals.async_wait([&](const boost::system::error_code& fault, int) {
    if (fault) return;
    interrupted = true;
    io.stop();
  });
  std::exception_ptr bug;
  asio::co_spawn(io, two_polls(options, collection, judge, past ? &*past : nullptr),
                 [&](std::exception_ptr fault) {
                   bug = fault;
                   signals.cancel();
                 });
  io.run();
  if (bug) std::rethrow_exception(bug);
  if (interrupted) return {nullptr, kExitCannotJudge, "interrupted"};
  const TimestampMs now = now_ms();
  judge.judge(now);
  CheckResult result;
  result.view = view_of(judge, now);
  std::tie(result.exit_code, result.why) = verdict_of(*result.view, options.strict);
  return result;
}

std::pair<int, std::string> verdict_of(const View& view, bool strict) {
  for (const ClusterView& cluster : view.clusters) {
    if (cluster.status != ClusterStatus::ok && cluster.status != ClusterStatus::partial) {
      return {kExitCannotJudge, "cannot judge: " + why_unreachable(cluster)};
    }
    if (!strict) continue;
    for (const DetectorReport& report : cluster.detectors) {
      if (report.state != DetectorState::blind) continue;
      return {kExitCannotJudge,
              "--strict: " + report.detector + " cannot judge: " + printable(report.why, 300)};
    }
  }
  const ReportedFinding* worst = nullptr;
  for (const ReportedFinding& reported : view.findings) {
    if (reported.state != FindingState::firing) continue;
    if (worst == nullptr || reported.finding.severity > worst->finding.severity) worst = &reported;
  }
  if (worst == nullptr || worst->finding.severity == Severity::info) return {kExitWell, ""};
  const bool critical = worst->finding.severity == Severity::critical;
  return {critical ? kExitCritical : kExitWarning,
          std::string(to_string(worst->finding.severity)) + ": " + worst->finding.summary};
}

}  // namespace doctor
