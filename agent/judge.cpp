#include "agent/judge.hpp"

#include <algorithm>
#include <utility>

#include "agent/history/image.hpp"
#include "detectors/advice.hpp"

namespace doctor {
namespace {

// A JobManager that does not answer at all for this long is gone rather than restarting; the same
// grace as job_down's (a restart without HA was seen to take 25 s, a failover 65 s).
constexpr DurationMs kGoneAfterMs = 3 * kMinuteMs;
constexpr DurationMs kForgetAfterMs = kHourMs;
constexpr std::size_t kVanishedMax = 200;
/// Detectors that look this often are cheap, and what they watch for is urgent: what a poll of REST
/// has just told they judge at once.
bool is_prompt(const Detector& detector) { return detector.cadence_ms <= 5 * kSecondMs; }

/// Log files are read, not asked: no detector depends on them, and so they say nothing about how
/// much of the cluster is seen.
bool is_asked(const SourceHealth& source) { return source.kind != SourceKind::logs; }

/// To detectors: how often it was asked, and what that took, they do not see.
bool looks_alike(const SourceHealth& a, const SourceHealth& b) {
  return a.kind == b.kind && a.process == b.process && a.up == b.up && a.since == b.since &&
         a.retired == b.retired && a.role == b.role && a.pace_ms == b.pace_ms &&
         a.process_pace_ms == b.process_pace_ms;
}

/// What a store told says nothing about how long we have watched.
bool is_past(const StreamItem& item) {
  const auto* batch = std::get_if<Batch>(&item.what);
  const auto* event = std::get_if<Event>(&item.what);
  return (batch != nullptr && is_history(batch->source)) ||
         (event != nullptr && is_history(event->source));
}

/// Of a cluster whose Flink is not asked nothing but its name is known.
ClusterFactsPtr name_alone(const std::string& name) {
  auto facts = std::make_shared<ClusterFacts>();
  facts->name = name;
  return facts;
}

bool answers(ClusterStatus status) {
  return status == ClusterStatus::ok || status == ClusterStatus::partial;
}

bool means_gone(ErrorCode reason) {
  return reason == ErrorCode::refused || reason == ErrorCode::reset ||
         reason == ErrorCode::name_resolution;
}

}  // namespace

Judge::Judge(JudgeConfig config, std::span<const Detector* const> detectors,
             const FeaturePlan& plan, const Limits& limits, std::shared_ptr<SeriesBudget> budget)
    : config_(std::move(config)),
      entities_(limits.entities_per_cluster_max),
      features_(plan, entities_, limits, std::move(budget)),
      incidents_(limits) {
  if (config_.metrics_alone) facts_ = name_alone(config_.cluster);
  for (const Detector* detector : detectors) {
    const auto& off = config_.disabled_detectors;
    if (std::find(off.begin(), off.end(), detector->name) == off.end()) {
      const auto set = config_.detector_params.find(std::string(detector->name));
      const auto* overrides = set == config_.detector_params.end() ? nullptr : &set->second;
      seats_.push_back({detector, Params(detector->params, overrides)});
    }
  }
}

bool Judge::has_judged() const {
  return std::any_of(seats_.begin(), seats_.end(),
                     [](const Seat& seat) { return seat.report.has_value(); });
}

void Judge::absorb(const StreamItem& item) {
  const bool past = is_past(item);
  has_past_ = has_past_ || past;
  if (watched_since_ == 0 && !past) watched_since_ = item.at;
  if (const auto* tick = std::get_if<Tick>(&item.what)) return judge(tick->at);
  if (take(item)) ++told_;
}

bool Judge::take(const StreamItem& item) {
  if (const auto* batch = std::get_if<Batch>(&item.what)) {
    features_.absorb(*batch);
  } else if (const auto* cluster = std::get_if<ClusterFactsPtr>(&item.what)) {
    return absorb_cluster(*cluster, item.at);
  } else if (const auto* job = std::get_if<JobFactsPtr>(&item.what)) {
    absorb_job(*job, item.at);
  } else if (const auto* source = std::get_if<SourceHealth>(&item.what)) {
    return absorb_source(*source, item.at);
  } else if (const auto* pods = std::get_if<KubernetesFactsPtr>(&item.what)) {
    absorb_pods(*pods);
  } else if (const auto* event = std::get_if<Event>(&item.what)) {
    if (event->kind != EventKind::job_submitted) return false;
    features_.submitted(event->at);
  } else if (const auto* log = std::get_if<LogEvent>(&item.what)) {
    logs_.absorb(*log);
  }
  return true;
}

void Judge::judge(TimestampMs now) {
  // That is no outage.
  const bool none_asked = std::none_of(sources_.begin(), sources_.end(), is_asked);
  const bool news = std::exchange(news_, false);
  if (none_asked && !config_.metrics_alone) return;
  if (watched_since_ == 0) watched_since_ = now;
  update_status(now);
  if (std::exchange(listed_at_, told_) != told_) {
    listed_.clear();
    for (const auto& [id, job] : jobs_) listed_.push_back(job);
  }
  std::optional<Window> seen;  // of many a moment none is wanted
  bool judged = false;
  for (Seat& seat : seats_) {
    if (!is_due(seat, now, news)) continue;
    seat.judged_at = now;
    judged = true;
    if (stands(seat, now)) {
      incidents_.update(*seat.detector, config_.cluster, seat.verdict, now, config_.one_shot);
      continue;
    }
    if (!seen) seen = window(now);
    judge_one(seat, *seen);
  }
  if (judged) incidents_.explain();
  incidents_.expire(now);
  forget(now);
}

bool Judge::is_due(const Seat& seat, TimestampMs now, bool news) const {
  return seat.judged_at == 0 || now - seat.judged_at >= seat.detector->cadence_ms ||
         (news && (seat.near || is_prompt(*seat.detector))) || config_.one_shot;
}

/// Whether it would say again what it said last.
bool Judge::stands(const Seat& seat, TimestampMs now) const {
  return seat.told == told_ && now <= seat.same_until && !config_.one_shot;
}

Verdict Judge::verdict_of(const Seat& seat, const Window& seen) const {
  const Detector& detector = *seat.detector;
  const Params& params = seat.params;
  if (!answers(status_) && !detector.judges_outage) {
    return Verdict::blind("the cluster does not answer (" + std::string(to_string(status_)) + ")");
  }
  const bool by_metrics = judges_metrics_alone(detector);
  if (config_.metrics_alone && !by_metrics) {
    return Verdict::blind(
        "metrics alone do not tell: it needs what Flink's REST interface says of jobs, their graph "
        "and the configuration");
  }
  if (!seen.one_shot || !has_past_ || !by_metrics) return detector.detect(seen, params);
  // One look, and a store that knew the past: what that shows, else what Flink itself remembers.
  Window watched = seen;
  watched.one_shot = false;
  Verdict verdict = detector.detect(watched, params);
  if (!verdict.findings.empty()) return verdict;
  Verdict at_once = detector.detect(seen, params);
  return at_once.findings.empty() ? verdict : at_once;
}

void Judge::judge_one(Seat& seat, Window& seen) {
  const Detector& detector = *seat.detector;
  TimestampMs fresh_until = kForEver;
  seen.fresh_until = &fresh_until;
  Verdict verdict = verdict_of(seat, seen);
  seen.fresh_until = nullptr;
  seat.near = verdict.near;
  seat.told = told_;
  seat.same_until = std::min(verdict.same_until, fresh_until);
  if (config_.metrics_alone) {
    for (Finding& finding : verdict.findings) {
      for (Remedy& remedy : finding.remedy) {
        if (!remedy.option.empty()) remedy.current = "not known without the configuration";
      }
    }
  }
  incidents_.update(detector, config_.cluster, verdict, seen.now, config_.one_shot);
  seat.report = {std::string(detector.name), verdict.state, std::move(verdict.why),
                 lines_not_set(facts_.get(), std::move(verdict.enable))};
  seat.verdict = seat.same_until > seen.now ? std::move(verdict) : Verdict{};
}

Window Judge::window(TimestampMs now) const {
  Window seen;
  seen.now = now;
  seen.one_shot = config_.one_shot;
  seen.status = status_;
  seen.status_since = status_since_;
  seen.watched_since = watched_since_;
  seen.cluster = facts_.get();
  seen.task_manager_past = &task_manager_past_;
  seen.namespace_ = config_.namespace_;
  seen.expected_jobs = config_.expected_jobs;
  seen.entities = &entities_;
  seen.features = &features_;
  seen.jobs = listed_;
  seen.vanished = vanished_;
  seen.ended = ended_;
  seen.sources = sources_;
  for (const SourceHealth& source : sources_) {
    seen.pace_ms = std::max(seen.pace_ms, source.pace_ms);
    seen.process_pace_ms = std::max(seen.process_pace_ms, source.process_pace_ms);
  }
  seen.logs = logs_.all();
  seen.kubernetes = kubernetes_;
  return seen;
}

bool Judge::absorb_cluster(const ClusterFactsPtr& facts, TimestampMs at) {
  const bool same = facts_ && *facts_ == *facts;  // most polls tell what the one before told
  if (!same && facts_ && facts->jobs_known) remember_vanished(*facts_, *facts, at);
  static const ClusterFacts kNothing;
  if (!same) task_manager_past_.learn(facts_ ? *facts_ : kNothing, *facts);
  facts_ = facts;
  facts_at_ = at;
  if (!facts->jobs_known) return !same;
  const std::size_t gone = std::erase_if(jobs_, [&](const auto& entry) {
    return std::none_of(facts->jobs.begin(), facts->jobs.end(),
                        [&](const JobSummary& job) { return job.id == entry.first; });
  });
  return !same || gone > 0;
}

void Judge::absorb_job(const JobFactsPtr& job, TimestampMs at) {
  features_.absorb(*job, at);
  const bool is_new = !jobs_.contains(job->id);
  jobs_[job->id] = job;
  if (!is_new || job->is_terminal()) return;
  if (const std::string before = predecessor_of(*job); !before.empty()) {
    features_.inherit(before, job->id);
  }
}

/// The id of the run before this one, which was submitted anew: of the last that ended under the
/// same name. Empty when there is none, and when several of that name run at once.
std::string Judge::predecessor_of(const JobFacts& job) const {
  std::string id;
  TimestampMs newest = 0;
  const auto consider = [&](const std::string& other, TimestampMs start) {
    if (start < newest || start > job.start) return;
    newest = start;
    id = other;
  };
  for (const std::vector<LastSeenJob>* gone : {&ended_, &vanished_}) {
    for (const LastSeenJob& other : *gone) {
      if (other.name == job.name && other.id != job.id) consider(other.id, other.start);
    }
  }
  if (!facts_) return id;
  for (const JobSummary& other : facts_->jobs) {
    if (other.name != job.name || other.id == job.id) continue;
    if (!is_terminal_state(other.state)) return "";
    consider(other.id, other.start);
  }
  return id;
}

void Judge::remember_vanished(const ClusterFacts& before, const ClusterFacts& after,
                              TimestampMs at) {
  const auto lists = [&](const std::string& id) {
    return std::any_of(after.jobs.begin(), after.jobs.end(),
                       [&](const JobSummary& job) { return job.id == id; });
  };
  std::erase_if(vanished_, [&](const LastSeenJob& job) { return lists(job.id); });
  for (const JobSummary& job : before.jobs) {
    if (lists(job.id)) continue;
    const bool as_it_should = job.state == "FINISHED" || job.state == "CANCELED";
    std::vector<LastSeenJob>& into = as_it_should ? ended_ : vanished_;
    if (into.size() >= kVanishedMax) into.erase(into.begin());
    const TimestampMs seen_at = facts_at_ == 0 ? at : facts_at_;
    into.push_back({job.id, job.name, job.state,
                    as_it_should ? job.end.value_or(job.last_modification) : seen_at, job.start});
  }
}

bool Judge::absorb_source(const SourceHealth& health, TimestampMs at) {
  const auto known = std::find_if(sources_.begin(), sources_.end(),
                                  [&](const SourceHealth& s) { return s.id == health.id; });
  const bool same = known != sources_.end() && looks_alike(*known, health);
  if (health.retired) {
    if (known != sources_.end()) sources_.erase(known);
  } else if (known == sources_.end()) {
    sources_.push_back(health);
  } else {
    *known = health;
  }
  const bool waits =
      std::any_of(seats_.begin(), seats_.end(), [](const Seat& s) { return s.near; });
  news_ = news_ || (!health.retired && (health.kind == SourceKind::rest || waits));
  update_status(at);
  return !same;
}

void Judge::absorb_pods(const KubernetesFactsPtr& facts) {
  const auto known =
      std::find_if(kubernetes_.begin(), kubernetes_.end(),
                   [&](const KubernetesFactsPtr& other) { return other->source == facts->source; });
  if (known == kubernetes_.end()) {
    kubernetes_.push_back(facts);
  } else {
    *known = facts;
  }
}

void Judge::update_status(TimestampMs now) {
  const auto rest = std::find_if(sources_.begin(), sources_.end(), [](const SourceHealth& source) {
    return source.kind == SourceKind::rest;
  });
  ClusterStatus status = ClusterStatus::unreachable;
  TimestampMs since = now;
  if (config_.metrics_alone) {
    status = ClusterStatus::partial;
  } else if (rest != sources_.end() && rest->up) {
    const bool all_well =
        std::all_of(sources_.begin(), sources_.end(), [](const SourceHealth& source) {
          return !is_asked(source) || (source.up && !source.last_error);
        });
    status = all_well ? ClusterStatus::ok : ClusterStatus::partial;
  } else if (rest != sources_.end() && rest->last_error) {
    since = rest->since;
    const ErrorCode reason = rest->last_error->code;
    if (reason == ErrorCode::leader_election) {
      status = ClusterStatus::leader_election;
    } else if (rest->ever_up && means_gone(reason) && now - since > kGoneAfterMs) {
      status = ClusterStatus::gone;
    }
  }
  if (status_since_ == 0 || answers(status) != answers(status_)) {
    status_since_ = since;
    // What looks once an hour would go on saying for so long that nobody answers, or that all is
    // well.
    for (Seat& seat : seats_) seat.judged_at = 0;
  }
  if (std::exchange(status_, status) != status) ++told_;
}

void Judge::forget(TimestampMs now) {
  const bool jobs_known = facts_ && (facts_->jobs_known || config_.metrics_alone);
  if (now - forgot_at_ < kForgetAfterMs / 12 || !jobs_known) return;
  forgot_at_ = now;
  std::vector<JobSummary> jobs = facts_->jobs;
  // A store's slice speaks of jobs of which nothing has been told yet: none is forgotten.
  if (config_.metrics_alone) {
    for (const EntityId job : entities_.children(kClusterEntity, Level::job)) {
      jobs.emplace_back().id = entities_.name(job);
    }
  }
  features_.forget(now - kForgetAfterMs, jobs);
  ++told_;
}

Status Judge::restore(const std::string& features_image, TimestampMs now) {
  ++told_;
  return restore_features(features_image, features_, now);
}

ClusterView Judge::view() const {
  ClusterView view;
  view.name = config_.cluster;
  // Of several JobManagers the one that answered last.
  view.url = facts_ && !facts_->url.empty() ? facts_->url : config_.url;
  view.namespace_ = config_.namespace_;
  if (facts_) view.version = facts_->version;
  view.status = status_;
  view.status_since = status_since_;
  for (const Seat& seat : seats_) {
    if (seat.report) view.detectors.push_back(*seat.report);
  }
  view.sources = sources_;
  view.logs.assign(logs_.all().begin(), logs_.all().end());
  view.kubernetes = kubernetes_;
  view.facts = facts_;
  for (const auto& [id, job] : jobs_) view.jobs.push_back(job);
  view.own_limit = features_.own_limit();
  view.shared_limit = features_.shared_limit();
  return view;
}

ClusterView& show(const Judge& judge, View& view) {
  for (ReportedFinding& finding : judge.incidents().report()) {
    finding.labels = judge.config().labels;
    view.findings.push_back(std::move(finding));
  }
  return view.clusters.emplace_back(judge.view());
}

}  // namespace doctor
