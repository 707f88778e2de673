#include "agent/backtest.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "agent/backfill/backfill.hpp"
#include "agent/clock.hpp"
#include "agent/net/asio_http.hpp"
#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

// A TaskManager of which nothing is told for this long is not there any more.
constexpr DurationMs kGoneAfterMs = 5 * kMinuteMs;

JudgeConfig judge_config(const BacktestOptions& options) {
  JudgeConfig config;
  config.cluster = options.cluster;
  config.url = options.history.store.url();
  config.detector_params = options.set;
  config.metrics_alone = true;
  return config;
}

std::vector<const Detector*> judging() {
  std::vector<const Detector*> all;
  for (const Detector* detector : all_detectors()) {
    if (judges_metrics_alone(*detector)) all.push_back(detector);
  }
  return all;
}

/// All of them are asked for all of the time: every minute is judged.
std::vector<MetricDepth> depths_of_all(const std::vector<const Detector*>& detectors) {
  std::vector<MetricDepth> all = depths(FeaturePlan(detectors, kOfSubmissions));
  for (MetricDepth& depth : all) depth.depth_ms = std::numeric_limits<DurationMs>::max() / 4;
  return all;
}

class Run {
 public:
  explicit Run(const BacktestOptions& options)
      : options_(options),
        detectors_(judging()),
        plan_(all_detectors()),
        selection_(plan_.metrics()),
        judge_(judge_config(options), all_detectors(), plan_, limits_),
        resolver_(limits_),
        timeline_({}) {}

  Result<Replayed> go() {
    const TimestampMs to = options_.to.value_or(now_ms());
    const TimestampMs from = options_.from.value_or(to - options_.history.window_ms);
    asio::io_context io(1);
    const std::unique_ptr<Http> http = make_asio_http(resolver_, limits_);
    WalkPorts ports{http.get(), &selection_, &limits_, &judge_.entities(), now_ms};
    ports.told = [this](const query_range::Past& past, double share) { told(past, share); };
    Walk walk(options_.history, depths_of_all(detectors_), std::move(ports));
    std::exception_ptr bug;
    Walked walked;
    asio::co_spawn(io, walk.run(from, to, std::numeric_limits<TimestampMs>::max()),
                   [&](std::exception_ptr fault, Walked result) {
                     bug = fault;
                     walked = std::move(result);
                   });
    io.run();
    if (bug) std::rethrow_exception(bug);
    return finished(std::move(walked));
  }

 private:
  void told(const query_range::Past& past, double share) {
    for (const auto& [process, host] : past.hosts()) hosts_[process] = host;
    const Emit emit = [this](const StreamItem& item) { take(item); };
    stream(past, past.submissions(), 0, emit, [&](TimestampMs at) { judge(at); });
    if (options_.say) options_.say(std::to_string(static_cast<int>(share * 100)) + " % is judged");
  }

  void take(const StreamItem& item) {
    if (replayed_.items++ == 0) replayed_.began = item.at;
    if (const auto* batch = std::get_if<Batch>(&item.what)) {
      seen_at_[batch->layout->process] = item.at;
    }
    judge_.absorb(item);
  }

  /// What labels tell in place of REST: which TaskManagers there are, and on which hosts.
  void tell_task_managers(TimestampMs at) {
    std::erase_if(seen_at_, [&](const auto& seen) { return at - seen.second > kGoneAfterMs; });
    auto facts = std::make_shared<ClusterFacts>();
    facts->name = options_.cluster;
    std::map<std::string, std::string> present;
    for (const auto& [process, last] : seen_at_) {
      const auto host = hosts_.find(process);
      if (host == hosts_.end()) continue;
      TaskManagerFacts& manager = facts->task_managers.emplace_back();
      manager.id = judge_.entities().name(process);
      manager.host = printable(host->second);
      present[manager.id] = manager.host;
    }
    if (present == told_) return;
    told_ = std::move(present);
    judge_.absorb({0, at, ClusterFactsPtr(std::move(facts))});
  }

  /// Before anything is known there is nothing to say.
  void judge(TimestampMs at) {
    if (replayed_.items == 0) return;
    tell_task_managers(at);
    judge_.absorb({0, at, Tick{at}});
    ++replayed_.ticks;
    replayed_.ended = at;
    timeline_.note(judge_, at);
  }

  Result<Replayed> finished(Walked walked) {
    const std::string store = printable(options_.history.store.url());
    if (!walked.status && walked.samples == 0) {
      const Error& fault = walked.status.error();
      return Error{fault.code, store + ": " + fault.message};
    }
    if (walked.samples == 0) {
      return Error{ErrorCode::not_flink, store +
                                             " knows no metric of Flink's reporters in that time "
                                             "that matches; see --match, --from and --to"};
    }
    if (!walked.status) {
      replayed_.notes.push_back("the past ends at " + format_rfc3339(replayed_.ended) + ": " +
                                walked.status.error().message);
    }
    for (const std::string& warning : walked.warnings) {
      replayed_.notes.push_back("the store warns: " + warning);
    }
    replayed_.opening.program = DOCTOR_VERSION;
    replayed_.opening.clusters.push_back(judge_.config());
    replayed_.timeline = timeline_.take();
    replayed_.changes_untold = timeline_.untold();
    auto view = std::make_shared<View>();
    view->generated_at = replayed_.ended;
    show(judge_, *view);
    replayed_.verdicts = std::move(view);
    return std::move(replayed_);
  }

  const BacktestOptions& options_;
  std::vector<const Detector*> detectors_;
  Limits limits_;
  FeaturePlan plan_;
  Selection selection_;
  Judge judge_;
  Resolver resolver_;
  Timeline timeline_;
  std::map<EntityId, std::string> hosts_;  // of TaskManagers
  std::map<EntityId, TimestampMs> seen_at_;
  std::map<std::string, std::string> told_;  // TaskManager → host, as the judge knows them
  Replayed replayed_;
};

}  // namespace

Result<Replayed> backtest(const BacktestOptions& options) {
  if (const Status ok = are_known(options.set); !ok) return ok.error();
  return Run(options).go();
}

}  // namespace doctor
