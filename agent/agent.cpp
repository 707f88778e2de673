#include "agent/agent.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <exception>

#include "agent/clock.hpp"
#include "agent/config/judge_config.hpp"
#include "agent/curated.hpp"
#include "agent/delivery/alertmanager.hpp"
#include "agent/delivery/report.hpp"
#include "agent/delivery/routes.hpp"
#include "agent/net/asio_http.hpp"
#include "agent/net/notify.hpp"
#include "agent/recording/memory.hpp"
#include "detectors/registry.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kTickPeriod{1000};
constexpr milliseconds kFirstQuestions{50};  // to be connected and sent
constexpr milliseconds kStopPatience{2500};  // of the 5 s that a SIGTERM may take
/// What a scrape told is judged at once while that takes no more than one part of so many of the
/// time, else at the next second.
constexpr int kJudgingShare = 100;

/// What REST says of its own health closes each of its polls.
bool is_end_of_poll(const StreamItem& item) {
  const auto* health = std::get_if<SourceHealth>(&item.what);
  return health != nullptr && health->kind == SourceKind::rest && !health->retired;
}

}  // namespace

Agent::Agent(Config config)
    : config_(std::move(config)),
      resolver_(config_.limits),
      http_(make_asio_http(resolver_, config_.limits)),
      plan_(all_detectors(), exported_metrics(config_)),
      selection_(plan_.metrics()),
      budget_(std::make_shared<SeriesBudget>(config_.limits.series_max)) {
  health_.version = DOCTOR_VERSION;
  health_.started = now_ms();
  if (config_.shard) health_.shard = config_.shard->text();
  health_.clusters_elsewhere = config_.clusters_elsewhere;
  health_.series_max = config_.limits.series_max;
  const auto emit = [this](StreamItem item) { take(std::move(item)); };
  health_.store_state = store_logged_ = config_.data_dir.empty() ? "off" : "ok";
  for (const ClusterConfig& cluster : config_.clusters) {
    const auto index = static_cast<ClusterIndex>(judges_.size());
    judges_.push_back(std::make_unique<Judge>(judge_config(cluster, config_, false),
                                              all_detectors(), plan_, config_.limits, budget_));
    collections_.push_back(std::make_unique<Collection>(index, cluster, config_, *http_, resolver_,
                                                        selection_, judges_.back()->entities(),
                                                        false, emit));
    if (cluster.backfill) {
      backfills_[index] = std::make_unique<Backfill>(
          index, cluster.name, *cluster.backfill,
          WalkPorts{http_.get(), &selection_, &config_.limits, &judges_.back()->entities(), now_ms},
          emit, [](const std::string& line) { spdlog::info("{}", line); });
    }
    if (cluster.logs.empty()) continue;
    logs_.push_back(std::make_unique<LogCollection>(index, cluster.logs, config_.limits, emit));
  }
}

Agent::~Agent() = default;

// The whole story: whatever comes next, absorb it; a tick also judges, and then the world is told.
void Agent::take(StreamItem item) {
  if (!knows_past_) return early_.push_back(std::move(item));
  const bool poll_ended = is_end_of_poll(item);
  const ClusterIndex cluster = item.cluster;
  absorb(std::move(item));
  if (!judges_.at(cluster)->has_news()) return;
  const bool may_judge = poll_ended || std::chrono::steady_clock::now() >= judge_again_[cluster];
  if (may_judge) judge_now(cluster, now_ms());
}

/// A fault that was just read is told at once, not at the next second.
void Agent::judge_now(ClusterIndex cluster, TimestampMs now) {
  const Incidents& incidents = judges_.at(cluster)->incidents();
  const std::uint64_t before = incidents.transitions();
  absorb({cluster, now, Tick{now}});
  if (incidents.transitions() == before) return;
  publish(now);
}

void Agent::absorb(StreamItem item) {
  Judge& judge = *judges_.at(item.cluster);
  if (recorder_) recorder_->record(item);
  const auto began = std::chrono::steady_clock::now();
  judge.absorb(item);
  if (keeper_) keeper_->keep(item, judge);
  if (const auto* event = std::get_if<Event>(&item.what); event && is_about_pod(event->kind)) {
    spdlog::warn("{}: {}", judge.config().cluster, event->text);
  }
  if (!std::holds_alternative<Tick>(item.what)) return;
  const auto ended = std::chrono::steady_clock::now();
  judge_again_[item.cluster] = ended + kJudgingShare * (ended - began);
  health_.judgement_seconds_sum += std::chrono::duration<double>(ended - began).count();
  ++health_.judgements;
  health_.last_judgement = item.at;
}

