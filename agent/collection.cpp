#include "agent/collection.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <random>

#include "agent/clock.hpp"
#include "agent/respite.hpp"
#include "agent/turns.hpp"
#include "collectors/probe.hpp"

namespace doctor {
namespace {

namespace asio = boost::asio;

constexpr SourceId kRestSource = 0;
// A reporter of a range that answered once and is silent for this long belongs to a process that
// is no more.
constexpr DurationMs kRetireAfterMs = 10 * kMinuteMs;
/// While the JobManager does not answer, YARN may have started another one elsewhere.
constexpr DurationMs kYarnAgainMs = 30 * kSecondMs;

}  // namespace

Collection::Collection(ClusterIndex cluster, const ClusterConfig& config, const Config& agent,
                       Http& http, Resolver& resolver, const Selection& selection,
                       EntityTable& entities, bool one_shot, Emit emit)
    : cluster_(cluster),
      agent_(agent),
      http_(http),
      selection_(selection),
      entities_(entities),
      emit_(std::move(emit)),
      next_source_(kRestSource + 1),
      yarn_(config.yarn) {
  for (const TargetSpec& spec : config.reporters) add_range(spec, SourceKind::reporter, resolver);
  for (const TargetSpec& spec : config.probes) add_range(spec, SourceKind::probe, resolver);
  for (const TargetSpec& spec : config.containers) {
    add_range(spec, SourceKind::containers, resolver);
  }
  pods_ = std::make_unique<PodWatches>(
      cluster_, config, http_, agent_.limits, next_source_,
      [this](StreamItem item) { send(std::move(item)); }, [this] { learn_pods(); });
  rest_ = std::make_unique<RestSource>(
      RestSourceConfig{cluster_, kRestSource, config.name, config.flink, one_shot,
                       selection_.metrics()},
      http_, entities_, agent_.limits, now_ms, [this](StreamItem item) {
        learn_task_managers(item);
        send(std::move(item));
      });
}

void Collection::add_range(const TargetSpec& spec, SourceKind kind, Resolver& resolver) {
  Range& range = ranges_.emplace_back(Discovery(spec, resolver, agent_.limits), kind);
  range.health.id = next_source_++;
  range.health.address = spec.text;
  if (range.discovery.is_local() && !local_probe_) {
    ProbeOptions options;
    options.interval_ms = agent_.scrape_interval_ms;
    local_probe_ = std::make_unique<LocalProbe>(options);
  }
  for (const Endpoint& endpoint : spec.endpoints) add_target(ranges_.size() - 1, endpoint);
}

void Collection::start(Spawn spawn) {
  spawn_ = std::move(spawn);
  spawn_([this] { return rest_loop(); });
  for (const TargetPtr& target : targets_) spawn_([this, target] { return target_loop(target); });
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].discovery.is_sought()) spawn_([this, i] { return discovery_loop(i); });
  }
  pods_->start(spawn_);
}

asio::awaitable<void> Collection::poll_once() {
  co_await pods_->poll_once();
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].discovery.is_sought()) co_await discover(i);
  }
  const std::vector<TargetPtr> targets = targets_;
  for (const TargetPtr& target : targets) co_await scrape(*target);
  co_await poll_rest();
}

asio::awaitable<std::vector<JobSummary>> Collection::listed_jobs() { return rest_->listed_jobs(); }

asio::awaitable<void> Collection::rest_loop() {
  Respite respite(agent_.poll_interval_ms, std::random_device{}());
  Round round = [this, &respite](std::uint64_t skipped) -> asio::awaitable<bool> {
    rest_->count_skipped(skipped);
    if (!respite.is_over(now_ms())) co_return true;
    co_await poll_rest();
    respite.note(rest_->health().up, now_ms());
    co_return true;
  };
  const DurationMs period_ms = agent_.poll_interval_ms;
  co_await every(period_ms, std::move(round), turn_of(cluster_, kRestSource, period_ms));
}

asio::awaitable<void> Collection::poll_rest() {
  const TimestampMs now = now_ms();
  if (yarn_ && !rest_->health().up && now - yarn_asked_at_ >= kYarnAgainMs) {
    yarn_asked_at_ = now;
    const Result<Endpoint> found = co_await find_job_manager(http_, *yarn_, agent_.limits);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
    rest_->set_job_manager(found);
  }
  co_await rest_->poll();
}

