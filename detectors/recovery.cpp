#include "detectors/recovery.hpp"

#include <algorithm>
#include <cmath>

#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

std::optional<DurationMs> since_restart(const Window& window, const JobFacts& job) {
  const auto restarting = job.state_since.find("RESTARTING");
  const bool restarted = restarting != job.state_since.end() && restarting->second > 0;
  if (!restarted && !job.restored_at) return std::nullopt;
  return window.now - std::max(running_since(job), job.restored_at.value_or(0));
}

}  // namespace

Recovery recovery_of(const Window& window, const JobFacts& job, const Params& params) {
  Recovery recovery;
  recovery.since = since_restart(window, job);
  if (!window.one_shot) recovery.backlog = backlog_of(window, job);
  if (!recovery.since) return recovery;
  const auto since = static_cast<double>(*recovery.since);
  const bool drains = recovery.backlog && recovery.backlog->drains;
  recovery.forgives = since < params["catch_up_ms"] ||
                      (drains && since + *recovery.backlog->left_ms <= params["drain_max_ms"]);
  return recovery;
}

Evidence backlog_evidence(const Backlog& backlog) {
  Evidence evidence = said(std::string(info(backlog.metric).name),
                           format_number(backlog.records, 0) + " records wait before its sources");
  evidence.from = backlog.from;
  evidence.to = backlog.to;
  evidence.value = backlog.records;
  evidence.unit = "count";
  const std::string rate = format_number(std::abs(backlog.per_ms) * kSecondMs, 2) + " a second";
  if (!backlog.drains) {
    evidence.sentence += backlog.per_ms > 0 ? ", and by " + rate + " more: it does not keep up"
                                            : "; they do not become fewer beyond doubt";
  } else if (*backlog.left_ms > 0) {
    evidence.sentence += ", by " + rate + " fewer: it catches up, and will have within " +
                         format_duration_ms(*backlog.left_ms);
  }
  return evidence;
}

void soften(const Recovery& recovery, Finding& finding) {
  finding.severity = Severity::info;
  finding.confidence = Confidence::suspected;
  const std::string runs =
      "the job runs again for " + format_duration_ms(static_cast<double>(*recovery.since));
  finding.evidence.push_back(
      said("restart", recovery.backlog && recovery.backlog->drains
                          ? runs + " and reads what it left behind: advice, as long as that drains"
                          : runs + ": it may be catching up, which looks the same, so it is advice "
                                   "for now"));
}

}  // namespace doctor
