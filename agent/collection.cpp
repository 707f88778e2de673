#include "agent/collection.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>

#include "agent/clock.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

constexpr SourceId kRestSource = 0;
// A reporter of a range that answered once and is silent for this long belongs to a process that
// is no more.
constexpr DurationMs kRetireAfterMs = 10 * kMinuteMs;

/// Runs `work` every `period`, without drift; a late round is skipped rather than made up for.
asio::awaitable<void> every(DurationMs period_ms, std::function<asio::awaitable<void>()> work) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const std::chrono::milliseconds period(period_ms);
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    co_await work();
    const auto now = std::chrono::steady_clock::now();
    do {
      next += period;
    } while (next <= now);
    timer.expires_at(next);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace

Collection::Collection(ClusterIndex cluster, const ClusterConfig& config, const Config& agent,
                       Http& http, const Selection& selection, EntityTable& entities, bool one_shot,
                       Emit emit)
    : cluster_(cluster),
      agent_(agent),
      http_(http),
      selection_(selection),
      entities_(entities),
      emit_(std::move(emit)) {
  SourceId next = kRestSource + 1;
  for (const ReporterRange& range : config.reporters) {
    Range& added = ranges_.emplace_back();
    added.ports = range.endpoints.size();
    added.health.id = next++;
    added.health.kind = SourceKind::reporter;
    added.health.address = range.text;
    for (const Endpoint& endpoint : range.endpoints) {
      auto target = std::make_unique<Target>();
      target->endpoint = endpoint;
      target->range = ranges_.size() - 1;
      target->health.id = next++;
      target->health.kind = SourceKind::reporter;
      target->health.address = endpoint.address();
      targets_.push_back(std::move(target));
    }
  }
  rest_ = std::make_unique<RestSource>(
      RestSourceConfig{cluster_, kRestSource, config.name, config.flink, one_shot}, http_,
      entities_, agent_.limits, now_ms, emit_);
}

std::vector<Collection::Loop> Collection::loops() {
  std::vector<Loop> loops{[this] { return rest_loop(); }};
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    loops.emplace_back([this, i] { return reporter_loop(i); });
  }
  return loops;
}

asio::awaitable<void> Collection::poll_once() {
  for (const auto& target : targets_) co_await scrape(*target);
  co_await rest_->poll();
}

asio::awaitable<void> Collection::rest_loop() {
  co_await every(agent_.poll_interval_ms, [this] { return rest_->poll(); });
}

asio::awaitable<void> Collection::reporter_loop(std::size_t target) {
  co_await every(agent_.scrape_interval_ms, [this, target] { return scrape(*targets_[target]); });
}

asio::awaitable<void> Collection::scrape(Target& target) {
  const TimestampMs began = now_ms();
  Result<Scrape> result =
      co_await scrape_reporter(http_, target.endpoint, target.health.id, selection_, agent_.limits,
                               entities_, target.layout, now_ms);
  // Our own shutdown looks like an outage: nothing is absorbed then.
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  if (!result && result.error().code == ErrorCode::cancelled) co_return;
  const DurationMs took_ms = now_ms() - began;
  if (result) {
    succeeded(target, std::move(*result), took_ms);
  } else {
    failed(target, result.error(), took_ms);
  }
}

void Collection::succeeded(Target& target, Scrape scrape, DurationMs took_ms) {
  SourceHealth& health = target.health;
  Range& range = ranges_[target.range];
  if (!health.up) {
    health.since = scrape.batch.at;
    ++range.answering;
  }
  health.up = health.ever_up = true;
  health.last_success = scrape.batch.at;
  health.last_error.reset();
  health.process = scrape.batch.layout->process;
  health.role = role_of(health.process);
  ++health.exchanges;
  health.bytes += scrape.reply.wire_bytes;
  health.busy_ms += took_ms;
  health.samples_kept = scrape.batch.values.size();
  for (const auto& [fault, count] : scrape.stats.faults) health.lines_malformed += count;
  health.series_dropped += scrape.series_dropped;
  target.layout = scrape.batch.layout;
  show_range(range, nullptr);
  tell_rest_about_reporters();
  send(health);
  const TimestampMs at = scrape.batch.at;
  send(StreamItem{cluster_, at, std::move(scrape.batch)});
}

std::string Collection::role_of(EntityId process) const {
  if (process == kNoEntity) return {};
  return entities_.name(process) == "jobmanager" ? "jobmanager" : "taskmanager";
}

void Collection::failed(Target& target, const Error& error, DurationMs took_ms) {
  SourceHealth& health = target.health;
  Range& range = ranges_[target.range];
  const TimestampMs now = now_ms();
  const bool was_up = health.up;
  if (was_up) {
    health.since = now;
    --range.answering;
  }
  if (health.since == 0) health.since = now;
  health.up = false;
  ++health.exchanges;
  ++health.errors[error.code];
  health.busy_ms += took_ms;
  health.last_error = error;
  tell_rest_about_reporters();
  const bool single = range.ports == 1;
  if (!single && !health.ever_up) return show_range(range, &error);
  if (!single && now - health.since > kRetireAfterMs) {
    health.retired = true;
    send(health);
    health.retired = health.ever_up = false;
    return;
  }
  send(health);
}

void Collection::show_range(Range& range, const Error* error) {
  if (range.ports == 1) return;
  const bool wanted = error != nullptr && range.answering == 0;
  if (wanted) {
    if (range.health.since == 0) range.health.since = now_ms();
    range.health.last_error = Error{error->code, "no Flink reporter on any port of " +
                                                     range.health.address + ": " + error->message};
    range.shown = true;
    send(range.health);
  } else if (range.shown && range.answering > 0) {
    range.shown = false;
    range.health.retired = true;
    send(range.health);
    range.health.retired = false;
    range.health.since = 0;
  }
}

void Collection::tell_rest_about_reporters() {
  bool job_manager = false;
  bool task_managers = false;
  for (const auto& target : targets_) {
    if (!target->health.up || target->health.process == kNoEntity) continue;
    (target->health.role == "jobmanager" ? job_manager : task_managers) = true;
  }
  rest_->set_reporters_present(job_manager, task_managers);
}

void Collection::send(const SourceHealth& health) { send(StreamItem{cluster_, now_ms(), health}); }

}  // namespace doctor