asio::awaitable<void> Collection::target_loop(TargetPtr target) {
  Respite respite(agent_.scrape_interval_ms, std::random_device{}());
  Round round = [this, target, &respite](std::uint64_t skipped) -> asio::awaitable<bool> {
    target->health.turns_skipped += skipped;
    if (!target->wanted || !respite.is_over(now_ms())) co_return target->wanted;
    co_await scrape(*target);
    respite.note(target->health.up, now_ms());
    co_return target->wanted;
  };
  const DurationMs period_ms = agent_.scrape_interval_ms;
  // A few are asked at once; hundreds at once would take memory for hundreds of bodies.
  constexpr std::size_t kMany = 1000;
  const DurationMs turn_ms = turn_of(cluster_, target->health.id, period_ms);
  const auto targets = static_cast<DurationMs>(std::min(targets_.size(), kMany));
  co_await every(period_ms, std::move(round), turn_ms,
                 turn_ms * targets / static_cast<DurationMs>(kMany));
}

// --- discovery

asio::awaitable<void> Collection::discovery_loop(std::size_t range) {
  Round round = [this, range](std::uint64_t skipped) -> asio::awaitable<bool> {
    ranges_[range].health.turns_skipped += skipped;
    co_await discover(range);
    co_return true;
  };
  co_await every(agent_.scrape_interval_ms, std::move(round));
}

asio::awaitable<void> Collection::discover(std::size_t index) {
  std::vector<std::string> hosts;
  for (const TaskManagerFacts& manager : task_managers_) {
    if (!manager.host.empty()) hosts.push_back(manager.host);
  }
  const auto found = co_await ranges_[index].discovery.find(hosts);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  discovered(index, found);
}

void Collection::learn_pods() {
  learn_owners();
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    const Discovery& discovery = ranges_[i].discovery;
    if (!discovery.is_watched()) continue;
    const auto addresses = pods_->addresses(discovery.spec());
    if (addresses) discovered(i, discovery.at(*addresses));
  }
}

void Collection::discovered(std::size_t index, const Result<std::vector<Endpoint>>& found) {
  // What was found before stays: a name server that is down says nothing about reporters.
  ranges_[index].discovery_failed = !found.ok();
  if (!found) return show_range(ranges_[index], found.error());
  hide_range(ranges_[index]);
  reconcile(index, *found);
}

void Collection::reconcile(std::size_t range, const std::vector<Endpoint>& endpoints) {
  const auto is_at = [](const Target& target, const Endpoint& endpoint) {
    return target.endpoint.host == endpoint.host && target.endpoint.port == endpoint.port;
  };
  for (const TargetPtr& target : targets_) {
    if (target->range != range) continue;
    const bool found = std::any_of(endpoints.begin(), endpoints.end(),
                                   [&](const Endpoint& e) { return is_at(*target, e); });
    if (!found) retire(*target);
  }
  std::erase_if(targets_, [](const TargetPtr& target) { return !target->wanted; });
  for (const Endpoint& endpoint : endpoints) {
    const bool known = std::any_of(targets_.begin(), targets_.end(), [&](const TargetPtr& t) {
      return t->range == range && is_at(*t, endpoint);
    });
    if (!known) add_target(range, endpoint);
  }
  tell_rest_about_reporters();
}

void Collection::add_target(std::size_t range, const Endpoint& endpoint) {
  auto target = std::make_shared<Target>();
  target->endpoint = endpoint;
  target->range = range;
  target->health.id = next_source_++;
  target->health.kind = ranges_[range].health.kind;
  target->health.address =
      ranges_[range].discovery.is_local() ? "this machine" : endpoint.address();
  targets_.push_back(target);
  if (spawn_) spawn_([this, target] { return target_loop(target); });
}

void Collection::retire(Target& target) {
  target.wanted = false;
  forget_job_manager(target.health.id);
  if (target.health.up) --ranges_[target.range].answering;
  target.health.up = false;
  target.health.retired = true;
  send(target.health);
}

void Collection::learn_task_managers(const StreamItem& item) {
  const auto* facts = std::get_if<ClusterFactsPtr>(&item.what);
  if (facts == nullptr || !(*facts)->task_managers_known) return;
  task_managers_ = (*facts)->task_managers;
  learn_owners();
}

void Collection::learn_owners() {
  const bool asked = std::any_of(ranges_.begin(), ranges_.end(), [](const Range& range) {
    return range.health.kind == SourceKind::containers;
  });
  if (!asked) return;
  container_owners_ = std::make_shared<const ContainerOwners>(pods_->owners(task_managers_));
}

// --- reporters

asio::awaitable<void> Collection::scrape(Target& target) {
  const TimestampMs began = now_ms();
  Result<Scrape> result = co_await read(target);
  // Our own shutdown looks like an outage: nothing is absorbed then.
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  if (!result && result.error().code == ErrorCode::cancelled) co_return;
  if (!target.wanted) co_return;  // meanwhile it went away
  const DurationMs took_ms = now_ms() - began;
  if (result) {
    succeeded(target, std::move(*result), took_ms);
  } else {
    failed(target, result.error(), took_ms);
  }
}

