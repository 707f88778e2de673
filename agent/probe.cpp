#include "agent/probe.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>

#include "agent/clock.hpp"
#include "agent/delivery/probe_page.hpp"
#include "agent/host/disk_files.hpp"
#include "agent/host/patient_files.hpp"
#include "agent/net/notify.hpp"
#include "agent/net/server.hpp"
#include "agent/thread.hpp"

namespace doctor {
namespace {

constexpr DurationMs kStopPatienceMs = 300;
constexpr DurationMs kStalledAfterMs = 30 * kSecondMs;  // beyond the interval

}  // namespace

/// What the rounds write and others read.
class ProbeState {
 public:
  explicit ProbeState(DurationMs interval_ms) : interval_ms_(interval_ms) {}

  void begin_round() {
    const std::scoped_lock lock(mutex_);
    round_began_ = now_ms();
    in_round_ = true;
  }
  void end_round(host::HostReport report, std::size_t hanging) {
    auto shared = std::make_shared<const host::HostReport>(std::move(report));
    const std::scoped_lock lock(mutex_);
    report_ = std::move(shared);
    in_round_ = false;
    ++health_.rounds;
    health_.hanging = hanging;
    health_.round_ended = now_ms();
    health_.round_seconds = static_cast<double>(health_.round_ended - round_began_) / kSecondMs;
  }
  /// Until the next round is due; false when there is none.
  bool wait() {
    std::unique_lock lock(mutex_);
    const auto left =
        std::chrono::milliseconds(std::max<DurationMs>(round_began_ + interval_ms_ - now_ms(), 0));
    return !changed_.wait_for(lock, left, [this] { return stopping_; });
  }
  void ended() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  /// True when the rounds have ended; false when the present one hangs.
  bool stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::milliseconds(kStopPatienceMs),
                             [this] { return ended_; });
  }
  ProbeHealth health() const {
    const std::scoped_lock lock(mutex_);
    ProbeHealth health = health_;
    health.stalled = in_round_ && now_ms() - round_began_ > interval_ms_ + kStalledAfterMs;
    return health;
  }
  std::shared_ptr<const host::HostReport> report() const {
    const std::scoped_lock lock(mutex_);
    return report_;
  }

 private:
  const DurationMs interval_ms_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const host::HostReport> report_;
  ProbeHealth health_;
  TimestampMs round_began_{0};
  bool in_round_{false};
  bool stopping_{false};
  bool ended_{false};
};

namespace {

void run_rounds(const std::shared_ptr<ProbeState>& state, const host::HostRoots& roots,
                const std::function<void()>& after_round) {
  PatientFiles files(std::make_shared<DiskFiles>());
  host::HostProbe probe(files, roots);
  do {
    state->begin_round();
    host::HostReport report = probe.collect();
    state->end_round(std::move(report), files.hanging());
    after_round();
  } while (state->wait());
  state->ended();
}

/// On a thread of their own, since a round may hang.
bool start_rounds(const std::shared_ptr<ProbeState>& state, const host::HostRoots& roots,
                  const std::function<void()>& after_round) {
  const bool started = start_detached_thread([=] { run_rounds(state, roots, after_round); });
  if (!started) state->ended();
  return started;
}

std::string render(const host::HostReport* report, const ProbeHealth& health) {
  ProbePageInput input;
  input.report = report;
  input.health = health;
  input.process = read_process_stats();
  input.version = DOCTOR_VERSION;
  return probe_page(input);
}

InboundResponse answer(const ProbeState& state, const InboundRequest& request) {
  const auto plain = [](int status, std::string text) {
    return InboundResponse{status, "text/plain; charset=utf-8",
                           std::make_shared<const std::string>(std::move(text))};
  };
  if (request.method == "POST") return plain(405, "Only GET is answered.\n");
  const ProbeHealth health = state.health();
  if (request.path == "/metrics") {
    const auto report = state.report();
    InboundResponse page = plain(200, render(report.get(), health));
    page.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return page;
  }
  if (request.path == "/-/healthy") {
    return health.stalled ? plain(503, "A round does not end.\n") : plain(200, "healthy\n");
  }
  if (request.path == "/-/ready") {
    return health.rounds > 0 ? plain(200, "ready\n") : plain(503, "No round has ended yet.\n");
  }
  return plain(request.path == "/" ? 200 : 404,
               "flink-doctor probe\n\n  /metrics\n  /-/healthy\n  /-/ready\n");
}

}  // namespace

ProbeOnce probe_once(const ProbeOptions& options) {
  PatientFiles files(std::make_shared<DiskFiles>());
  host::HostProbe probe(files, options.roots);
  const TimestampMs began = now_ms();
  const host::HostReport report = probe.collect();
  ProbeHealth health;
  health.rounds = 1;
  health.round_ended = now_ms();
  health.round_seconds = static_cast<double>(health.round_ended - began) / kSecondMs;
  health.hanging = files.hanging();
  return {render(&report, health), report.processes.size(), report.processes_seen};
}

LocalProbe::LocalProbe(const ProbeOptions& options)
    : state_(std::make_shared<ProbeState>(options.interval_ms)) {
  start_rounds(state_, options.roots, [] {});
}

LocalProbe::~LocalProbe() { state_->stop(); }

std::string LocalProbe::page() const {
  const auto report = state_->report();
  return report ? render(report.get(), state_->health()) : std::string{};
}

Status run_probe(const ProbeOptions& options) {
  boost::asio::io_context io{1};
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) { io.stop(); });
  auto state = std::make_shared<ProbeState>(options.interval_ms);
  Result<std::unique_ptr<Server>> server =
      Server::start(options.listen_host, options.listen_port, options.limits,
                    [state](const InboundRequest& request) { return answer(*state, request); });
  if (!server) return server.error();
  spdlog::info("serving http://{}:{}/metrics", options.listen_host, (*server)->port());
  if (!start_rounds(state, options.roots, [] { notify_service_manager("WATCHDOG=1"); })) {
    return Error{ErrorCode::io, "the system gives no thread for the rounds"};
  }
  notify_service_manager("READY=1\nSTATUS=looking at " + options.roots.proc);
  io.run();
  notify_service_manager("STOPPING=1");
  const bool ended = state->stop();
  server->reset();
  spdlog::info("stopped");
  if (!ended) {
    // A thread that is still reading must not outlive what static destructors take down.
    spdlog::shutdown();
    std::_Exit(0);
  }
  return Done{};
}

}  // namespace doctor
