#include "agent/incidents/incidents.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace doctor {
namespace {

constexpr DurationMs kResolvedKeptMs = 15 * kMinuteMs;
// What cannot be judged is not resolved, but not believed for ever either.
constexpr DurationMs kUnjudgedKeptMs = 30 * kMinuteMs;

enum class Reach {
  job,      // both are about one job
  vertex,   // and about one vertex of it
  process,  // the cause is about a process that runs the job
};
struct Causation {
  std::string_view cause, effect;
  Reach reach{Reach::job};
};
// Known chains within one job: the effect's finding stays, but points to its cause. Backpressure is
// told long before skew and slowness can be, and names its vertex' hot subtask.
constexpr std::array<Causation, 13> kCausations{{{"restart_loop", "checkpoint_absent"},
                                                 {"job_down", "restart_loop"},
                                                 {"job_down", "checkpoint_absent"},
                                                 {"backpressure", "checkpoint_absent"},
                                                 {"backpressure", "checkpoint_slow"},
                                                 {"backpressure", "checkpoint_failing"},
                                                 {"checkpoint_size_outlier", "checkpoint_slow"},
                                                 {"watermark_stalled", "state_growth"},
                                                 {"backpressure", "data_skew", Reach::vertex},
                                                 {"backpressure", "slow_instance", Reach::vertex},
                                                 {"slow_instance", "backpressure", Reach::process},
                                                 {"metaspace_leak", "restart_loop"},
                                                 {"native_overrun", "restart_loop"}}};
// What jobs leave behind: the same ones run on all TaskManagers.
constexpr std::array<std::string_view, 3> kLeaks{"metaspace_leak", "heap_leak", "native_leak"};

bool is_leak_of_task_manager(const Finding& finding) {
  return finding.subject.process == "taskmanager" &&
         std::find(kLeaks.begin(), kLeaks.end(), finding.detector) != kLeaks.end();
}

bool same_job(const Subject& a, const Subject& b) {
  return a.cluster == b.cluster && a.namespace_ == b.namespace_ && !b.job_name.empty() &&
         a.job_name == b.job_name;
}

bool reaches(const Causation& chain, const Subject& cause, const Subject& effect) {
  if (!same_job(cause, effect)) return false;
  if (chain.reach == Reach::vertex) return !cause.vertex.empty() && cause.vertex == effect.vertex;
  return chain.reach == Reach::job || (cause.vertex.empty() && !cause.process.empty());
}

std::string group_of(const Subject& subject) {
  std::string group = subject.cluster;
  if (!subject.namespace_.empty()) group += "/" + subject.namespace_;
  if (!subject.job_name.empty()) return group + "/job/" + subject.job_name;
  if (!subject.host.empty()) return group + "/host/" + subject.host;
  return subject.process.empty() ? group : group + "/" + subject.process;
}

bool is_unjudged(const Verdict& verdict, const Subject& subject) {
  if (verdict.state == DetectorState::blind || verdict.state == DetectorState::learning)
    return true;
  return std::any_of(verdict.unjudged.begin(), verdict.unjudged.end(),
                     [&](const std::string& name) {
                       return name == subject.job_name || name == subject.host ||
                              name == subject.process || name == subject.task_manager;
                     });
}

}  // namespace

void Incidents::update(const Detector& detector, const std::string& cluster, const Verdict& verdict,
                       TimestampMs now, bool one_shot) {
  std::set<std::string> seen;
  std::size_t taken = 0;
  for (const Finding& finding : verdict.findings) {
    const std::string id = finding.id();
    if (!seen.insert(id).second) continue;
    const bool known = incidents_.contains(id);
    if (!known &&
        (incidents_.size() >= limits_.findings_max || taken >= limits_.findings_per_detector_max)) {
      ++dropped_;
      continue;
    }
    ++taken;
    is_true(detector, incidents_[id], finding, now, one_shot);
  }
  for (auto& [id, incident] : incidents_) {
    const Finding& finding = incident.reported.finding;
    if (finding.detector != detector.name || finding.subject.cluster != cluster) continue;
    if (seen.contains(id)) continue;
    if (is_unjudged(verdict, finding.subject) && now - incident.last_judged < kUnjudgedKeptMs) {
      continue;
    }
    is_absent(detector, incident, now);
  }
  std::erase_if(incidents_, [&](const auto& entry) {
    const Incident& incident = entry.second;
    return incident.reported.finding.detector == detector.name &&
           incident.reported.state == FindingState::pending && incident.last_true != now &&
           now - incident.last_judged >= detector.clear_ms;
  });
}