void Agent::publish(TimestampMs now) {
  auto view = std::make_shared<View>();
  view->generated_at = now;
  health_.series = budget_->taken();
  health_.findings_dropped = 0;
  for (const auto& judge : judges_) {
    show(*judge, *view).samples = samples_of(*judge, now);
    health_.findings_dropped += judge->incidents().dropped();
  }
  health_.backfills.clear();
  for (const auto& [index, backfill] : backfills_) health_.backfills.push_back(backfill->health());
  if (keeper_) keeper_->tell(health_);
  if (recorder_) {
    health_.recorder_state = recorder_->state();
    health_.recorder_lost = recorder_->lost();
  }
  view->agent = health_;
  port_.publish(std::move(view));
  news_.ring();
}

CuratedSamples Agent::samples_of(const Judge& judge, TimestampMs now) {
  auto& [samples, made_at] = samples_[judge.config().cluster];
  if (!samples || now - made_at >= curated_samples_last_ms(judge)) {
    samples = curated_samples(judge, now);
    made_at = now;
  }
  return samples;
}

void Agent::log_changes() {
  if (recorder_ && recorder_->state() != recorder_logged_) {
    recorder_logged_ = recorder_->state();
    spdlog::warn("recording: {}, {} item(s) lost so far", recorder_logged_, recorder_->lost());
  }
  if (health_.store_state != store_logged_) {
    store_logged_ = health_.store_state;
    spdlog::warn("what is remembered on disk: {}", store_logged_);
  }
  for (const auto& judge : judges_) {
    judge->incidents().each([this](const std::string& id, const ReportedFinding& reported) {
      const std::string state = std::string(to_string(reported.state)) + "/" +
                                std::string(to_string(reported.finding.severity));
      std::string& logged = logged_[id];
      if (logged == state) return;
      logged = state;
      if (reported.state != FindingState::pending) spdlog::info("{}", one_line(reported));
    });
  }
}

Status Agent::open_keeper() {
  if (config_.data_dir.empty()) return Done{};
  Result<std::unique_ptr<Keeper>> keeper =
      Keeper::open({config_.data_dir, config_.history, config_.limits}, judges_);
  if (!keeper) return keeper.error();
  keeper_ = std::move(*keeper);
  return Done{};
}

/// What the last process knew, and after it what has come meanwhile.
Status Agent::recall_past() {
  std::vector<Memory> restored;
  if (keeper_) {
    if (Status ok = keeper_->bring_back(plan_, now_ms()); !ok) return ok;
    restored = keeper_->take_restored();
  }
  for (const Memory& memory : restored) {
    for (const std::string& problem : recall(memory, *judges_[memory.cluster])) {
      spdlog::warn("{}", problem);
    }
  }
  if (Status ok = start_recorder(restored); !ok) return ok;
  recollect();
  knows_past_ = true;
  for (StreamItem& item : std::exchange(early_, {})) take(std::move(item));
  return Done{};
}

Status Agent::start_recorder(const std::vector<Memory>& restored) {
  if (!config_.record) return Done{};
  Result<std::unique_ptr<Recorder>> recorder =
      Recorder::start(*config_.record, judges_, exported_metrics(config_), restored, now_ms());
  if (!recorder) return recorder.error();
  recorder_ = std::move(*recorder);
  spdlog::info("recording into {}", config_.record->file);
  return Done{};
}

/// After the restart what was before it, so that nobody waits for minutes of samples anew.
void Agent::recollect() {
  if (!keeper_) return;
  for (const StreamItem& item : keeper_->take_past()) {
    if (recorder_) recorder_->record(item);
    judges_.at(item.cluster)->absorb(item);
  }
}

Status Agent::serve() {
  const RoutePorts ports{&port_, &stats_, now_ms, DOCTOR_VERSION};
  Result<std::unique_ptr<Server>> server =
      Server::start(config_.listen_host, config_.listen_port, config_.limits, make_routes(ports));
  if (!server) return server.error();
  server_ = std::move(*server);
  spdlog::info("serving http://{}:{}/ (findings: /api/v1/findings, metrics: /metrics)",
               config_.listen_host, server_->port());
  return Done{};
}

Status Agent::run() {
  if (Status ok = open_keeper(); !ok) return ok;
  if (config_.serves) {
    if (Status ok = serve(); !ok) return ok;
  }
  asio::co_spawn(io_, watch_signals(), [](std::exception_ptr) {});
  spawn_collections();
  // The first questions are on their way while what was learned in a week is read; what they bring
  // comes after it.
  patience_.expires_after(keeper_ ? kFirstQuestions : milliseconds(0));
  patience_.async_wait([this](const boost::system::error_code& fault) {
    if (!fault) begin();
  });
  io_.run();
  if (!begun_) return begun_;
  if (keeper_ && knows_past_) keeper_->remember(now_ms(), true);
  notify_service_manager("STOPPING=1");
  server_.reset();
  keeper_.reset();
  recorder_.reset();
  spdlog::info("stopped");
  if (failed_) return Error{ErrorCode::io, "stopped by an internal error, see the log above"};
  return Done{};
}