asio::awaitable<Result<Scrape>> Collection::read(Target& target) {
  if (ranges_[target.range].discovery.is_local()) co_return read_local(target);
  if (target.health.kind == SourceKind::probe) {
    co_return co_await scrape_probe(http_, target.endpoint, target.health.id, selection_,
                                    agent_.limits, entities_, target.layout, now_ms);
  }
  if (target.health.kind == SourceKind::containers) {
    const std::shared_ptr<const ContainerOwners> owners = container_owners_;
    const bool kubelet = ranges_[target.range].discovery.spec().kind == TargetSpec::Kind::nodes;
    co_return co_await scrape_containers(
        http_, target.endpoint, kubelet ? "/metrics/cadvisor" : "/metrics", target.health.id,
        selection_, *owners, agent_.limits, entities_, target.layout, now_ms);
  }
  co_return co_await scrape_reporter(http_, target.endpoint, target.health.id, selection_,
                                     agent_.limits, entities_, target.known, now_ms);
}

Result<Scrape> Collection::read_local(const Target& target) {
  const std::string page = local_probe_->page();
  if (page.empty())
    return Error{ErrorCode::timeout, "the first look at this machine has not ended"};
  ProbeScrape parse(target.health.id, selection_, agent_.limits);
  if (const Status fed = parse.feed(page); !fed.ok()) return fed.error();
  return parse.finish(now_ms(), entities_, target.layout);
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
  if (health.kind == SourceKind::probe) probed_.filter(scrape.batch, entities_);
  const bool standby = stands_by(target, scrape);
  health.process = standby ? kNoEntity : scrape.batch.layout->process;
  health.role = standby                               ? "standby"
                : health.kind == SourceKind::reporter ? role_of(health.process)
                                                      : "host";
  ++health.exchanges;
  health.bytes += scrape.reply.wire_bytes;
  health.busy_ms += took_ms;
  health.samples_kept = standby ? 0 : scrape.batch.values.size();
  for (const auto& [fault, count] : scrape.stats.faults) {
    health.lines_malformed += count;
    health.line_faults[fault] += count;
  }
  health.series_dropped += scrape.series_dropped;
  health.series_unseen = scrape.series_dropped;
  target.layout = scrape.batch.layout;
  if (!range.discovery_failed) hide_range(range);
  tell_rest_about_reporters();
  const TimestampMs at = scrape.batch.at;
  if (!standby) send(StreamItem{cluster_, at, std::move(scrape.batch)});
  send(health);  // closes the scrape: what was told is judged now, if anybody waits for it
}

/// A JobManager beside the one that is heard.
bool Collection::stands_by(const Target& target, const Scrape& scrape) {
  const bool of_job_manager = target.health.kind == SourceKind::reporter &&
                              role_of(scrape.batch.layout->process) == "jobmanager";
  return of_job_manager && !heard_.hears(target.health.id, scrape.leads);
}

void Collection::forget_job_manager(SourceId source) {
  heard_.lost(source);
  probed_.lost(source);
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
  forget_job_manager(health.id);
  ++health.exchanges;
  ++health.errors[error.code];
  health.busy_ms += took_ms;
  health.last_error = error;
  tell_rest_about_reporters();
  if (!range.discovery.expects_each()) {
    // Most ports of a range hold nothing, and that is no fault.
    if (!health.ever_up) {
      if (range.answering == 0) {
        const std::string what = health.kind == SourceKind::reporter
                                     ? "no Flink reporter"
                                     : "no " + std::string(to_string(health.kind));
        show_range(range, {error.code, what + " on any port of " + range.health.address + ": " +
                                           error.message});
      }
      return;
    }
    if (now - health.since > kRetireAfterMs) {
      health.retired = true;
      send(health);
      health.retired = health.ever_up = false;
      target.known = {};
      return;
    }
  }
  send(health);
}

void Collection::show_range(Range& range, const Error& error) {
  if (range.health.since == 0) range.health.since = now_ms();
  range.health.last_error = error;
  range.shown = true;
  send(range.health);
}

void Collection::hide_range(Range& range) {
  if (!range.shown) return;
  range.shown = false;
  range.health.retired = true;
  send(range.health);
  range.health.retired = false;
  range.health.since = 0;
}

void Collection::tell_rest_about_reporters() {
  bool job_manager = false;
  bool task_managers = false;
  for (const auto& target : targets_) {
    const SourceHealth& health = target->health;
    if (health.kind != SourceKind::reporter || !health.up || health.process == kNoEntity) continue;
    (target->health.role == "jobmanager" ? job_manager : task_managers) = true;
  }
  rest_->set_reporters_present(job_manager, task_managers);
}

void Collection::send(const SourceHealth& health) { send(StreamItem{cluster_, now_ms(), health}); }

}  // namespace doctor