void Incidents::is_true(const Detector& detector, Incident& incident, const Finding& finding,
                        TimestampMs now, bool one_shot) {
  ReportedFinding& reported = incident.reported;
  const bool fresh = reported.since == 0 || reported.state == FindingState::resolved;
  if (fresh) {
    reported.since = now;
    reported.state = FindingState::pending;
    reported.resolved_at.reset();
    incident.peak_at = now;
  }
  const Severity before = reported.finding.severity;
  const Confidence confidence_before = reported.finding.confidence;
  reported.finding = finding;
  reported.incident = group_of(finding.subject);
  const bool lower = !fresh && finding.severity < before;
  if (lower && now - incident.peak_at < detector.clear_ms) {
    // A severity falls only after it has stayed lower, so that alerts do not flap between two.
    reported.finding.severity = before;
    reported.finding.confidence = confidence_before;
  } else {
    incident.peak_at = now;
  }
  incident.last_true = incident.last_judged = now;
  const bool fired = reported.state == FindingState::firing;
  if (one_shot || now - reported.since >= detector.hold_ms) reported.state = FindingState::firing;
  const bool fires = reported.state == FindingState::firing;
  if (fires && (!fired || reported.finding.severity != before)) ++transitions_;
}

void Incidents::is_absent(const Detector& detector, Incident& incident, TimestampMs now) {
  incident.last_judged = now;
  if (incident.reported.state != FindingState::firing) return;
  if (now - incident.last_true < detector.clear_ms) return;
  incident.reported.state = FindingState::resolved;
  ++transitions_;
  incident.reported.resolved_at = now;
}

void Incidents::explain() {
  for (auto& [id, effect] : incidents_) {
    Finding& finding = effect.reported.finding;
    finding.explained_by.clear();
    for (const Causation& chain : kCausations) {
      if (finding.detector != chain.effect) continue;
      for (const auto& [cause_id, cause] : incidents_) {
        const Finding& candidate = cause.reported.finding;
        if (candidate.detector == chain.cause && cause.reported.state == FindingState::firing &&
            reaches(chain, candidate.subject, finding.subject)) {
          finding.explained_by = cause_id;
        }
      }
    }
  }
  explain_twins();
}

/// What is sure of a TaskManager is told of it, whatever else is; what is suspected points to the
/// first of which anybody was told.
void Incidents::explain_twins() {
  using LeakKind = std::tuple<std::string_view, std::string_view, std::string_view>;
  const auto kind_of = [](const Finding& finding) {
    return LeakKind(finding.detector, finding.subject.cluster, finding.subject.namespace_);
  };
  std::map<LeakKind, std::pair<const std::string*, const ReportedFinding*>> first;
  for (const auto& [id, incident] : incidents_) {
    const ReportedFinding& told = incident.reported;
    if (told.state != FindingState::firing || told.finding.severity == Severity::info ||
        !is_leak_of_task_manager(told.finding)) {
      continue;
    }
    auto& [first_id, earliest] = first[kind_of(told.finding)];
    if (earliest != nullptr && earliest->since <= told.since) continue;
    first_id = &id;
    earliest = &told;
  }
  for (auto& [id, incident] : incidents_) {
    Finding& finding = incident.reported.finding;
    if (finding.confidence != Confidence::suspected || !is_leak_of_task_manager(finding)) continue;
    const auto found = first.find(kind_of(finding));
    if (found == first.end()) continue;
    const auto& [first_id, earliest] = found->second;
    if (*first_id == id || earliest->since > incident.reported.since ||
        earliest->finding.severity < finding.severity) {
      continue;
    }
    finding.explained_by = *first_id;
  }
}

void Incidents::expire(TimestampMs now) {
  std::erase_if(incidents_, [&](const auto& entry) {
    const ReportedFinding& reported = entry.second.reported;
    return reported.resolved_at && now - *reported.resolved_at > kResolvedKeptMs;
  });
}

std::vector<ReportedFinding> Incidents::report() const {
  std::vector<ReportedFinding> all;
  all.reserve(incidents_.size());
  for (const auto& [id, incident] : incidents_) all.push_back(incident.reported);
  return all;
}

void Incidents::restore(ReportedFinding finding, TimestampMs now) {
  Incident incident;
  incident.reported = std::move(finding);
  incident.last_true = incident.last_judged = incident.peak_at = now;
  incidents_.insert_or_assign(incident.reported.finding.id(), std::move(incident));
}

}  // namespace doctor
