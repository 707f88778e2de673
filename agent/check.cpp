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
#include <memory>
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

/// What is asked first, for people.
std::string address_of(const ClusterConfig& cluster) {
  if (!cluster.flink.empty()) return cluster.flink.front().url();
  if (!cluster.yarn || cluster.yarn->resource_managers.empty()) return cluster.name;
  return cluster.yarn->resource_managers.front().url() + " for " + cluster.yarn->application;
}

/// One cluster: who asks it, and what is known of it.
class Look {
 public:
  Look(ClusterIndex index, const CheckOptions& options, const FeaturePlan& plan, Http& http,
       Resolver& resolver, const Selection& selection, const std::shared_ptr<SeriesBudget>& budget)
      : options_(options),
        cluster_(options.config.clusters[index]),
        judge_(judge_config(cluster_, options.config, true), all_detectors(), plan,
               options.config.limits, budget),
        collection_(index, cluster_, options.config, http, resolver, selection, judge_.entities(),
                    true, [this](const StreamItem& item) { judge_.absorb(item); }) {
    if (!cluster_.backfill) return;
    past_.emplace(
        index, cluster_.name, *cluster_.backfill,
        WalkPorts{&http, &selection, &options.config.limits, &judge_.entities(), now_ms},
        [this](const StreamItem& item) { judge_.absorb(item); },
        [this](const std::string& line) { say(options_, line); });
  }

  asio::awaitable<void> two_polls() {
    if (past_) {
      std::vector<JobSummary> listed = co_await collection_.listed_jobs();
      co_await past_->run(0, std::move(listed));
    }
    say(options_, "asking " + printable(address_of(cluster_)) + " …");
    co_await collection_.poll_once();
    if (!reached()) co_return;
    say(options_, "waiting " + format_duration_ms(static_cast<double>(options_.wait_ms)) +
                      " for a second look (Flink refreshes its metrics every 10 s) …");
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(options_.wait_ms));
    co_await timer.async_wait(asio::use_awaitable);
    co_await collection_.poll_once();
  }

  Judge& judge() { return judge_; }

 private:
  bool reached() const {
    const Window window = judge_.window(now_ms());
    return std::any_of(
        window.sources.begin(), window.sources.end(),
        [](const SourceHealth& source) { return source.kind == SourceKind::rest && source.up; });
  }

  const CheckOptions& options_;
  const ClusterConfig& cluster_;
  Judge judge_;
  Collection collection_;
  std::optional<Backfill> past_;
};

using Looks = std::vector<std::unique_ptr<Look>>;

ViewPtr view_of(const Looks& looks, TimestampMs now) {
  auto view = std::make_shared<View>();
  view->generated_at = now;
  view->agent.version = DOCTOR_VERSION;
  view->agent.store_state = "off";
  for (const auto& look : looks) {
    show(look->judge(), *view).samples = curated_samples(look->judge(), now);
  }
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
  const auto budget = std::make_shared<SeriesBudget>(options.config.limits.series_max);
  asio::io_context io(1);
  Resolver resolver(options.config.limits);
  const std::unique_ptr<Http> http = make_asio_http(resolver, options.config.limits);
  Looks looks;
  for (ClusterIndex i = 0; i < options.config.clusters.size(); ++i) {
    looks.push_back(std::make_unique<Look>(i, options, plan, *http, resolver, selection, budget));
  }
  asio::signal_set signals(io, SIGTERM, SIGINT);
  bool interrupted = false;
  signals.async_wait([&](const boost::system::error_code& fault, int) {
    if (fault) return;
    interrupted = true;
    io.stop();
  });
  std::exception_ptr bug;
  std::size_t looking = looks.size();
  if (looking == 0) signals.cancel();
  for (const auto& look : looks) {
    asio::co_spawn(io, look->two_polls(), [&](std::exception_ptr fault) {
      if (fault) bug = fault;
      if (--looking == 0) signals.cancel();
    });
  }
  io.run();
  if (bug) std::rethrow_exception(bug);
  if (interrupted) return {nullptr, kExitCannotJudge, "interrupted"};
  const TimestampMs now = now_ms();
  for (const auto& look : looks) look->judge().judge(now);
  CheckResult result;
  result.view = view_of(looks, now);
  std::tie(result.exit_code, result.why) = verdict_of(*result.view, options.strict);
  return result;
}

std::pair<int, std::string> verdict_of(const View& view, bool strict) {
  const auto of = [&](const std::string& cluster) {
    return view.clusters.size() > 1 ? printable(cluster, 80) + ": " : "";
  };
  if (view.clusters.empty()) return {kExitCannotJudge, "cannot judge: no cluster is watched"};
  for (const ClusterView& cluster : view.clusters) {
    if (cluster.status != ClusterStatus::ok && cluster.status != ClusterStatus::partial) {
      return {kExitCannotJudge, of(cluster.name) + "cannot judge: " + why_unreachable(cluster)};
    }
    if (!strict) continue;
    for (const DetectorReport& report : cluster.detectors) {
      if (report.state != DetectorState::blind) continue;
      return {kExitCannotJudge, of(cluster.name) + "--strict: " + report.detector +
                                    " cannot judge: " + printable(report.why, 300)};
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
          of(worst->finding.subject.cluster) + std::string(to_string(worst->finding.severity)) +
              ": " + worst->finding.summary};
}

}  // namespace doctor
