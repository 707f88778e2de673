#include "collectors/rest/source.hpp"

#include <algorithm>
#include <utility>

#include "collectors/rest/changes.hpp"
#include "collectors/rest/parse.hpp"
#include "collectors/rest/shares.hpp"
#include "collectors/rest/vertex_metrics.hpp"

namespace doctor {
namespace {

constexpr DurationMs kIdentifyEveryMs = kMinuteMs;
/// How long TaskManagers have to register with a new JobManager before they count as lost.
constexpr DurationMs kRegistrationMs = kMinuteMs;
/// Flink fetches every 10 s; a minute without is more than a slow fetch.
constexpr DurationMs kStillMaxMs = kMinuteMs;
constexpr DurationMs kPaceMaxMs = 150 * kSecondMs;  // slower than that is not seen
/// Of processes: what is judged of them takes hours, and their floors (model/floors.hpp) need a
/// look in each quarter of an hour. With their share of the calls that is some 270 of them.
constexpr DurationMs kProcessPaceMaxMs = 15 * kMinuteMs;
constexpr std::size_t kErrandsMax = 1024;
constexpr int kCallsFailedMax = 2;

/// When the present run of all tasks began. The last modification is the last task's change of
/// state, but a task that finishes later moves it: then the time seen before stays.
std::optional<TimestampMs> running_since(const rest::KnownJob& job) {
  if (!job.all_tasks_run()) return std::nullopt;
  const auto& before = job.facts.all_tasks_running_since;
  const auto entered = job.facts.state_since.find("RUNNING");
  const bool told = job.job.change == job.changes && entered != job.facts.state_since.end();
  const TimestampMs run_start = told ? entered->second : job.summary.last_modification;
  return before && run_start <= *before ? before
                                        : std::max(run_start, job.summary.last_modification);
}

/// The overview is always there, the job's own page only as often as the budget allows. While that
/// is older than the overview, the present state is no older than the last change: a job that
/// restarts again and again has not been restarting since the page was read.
void overlay(const JobSummary& summary, bool page_is_old, JobFacts& facts) {
  const auto entered = facts.state_since.find(summary.state);
  if (page_is_old && entered != facts.state_since.end()) {
    entered->second = std::max(entered->second, summary.last_modification);
  }
  facts.id = summary.id;
  facts.name = summary.name;
  facts.state = summary.state;
  facts.start = summary.start;
  facts.end = summary.end;
}

bool reads_below_the_vertex(const rest::Wanted& wanted) {
  const auto catalogue = metric_catalogue();
  return std::any_of(catalogue.begin(), catalogue.end(), [&](const MetricInfo& about) {
    return wanted.contains(about.metric) && rest::is_vertex_metric(about);
  });
}

bool tells_more(const Error& candidate, const std::optional<Error>& other) {
  return !other || (candidate.code == ErrorCode::leader_election &&
                    other->code != ErrorCode::leader_election);
}

}  // namespace

RestSource::RestSource(RestSourceConfig config, Http& http, EntityTable& entities,
                       const Limits& limits, Clock clock, Emit emit)
    : config_(std::move(config)),
      entities_(entities),
      limits_(limits),
      clock_(std::move(clock)),
      emit_(std::move(emit)),
      connection_(
          http, limits, config_.candidates,
          config_.one_shot ? rest::Connection::Spree::one_shot : rest::Connection::Spree::none,
          clock_),
      wanted_(config_.metrics),
      vertex_metrics_wanted_(reads_below_the_vertex(wanted_)),
      batch_(config_.source, limits.series_per_source_max) {
  health_.id = config_.source;
  health_.kind = SourceKind::rest;
  health_.address = config_.candidates.empty() ? config_.name : connection_.endpoint().address();
  known_.facts.name = config_.name;
}

void RestSource::set_reporters_present(bool job_manager, bool task_managers) {
  job_manager_reporter_ = job_manager;
  task_manager_reporters_ = task_managers;
}

void RestSource::set_job_manager(Result<Endpoint> found) {
  not_found_.reset();
  if (!found.ok()) {
    connection_.set_candidates({});
    not_found_ = found.error();
  } else if (connection_.candidates() != 1 || connection_.endpoint().url() != found->url()) {
    forget_job_manager();
    connection_.set_candidates({*std::move(found)});
  }
}

boost::asio::awaitable<void> RestSource::poll() {
  if (connection_.candidates() == 0) {
    report_down(not_found_.value_or(Error{ErrorCode::gone, "no JobManager is known yet"}));
    co_return;
  }
  ++round_;
  connection_.begin_round();
  batch_.begin_round();
  trouble_.reset();
  calls_failed_ = 0;
  const Result<std::vector<JobSummary>> jobs = co_await overview();
  if (connection_.cancelled()) co_return;
  if (!jobs.ok()) {
    report_down(jobs.error());
    co_return;
  }
  absorb_overview(*jobs);
  connection_.begin_details();
  co_await run_errands();
  if (connection_.cancelled()) co_return;
  publish();
}

boost::asio::awaitable<std::vector<JobSummary>> RestSource::listed_jobs() {
  connection_.begin_round();
  if (connection_.candidates() == 0) co_return std::vector<JobSummary>{};
  Result<std::vector<JobSummary>> jobs = co_await overview();
  if (!jobs.ok()) co_return std::vector<JobSummary>{};
  co_return *std::move(jobs);
}

// --- the overview, from whichever address answers

boost::asio::awaitable<Result<std::vector<JobSummary>>> RestSource::overview() {
  std::optional<Error> failure;
  for (std::size_t i = 0; i < connection_.candidates(); ++i) {
    if (failure && !connection_.has_time()) break;  // the next poll goes on from here
    Status known = co_await identify();
    if (connection_.cancelled()) break;
    if (known.ok()) {
      Result<std::string> body = co_await get("/jobs/overview");
      if (connection_.cancelled()) break;
      if (body.ok()) {
        Result<std::vector<JobSummary>> jobs = rest::parse_jobs_overview(*body, limits_);
        if (jobs.ok()) co_return jobs;
        known = jobs.error();
      } else {
        known = body.error();
      }
    }
    const Error& error = known.error();
    ++health_.errors[error.code];
    if (tells_more(error, failure)) failure = error;
    forget_job_manager();
    connection_.next_candidate();
  }
  if (failure && failure->code == ErrorCode::gone) failure->code = ErrorCode::http_status;
  co_return failure.value_or(Error{ErrorCode::cancelled, "stopping"});
}

/// Proves that it is Flink, and which; again every minute, since another program may have taken the
/// address. Once proven, only an answer that is not Flink's disproves it.
boost::asio::awaitable<Status> RestSource::identify() {
  const TimestampMs now = clock_();
  if (identified_at_ && now - *identified_at_ < kIdentifyEveryMs) co_return Done{};
  Error failure;
  for (const char* target : {"/config", "/overview"}) {
    const Result<std::string> body = co_await get(target);
    if (connection_.cancelled()) co_return Error{ErrorCode::cancelled, "stopping"};
    if (body.ok()) {
      Result<FlinkVersion> version = rest::parse_version(*body);
      if (version.ok()) {
        if (!identified_at_) connected_at_ = now;
        identified_at_ = now;
        // Major 0: Flink itself does not know.
        if (version->major > 0) known_.facts.version = *std::move(version);
        co_return Done{};
      }
      failure = version.error();
    } else {
      failure = body.error();
    }
    const bool may_lack_page =
        failure.code == ErrorCode::not_flink || failure.code == ErrorCode::gone;
    if (!may_lack_page) break;
  }
  if (!identified_at_ || failure.code == ErrorCode::not_flink) co_return failure;
  note(failure);
  co_return Done{};
}

/// What belongs to one JobManager process is asked for anew after it was away.
void RestSource::forget_job_manager() {
  identified_at_.reset();
  known_.configuration = {};
  known_.jvm_options = {};
  known_.task_managers = {};
  known_.job_manager = {};
}

void RestSource::absorb_overview(const std::vector<JobSummary>& jobs) {
  std::map<std::string, rest::KnownJob> listed;
  for (const JobSummary& summary : jobs) {
    auto node = known_.jobs.extract(summary.id);
    rest::KnownJob& job =
        node.empty() ? listed[summary.id] : listed.insert(std::move(node)).position->second;
    const JobSummary& old = job.summary;
    const bool changed = job.changes == 0 || old.state != summary.state ||
                         old.last_modification != summary.last_modification ||
                         old.start != summary.start;
    if (job.changes != 0 && old.start != summary.start) {
      job.config = {};  // another JobMaster runs it
      job.checkpoint_config = {};
    }
    job.summary = summary;
    job.note_change(changed);
    if (changed) {
      ++job.changes;
      job.changed_round = round_;
    }
  }
  known_.jobs = std::move(listed);
  known_.facts.jobs = jobs;
  known_.facts.jobs_known = true;
  known_.facts.url = connection_.endpoint().url();
}

// --- details

boost::asio::awaitable<void> RestSource::run_errands() {
  // An answer may bring new errands: a job its vertices, a list of metric ids the metrics.
  for (;;) {
    const std::vector<Errand> errands = rest::agenda(known_, rules(), kErrandsMax);
    if (errands.empty()) co_return;
    for (const Errand& errand : errands) {
      if (!has_budget(errand)) co_return;  // postponed: the next poll begins with them
      if (errand.urgency == Errand::Urgency::ahead && !connection_.has_plenty()) co_return;
      if (!connection_.has_time()) {
        note({ErrorCode::timeout, "details were slow; the poll ran out of time"});
        co_return;
      }
      const bool leaderless = trouble_ && trouble_->code == ErrorCode::leader_election;
      if (leaderless || calls_failed_ >= kCallsFailedMax) co_return;
      co_await run(errand);
      if (connection_.cancelled()) co_return;
    }
  }
}

bool RestSource::has_budget(const Errand& errand) {
  const bool urgent = errand.urgency == Errand::Urgency::fault;
  return connection_.has_budget(bodies_.expected(errand.ask, parts_of(errand)), urgent);
}

rest::AgendaRules RestSource::rules() {
  rest::AgendaRules rules;
  rules.round = round_;
  rules.now = clock_();
  rules.one_shot = config_.one_shot;
  rules.job_manager_reporter = job_manager_reporter_;
  rules.task_manager_reporters = task_manager_reporters_;
  rules.calls_per_minute = limits_.rest_calls_per_minute_max;
  rules.bytes_per_minute = limits_.rest_bytes_per_minute_max;
  rules.plenty = connection_.has_plenty();
  rules.vertex_metrics_wanted = vertex_metrics_wanted_;
  return rules;
}

// --- what comes out

void RestSource::publish() {
  const TimestampMs now = clock_();
  publish_changes(now);
  emit(std::make_shared<const ClusterFacts>(known_.facts));
  publish_jobs();
  std::optional<Batch> batch = batch_.finish(now, entities_);
  health_.samples_kept = batch ? batch->values.size() : 0;
  health_.series_unseen = batch_.dropped() - health_.series_dropped;
  health_.series_dropped = batch_.dropped();
  if (const DurationMs still_ms = batch_.still_ms(now); still_ms > kStillMaxMs) {
    note({ErrorCode::timeout,
          "the JobManager has fetched no metrics for " + std::to_string(still_ms / kSecondMs) +
              " s, so those that REST shows are old: a TaskManager that hangs holds back all"});
  }
  if (batch) emit(*std::move(batch));

  if (!health_.up) health_.since = now;
  health_.up = true;
  health_.ever_up = true;
  health_.address = connection_.endpoint().address();
  health_.last_success = now;
  health_.last_error = trouble_;
  health_.pace_ms = pace_ms();
  health_.process_pace_ms = process_pace_ms();
  emit(health_);
}

DurationMs RestSource::pace_ms() const {
  DurationMs slowest = 0;
  if (task_manager_reporters_) return slowest;
  for (const auto& [id, job] : known_.jobs) {
    if (job.ended()) continue;
    for (const auto& [vertex_id, vertex] : job.vertices) {
      if (!vertex.queries.empty()) slowest = std::max(slowest, vertex.pace.ms());
    }
  }
  return std::min(slowest, kPaceMaxMs);
}

/// Also what is to be expected, since the second turn of a process tells how slow the first was.
DurationMs RestSource::process_pace_ms() {
  DurationMs slowest = rest::Shares(known_, rules()).age_min_of_values();
  if (!job_manager_reporter_) slowest = std::max(slowest, known_.job_manager.pace.ms());
  if (!task_manager_reporters_) {
    for (const auto& [id, process] : known_.processes) {
      slowest = std::max(slowest, process.pace.ms());
    }
  }
  return std::min(slowest, kProcessPaceMaxMs);
}

void RestSource::publish_changes(TimestampMs now) {
  std::vector<Event> events;
  if (jobs_before_) {
    const bool complete = known_.facts.jobs.size() < limits_.jobs_max;
    events = rest::job_changes(*jobs_before_, known_.facts.jobs, config_.source, now, complete);
  }
  jobs_before_ = known_.facts.jobs;
  if (std::exchange(task_managers_read_, false)) {
    std::vector<TaskManagerFacts> managers = known_.facts.task_managers;
    if (task_managers_before_) {
      const bool keep_missing =
          now - connected_at_ < kRegistrationMs || managers.size() >= limits_.task_managers_max;
      std::vector<Event> more = rest::task_manager_changes(*task_managers_before_, managers,
                                                           config_.source, now, keep_missing);
      std::move(more.begin(), more.end(), std::back_inserter(events));
    }
    task_managers_before_ = std::move(managers);
  }
  for (Event& event : events) emit(std::move(event));
}

void RestSource::publish_jobs() {
  for (auto& [id, job] : known_.jobs) {
    if (job.gone_round == round_) continue;
    overlay(job.summary, job.job.change != job.changes, job.facts);
    job.facts.all_tasks_running_since = running_since(job);
    if (job.published && *job.published == job.facts) continue;
    job.published = std::make_shared<const JobFacts>(job.facts);
    emit(job.published);
  }
}

void RestSource::report_down(const Error& error) {
  if (health_.up || health_.since == 0) health_.since = clock_();
  health_.up = false;
  health_.last_error = error;
  health_.samples_kept = 0;
  emit(health_);
}

void RestSource::note(const Error& error) {
  ++health_.errors[error.code];
  if (!trouble_) trouble_ = error;
}

void RestSource::emit(decltype(StreamItem::what) what) {
  emit_({config_.cluster, clock_(), std::move(what)});
}

}  // namespace doctor
