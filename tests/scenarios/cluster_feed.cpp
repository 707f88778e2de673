#include "tests/scenarios/cluster_feed.hpp"

#include <algorithm>
#include <utility>

#include "collectors/rest/changes.hpp"
#include "model/text.hpp"
#include "tests/scenarios/expression.hpp"

namespace doctor::scenario {

ClusterFeed::ClusterFeed(const Case& scenario, const World& world,
                         const std::vector<Metric>& metrics, Judge& judge)
    : scenario_(scenario), world_(world), metrics_(metrics), judge_(judge) {
  rest_.health.kind = SourceKind::rest;
  rest_.health.address = "jobmanager:8081";
  for (const ReporterLine& line : scenario.reporters) {
    Source& source = reporters_.emplace_back();
    source.process = line.process;
    source.health.id = static_cast<SourceId>(reporters_.size());
    source.health.kind = SourceKind::reporter;
    source.health.address = line.process + ":9249";
  }
}

void ClusterFeed::poll(DurationMs at) {
  poll_rest(at);
  for (std::size_t i = 0; i < reporters_.size(); ++i) {
    poll_reporter(scenario_.reporters[i], reporters_[i], at);
  }
}

void ClusterFeed::tick(DurationMs at) { send(at, Tick{kCaseStart + at}); }

void ClusterFeed::poll_rest(DurationMs at) {
  const Outage* outage = nullptr;
  for (const Outage& drawn : scenario_.outages) {
    if (drawn.when.holds(at)) outage = &drawn;
  }
  if (outage != nullptr && outage->status != ClusterStatus::partial) {
    const bool election = outage->status == ClusterStatus::leader_election;
    return report(rest_, false, election ? ErrorCode::leader_election : outage->reason, at);
  }
  send_facts(at);
  Values values;
  if (!has_reporter("jobmanager")) values = values_of("jobmanager", at);
  for (const TaskManagerLine& tm : scenario_.task_managers) {
    if (!has_reporter(tm.name)) values.merge(values_of(tm.name, at));
  }
  send_batch(rest_, std::move(values), at);
  if (outage != nullptr) {
    rest_.health.last_error = Error{outage->reason, "some details could not be read"};
  } else {
    rest_.health.last_error.reset();
  }
  report(rest_, true, ErrorCode::io, at);
}

void ClusterFeed::poll_reporter(const ReporterLine& line, Source& source, DurationMs at) {
  if (at < line.up.from) return;
  if (!line.up.holds(at) || !world_.alive(line.process, at)) {
    return report(source, false, ErrorCode::refused, at);
  }
  source.health.process = process_entity(line.process);
  source.health.last_error.reset();
  report(source, true, ErrorCode::io, at);
  send_batch(source, values_of(line.process, at), at);
}

/// As RestSource does: events first, then the cluster, then the jobs that changed.
void ClusterFeed::send_facts(DurationMs at) {
  const TimestampMs now = kCaseStart + at;
  ClusterFacts facts = world_.cluster(at);
  if (before_) {
    for (Event& event : rest::job_changes(before_->jobs, facts.jobs, 0, now, true)) {
      send(at, std::move(event));
    }
    for (Event& event :
         rest::task_manager_changes(before_->task_managers, facts.task_managers, 0, now, false)) {
      send(at, std::move(event));
    }
  }
  before_ = facts;
  send(at, std::make_shared<const ClusterFacts>(std::move(facts)));
  for (const JobInstance* job : world_.listed(at)) {
    auto job_facts = std::make_shared<const JobFacts>(world_.job(*job, at));
    JobFactsPtr& published = published_[job->id];
    if (published && *published == *job_facts) continue;
    published = job_facts;
    send(at, std::move(job_facts));
  }
}

void ClusterFeed::send_batch(Source& source, Values values, DurationMs at) {
  std::vector<SeriesKey> keys;
  Batch batch;
  batch.source = source.health.id;
  batch.at = kCaseStart + at;
  for (const auto& [key, value] : values) {
    keys.push_back(key);
    batch.values.push_back(value);
  }
  source.health.samples_kept = keys.size();
  if (!source.layout || source.layout->keys != keys) {
    const std::uint64_t version = source.layout ? source.layout->version + 1 : 1;
    const EntityId process = source.process.empty() ? kNoEntity : source.health.process;
    source.layout =
        std::make_shared<const Layout>(Layout{source.health.id, version, process, std::move(keys)});
  }
  batch.layout = source.layout;
  send(at, std::move(batch));
}

/// `reason` matters when it is down.
void ClusterFeed::report(Source& source, bool up, ErrorCode reason, DurationMs at) {
  SourceHealth& health = source.health;
  const TimestampMs now = kCaseStart + at;
  if (health.up != up || health.since == 0) health.since = now;
  health.up = up;
  ++health.exchanges;
  if (up) {
    health.ever_up = true;
    health.last_success = now;
  } else {
    health.last_error = Error{reason, "drawn: " + std::string(to_string(reason))};
    ++health.errors[reason];
    health.samples_kept = 0;
  }
  send(at, health);
}

void ClusterFeed::send(DurationMs at, decltype(StreamItem::what) what) {
  const StreamItem item{0, kCaseStart + at, std::move(what)};
  if (seen_) seen_(item);
  judge_.absorb(item);
}

ClusterFeed::Values ClusterFeed::values_of(const std::string& process, DurationMs at) {
  Values values;
  if (!world_.alive(process, at)) return values;
  if (process == "jobmanager") add_restarts(at, values);
  for (std::size_t i = 0; i < scenario_.series.size(); ++i) {
    if (selected(scenario_.series[i].metric)) {
      add_series(scenario_.series[i], i, process, at, values);
    }
  }
  return values;
}

void ClusterFeed::add_series(const SeriesLine& line, std::size_t number, const std::string& process,
                             DurationMs at, Values& values) {
  const auto add = [&](EntityId entity, std::uint64_t salt) {
    Moment moment;
    moment.sample = static_cast<std::uint64_t>(at / scenario_.every);
    moment.at = at;
    moment.series = number * 1000 + salt;
    if (line.values.steps != Steps::none) {
      moment.submits = world_.submits(at);
      moment.restarts = world_.restarts(at);
    }
    const std::optional<double> value = value_at(line.values, moment);
    if (value) values[{line.metric, entity}] = *value;
  };
  EntityTable& entities = judge_.entities();
  const Level level = info(line.metric).level;
  if (level == Level::cluster) {
    if (process == "jobmanager") add(kClusterEntity, 0);
    return;
  }
  if (level == Level::process || level == Level::collector) {
    if (line.process != process) return;
    EntityId entity = process_entity(process);
    if (level == Level::collector) entity = entities.intern(level, entity, line.collector);
    return add(entity, 0);
  }
  const JobInstance* job = world_.named(line.job, at);
  if (job == nullptr || at < job->start || is_terminal_state(job->state_at(at).name)) return;
  if (level == Level::job) {
    if (process == "jobmanager") add(entities.intern(level, kClusterEntity, job->id), 0);
    return;
  }
  const auto& vertices = job->line->vertices;
  const auto vertex = static_cast<std::size_t>(
      std::find(vertices.begin(), vertices.end(), line.vertex) - vertices.begin());
  for (int s = 0; s < World::parallelism(*job->line, vertex); ++s) {
    if (line.subtask && *line.subtask != s) continue;
    const TaskManagerLine* tm = world_.place(*job, vertex, s, at);
    if (tm == nullptr || tm->name != process) continue;
    EntityId entity = subtask_entity(*job, vertex, s);
    if (level == Level::operator_ || level == Level::column_family) {
      const std::string name = line.operator_.empty() ? line.vertex : line.operator_;
      entity = entities.intern(Level::operator_, entity, reporter_filtered(name));
    }
    if (level == Level::column_family) {
      entity = entities.intern(level, entity, reporter_filtered(line.column_family));
    }
    add(entity, static_cast<std::uint64_t>(s));
  }
}

/// numRestarts follows the faults, unless the case draws it.
void ClusterFeed::add_restarts(DurationMs at, Values& values) {
  if (!selected(Metric::job_restarts)) return;
  for (const JobInstance* job : world_.listed(at)) {
    if (is_terminal_state(job->state_at(at).name)) continue;
    const auto count =
        std::upper_bound(job->restarts.begin(), job->restarts.end(), at) - job->restarts.begin();
    const EntityId entity = judge_.entities().intern(Level::job, kClusterEntity, job->id);
    values[{Metric::job_restarts, entity}] = static_cast<double>(count);
  }
}

EntityId ClusterFeed::process_entity(const std::string& name) {
  return judge_.entities().intern(Level::process, kClusterEntity, reporter_filtered(name));
}

EntityId ClusterFeed::subtask_entity(const JobInstance& job, std::size_t vertex, int subtask) {
  EntityTable& entities = judge_.entities();
  const EntityId of_job = entities.intern(Level::job, kClusterEntity, job.id);
  const EntityId of_vertex =
      entities.intern(Level::vertex, of_job, World::vertex_id(*job.line, vertex));
  return entities.intern(Level::subtask, of_vertex, "", static_cast<std::uint32_t>(subtask));
}

bool ClusterFeed::has_reporter(const std::string& process) const {
  return std::any_of(scenario_.reporters.begin(), scenario_.reporters.end(),
                     [&](const ReporterLine& line) { return line.process == process; });
}

bool ClusterFeed::selected(Metric metric) const {
  return std::find(metrics_.begin(), metrics_.end(), metric) != metrics_.end();
}

}  // namespace doctor::scenario