void Agent::spawn_collections() {
  for (ClusterIndex i = 0; i < collections_.size(); ++i) {
    if (!backfills_.contains(i)) start_collection(i);
  }
}

void Agent::begin() {
  if (stopping_) return;
  begun_ = recall_past();
  if (!begun_) return stop();
  for (const auto& [index, backfill] : backfills_) {
    spawn("backfill", [this, cluster = index] { return backfill_loop(cluster); });
  }
  for (const auto& followed : logs_) {
    spawn("logs", [&logs = *followed] { return logs.loop(); });
  }
  std::uint64_t notifiers = 0;
  for (const Endpoint& member : config_.alertmanagers) {
    NotifierPorts ports{[this] { return port_.read(); }, now_ms,
                        [](const std::string& line) { spdlog::warn("{}", line); }, news_};
    const auto seed = static_cast<std::uint64_t>(health_.started) + notifiers++;
    spawn("alertmanager", [this, member, ports, seed] {
      return run_notifier(*http_, member, ports, stats_, seed);
    });
  }
  spawn("ticker", [this] { return tick_loop(); });
  notify_service_manager("READY=1\nSTATUS=watching " + std::to_string(judges_.size()) +
                         " cluster(s)");
}

void Agent::start_collection(ClusterIndex cluster) {
  collections_[cluster]->start(
      [this](Collection::Loop loop) { spawn("collector", std::move(loop)); });
}

/// The past comes before the present.
asio::awaitable<void> Agent::backfill_loop(ClusterIndex cluster) {
  std::vector<JobSummary> listed = co_await collections_[cluster]->listed_jobs();
  if (stopping_) co_return;
  co_await backfills_.at(cluster)->run(judges_[cluster]->features().newest(), std::move(listed));
  if (!stopping_) start_collection(cluster);
}

void Agent::spawn(const std::string& name, std::function<asio::awaitable<void>()> loop) {
  const std::uint64_t id = ++spawned_;
  const auto slot = cancellations_.emplace(id, std::make_unique<asio::cancellation_signal>())
                        .first->second->slot();
  ++running_;
  // The function lives in the handler, since a coroutine lambda's captures must outlive it.
  auto body = std::make_shared<std::function<asio::awaitable<void>()>>(std::move(loop));
  asio::co_spawn(
      io_, (*body)(),
      asio::bind_cancellation_slot(slot, [this, id, name, body](std::exception_ptr fault) {
        --running_;
        if (!stopping_) cancellations_.erase(id);
        if (stopping_ && running_ == 0) io_.stop();
        if (stopping_ || !fault) return;
        try {
          std::rethrow_exception(fault);
        } catch (const std::exception& bug) {
          // A bug in one loop is fatal: better restarted than half blind.
          spdlog::critical("{} stopped: {}", name, bug.what());
          failed_ = true;
          stop();
        }
      }));
}

asio::awaitable<void> Agent::tick_loop() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    const TimestampMs now = now_ms();
    for (ClusterIndex i = 0; i < judges_.size(); ++i) absorb({i, now, Tick{now}});
    const bool any = std::any_of(judges_.begin(), judges_.end(),
                                 [](const auto& judge) { return judge->has_judged(); });
    if (any || judges_.empty()) publish(now);  // of a shard without clusters there is little to say
    if (keeper_) keeper_->remember(now, stopping_);
    log_changes();
    spare_memory_.settle(now, health_.series);
    notify_service_manager("WATCHDOG=1");
    if (config_.stop_after_ms > 0 && now - health_.started >= config_.stop_after_ms) stop();
    next = std::max(next + kTickPeriod, std::chrono::steady_clock::now());
    timer.expires_at(next);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> Agent::watch_signals() {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGTERM, SIGINT);
  const auto [fault, number] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  if (fault) co_return;
  spdlog::info("signal {}: stopping", number);
  stop();
}

void Agent::stop() {
  if (stopping_) return;
  stopping_ = true;
  for (const auto& [id, cancellation] : cancellations_) {
    cancellation->emit(asio::cancellation_type::terminal);
  }
  if (running_ == 0) return io_.stop();
  patience_.expires_after(kStopPatience);
  patience_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
}

}  // namespace doctor
