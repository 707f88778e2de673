// A job's checkpoints have become far larger than its own past: state that is never cleared,
// windows that never fire, a stuck watermark, new keys without end. Not for us: savepoints,
// re-uploads (the bytes written jump, the full size does not), a young job that fills, in-flight
// data.
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/checkpoint_summary.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/size_history.hpp"
#include "detectors/statistics/trend.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr double kMebibyte = 1024 * 1024;

constexpr Param kParams[] = {
    {"sds_min", 6, "distance from the expected size, in spreads of ln(size)"},
    {"ratio_min", 1.5, "new size / expected size"},
    {"delta_min_bytes", 64 * kMebibyte, "growth of the newest checkpoint over the expected size"},
    {"run_min", 3, "outliers in a row, up to the newest checkpoint"},
    {"baseline_min", 6, "earlier checkpoints needed as the job's own past"},
    {"relearn_ms", kDayMs, "a new level that lasts this long is the new normal"},
    {"warm_up_ms", 30 * kMinuteMs, "a job this young with hardly any state has no past yet"},
    {"empty_max_bytes", 256 * 1024, "a checkpoint below this holds hardly any state"},
    {"restart_grace_ms", 10 * kMinuteMs, "a jump this soon after a (re)start is only suspected"},
    {"peers_min", 5, "jobs needed before one is compared with the others"},
    {"peer_ratio_min", 5, "size / median size of the other jobs"},
};

using Points = std::vector<SizePoint>;

OutlierLimits limits_of(const Params& params) {
  return {params["sds_min"], params["ratio_min"], params["delta_min_bytes"],
          static_cast<std::size_t>(params["run_min"]),
          static_cast<std::size_t>(params["baseline_min"])};
}

/// A run that has lasted long enough is no outlier any more: the past begins with it.
std::optional<SizeRun> present_run(Points& points, const Params& params) {
  for (;;) {
    const std::optional<SizeRun> run = outlier_run(points, limits_of(params));
    if (!run) return std::nullopt;
    const auto lasted = static_cast<double>(points.back().at - points[run->begin].at);
    if (lasted <= params["relearn_ms"]) return run;
    points.erase(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(run->begin));
  }
}

/// The same points with the in-flight data that unaligned checkpoints persist.
Points with_in_flight(Points points) {
  for (SizePoint& point : points) point.size += point.in_flight;
  return points;
}

std::string ratio_text(double ratio) { return "× " + format_number(ratio, ratio < 10 ? 2 : 3); }

Evidence size_evidence(const Points& points, const SizeRun& run, const Params& params) {
  const std::size_t length = points.size() - run.begin;
  Evidence evidence;
  evidence.metric = "state size of completed checkpoints";
  evidence.from = points[run.begin].at;
  evidence.to = points.back().at;
  evidence.value = points.back().size;
  evidence.unit = "bytes";
  evidence.limit = params["ratio_min"] * run.expected;
  evidence.limit_source = format_number(params["ratio_min"]) + " × what its own past of " +
                          std::to_string(run.begin) + " checkpoints lets expect";
  evidence.sentence = format_bytes(run.normal) + " → " + format_bytes(points.back().size) + " (" +
                      ratio_text(points.back().size / std::max(1.0, run.normal)) + "), " +
                      std::to_string(length) + " checkpoints in a row; the largest before was " +
                      format_bytes(run.past_max);
  return evidence;
}

std::optional<Evidence> written_evidence(const Points& points, const SizeRun& run) {
  std::vector<double> before;
  std::vector<double> after;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].written) (i < run.begin ? before : after).push_back(*points[i].written);
  }
  if (before.empty() || after.empty()) return std::nullopt;
  Evidence evidence;
  evidence.metric = "bytes written per checkpoint";
  evidence.from = points[run.begin].at;
  evidence.to = points.back().at;
  evidence.value = median(after).value();
  evidence.unit = "bytes";
  evidence.sentence = "bytes written per checkpoint: " + format_bytes(median(before).value()) +
                      " before, " + format_bytes(median(after).value()) + " now";
  return evidence;
}

std::optional<Evidence> all_evidence(const JobFacts& job, const Points& points) {
  if (!job.checkpoint_summary) return std::nullopt;
  return summary_evidence(job, points.size(), "state size of all checkpoints",
                          job.checkpoint_summary->state_size, format_bytes);
}

Evidence in_flight_evidence(const SizePoint& newest) {
  const double whole = newest.size + newest.in_flight;
  Evidence evidence;
  evidence.metric = "persisted in-flight data";
  evidence.to = newest.at;
  evidence.value = newest.in_flight;
  evidence.unit = "bytes";
  evidence.sentence = format_number(100 * newest.in_flight / std::max(1.0, whole), 2) +
                      " % of the newest checkpoint is in-flight data of an unaligned checkpoint; "
                      "it is not counted as state";
  return evidence;
}

double state_of(const CheckpointDetails& details) {
  double sum = 0;
  for (const VertexCheckpoint& vertex : details.vertices) sum += vertex.state_size.value_or(0);
  return sum;
}

/// Of two checkpoints whose details are known, the vertex that holds most of what was added between
/// them. Nothing when none holds more than half of it.
std::optional<Evidence> vertex_evidence(const JobFacts& job) {
  const CheckpointDetails* before = nullptr;
  const CheckpointDetails* after = nullptr;
  const auto& known = job.checkpoint_details;
  for (std::size_t i = 1; i < known.size(); ++i) {
    const double grown = state_of(known[i]) - state_of(known[i - 1]);
    if (grown <= 0 || (after != nullptr && grown < state_of(*after) - state_of(*before))) continue;
    before = &known[i - 1];
    after = &known[i];
  }
  if (after == nullptr) return std::nullopt;
  const double added = state_of(*after) - state_of(*before);
  for (const VertexCheckpoint& vertex : after->vertices) {
    const auto old =
        std::find_if(before->vertices.begin(), before->vertices.end(),
                     [&](const VertexCheckpoint& other) { return other.vertex == vertex.vertex; });
    const double was = old == before->vertices.end() ? 0 : old->state_size.value_or(0);
    const double is = vertex.state_size.value_or(0);
    if (is - was <= added / 2) continue;
    const VertexFacts* facts = job.vertex(vertex.vertex);
    Evidence evidence;
    evidence.metric = "state size of a vertex";
    evidence.value = is;
    evidence.unit = "bytes";
    evidence.sentence = (facts == nullptr ? vertex.vertex : printable(facts->name, 80)) +
                        " holds " + format_number(std::min(100.0, 100 * (is - was) / added), 2) +
                        " % of what was added between checkpoints " + std::to_string(before->id) +
                        " and " + std::to_string(after->id) + ": " + format_bytes(was) + " → " +
                        format_bytes(is);
    return evidence;
  }
  return std::nullopt;
}

Evidence relearn_evidence(const Points& points, const SizeRun& run, const Params& params) {
  const auto until = points[run.begin].at + static_cast<TimestampMs>(params["relearn_ms"]);
  Evidence evidence;
  evidence.metric = "new normal";
  evidence.from = points[run.begin].at;
  evidence.to = until;
  evidence.sentence =
      "if it stays, it counts as this job's normal size from " + format_rfc3339(until) + " on";
  return evidence;
}

/// Median of the other jobs' newest sizes; nothing while there are too few.
std::optional<double> peers_size(const std::vector<std::pair<const JobFacts*, Points>>& all,
                                 const JobFacts& job, const Params& params) {
  std::vector<double> others;
  for (const auto& [other, points] : all) {
    if (other->id != job.id && !points.empty()) others.push_back(points.back().size);
  }
  if (static_cast<double>(others.size()) + 1 < params["peers_min"]) return std::nullopt;
  return median(others);  // absent when there is none
}

std::optional<Evidence> peer_evidence(const Points& points, std::optional<double> peers,
                                      const Params& params) {
  if (!peers || points.empty()) return std::nullopt;
  const double size = points.back().size;
  const double limit = params["peer_ratio_min"] * *peers;
  if (size < limit || size - *peers < params["delta_min_bytes"]) return std::nullopt;
  Evidence evidence;
  evidence.metric = "state size against the other jobs";
  evidence.to = points.back().at;
  evidence.value = size;
  evidence.unit = "bytes";
  evidence.limit = limit;
  evidence.limit_source =
      format_number(params["peer_ratio_min"]) + " × the median of the cluster's other jobs";
  evidence.sentence = format_bytes(size) + " where the cluster's other jobs have " +
                      format_bytes(*peers) + " in the middle (" +
                      ratio_text(size / std::max(1.0, *peers)) + ")";
  return evidence;
}

void add_remedies(const Window& window, const JobFacts& job, const Points& points,
                  Finding& finding) {
  finding.remedy.push_back(
      {"bound the state: windows need a watermark that moves, keyed state a time to live "
       "(StateTtlConfig; in SQL this option)",
       "table.exec.state.ttl", "", "the longest time for which a key is still wanted"});
  const std::string backend = job.checkpoint_config ? job.checkpoint_config->state_backend : "";
  const SizePoint& newest = points.back();
  const bool uploads_all = newest.written && *newest.written > 0.9 * newest.size;
  if (backend.find("RocksDB") != std::string::npos && uploads_all &&
      !is_incremental(window.cluster)) {
    finding.remedy.push_back({"upload only what changed while the state is this large",
                              std::string(incremental_option(window.cluster)), "false", "true"});
  }
  finding.next_test =
      "look at the newest checkpoint's details (…/checkpoints/details/ID): the operator whose "
      "state "
      "grew is the one to look at; then whether its input watermark moves";
}

TimestampMs started(const JobFacts& job) {
  return std::max(running_since(job), job.restored_at.value_or(0));
}

Finding report(const Window& window, const JobFacts& job, const Points& points, const SizeRun& run,
               const Params& params) {
  Finding finding;
  finding.detector = "checkpoint_size_outlier";
  finding.subject = window.subject(job);
  finding.severity = Severity::warning;
  const TimestampMs onset = points[run.begin].at;
  const bool after_start = onset >= started(job) &&
                           static_cast<double>(onset - started(job)) < params["restart_grace_ms"];
  const bool thin = static_cast<double>(run.begin) < 2 * params["baseline_min"];
  finding.confidence = after_start || thin ? Confidence::suspected : Confidence::confirmed;
  finding.summary = printable(job.name, 80) + ": checkpoints grew from " +
                    format_bytes(run.normal) + " to " + format_bytes(points.back().size);
  finding.evidence.push_back(size_evidence(points, run, params));
  if (const auto all = all_evidence(job, points)) finding.evidence.push_back(*all);
  if (const auto written = written_evidence(points, run)) finding.evidence.push_back(*written);
  if (const auto vertex = vertex_evidence(job)) finding.evidence.push_back(*vertex);
  if (points.back().in_flight > 0) finding.evidence.push_back(in_flight_evidence(points.back()));
  if (after_start) {
    Evidence start;
    start.metric = "job start";
    start.to = started(job);
    start.sentence = "the jump came " +
                     format_duration_ms(static_cast<double>(onset - started(job))) +
                     " after the job (re)started: it may still be filling or catching up";
    finding.evidence.push_back(start);
  }
  finding.evidence.push_back(relearn_evidence(points, run, params));
  add_remedies(window, job, points, finding);
  return finding;
}

/// Large for a reason that is none of the state's, or large among its peers: worth knowing only.
Finding advice(const Window& window, const JobFacts& job, std::string summary, Evidence evidence) {
  Finding finding;
  finding.detector = "checkpoint_size_outlier";
  finding.subject = window.subject(job);
  finding.severity = Severity::info;
  finding.summary = std::move(summary);
  finding.evidence.push_back(std::move(evidence));
  return finding;
}

void judge_past(const Window& window, const JobFacts& job, Points points,
                const std::optional<Evidence>& peers, const Params& params, Tally& tally) {
  const auto needed = static_cast<std::size_t>(params["run_min"] + params["baseline_min"]);
  const bool young = static_cast<double>(window.now - job.start) < params["warm_up_ms"];
  std::optional<SizeRun> run = present_run(points, params);
  if (run && young && run->normal < params["empty_max_bytes"]) {
    return tally.learning(job, "its state is still filling for the first time");
  }
  if (run) {
    Finding finding = report(window, job, points, *run, params);
    if (peers) finding.evidence.push_back(*peers);
    return tally.judged(std::move(finding), young ? 0 : kForEver);
  }
  if (points.size() >= needed && points.back().in_flight > 0) {
    Points gross = with_in_flight(points);
    if (present_run(gross, params)) {
      return tally.judged(advice(window, job,
                                 printable(job.name, 80) +
                                     ": checkpoints are large for in-flight data, not for state",
                                 in_flight_evidence(points.back())),
                          kForEver);
    }
  }
  if (peers) {
    return tally.judged(
        advice(window, job,
               printable(job.name, 80) + ": checkpoints far larger than those of the other jobs",
               *peers),
        kForEver);
  }
  if (points.size() < needed) {
    return tally.learning(job,
                          std::to_string(points.size()) + " of " + std::to_string(needed) +
                              " checkpoints with a size seen",
                          kForEver);
  }
  tally.calm(kForEver);
}

Verdict detect(const Window& window, const Params& params) {
  Tally tally;
  std::vector<std::pair<const JobFacts*, Points>> all;
  for (const JobFactsPtr& job : window.jobs) {
    if (!streams(*job)) continue;
    if (job->checkpointing == Checkpointing::off) {
      tally.calm(kForEver);
    } else if (job->checkpointing == Checkpointing::unknown) {
      tally.blind(*job, "Flink has not said whether checkpointing is on");
    } else if (!is_at_least(window.cluster, 1, 15) && is_incremental(window.cluster)) {
      tally.blind(*job, "before Flink 1.15 an incremental checkpoint does not tell its full size");
    } else {
      all.emplace_back(job.get(), size_points(known_checkpoints(window, *job)));
    }
  }
  for (const auto& [job, points] : all) {
    const auto peers = peer_evidence(points, peers_size(all, *job, params), params);
    judge_past(window, *job, points, peers, params, tally);
  }
  return std::move(tally).finish();
}

}  // namespace

namespace detectors {

extern const Detector checkpoint_size_outlier;
const Detector checkpoint_size_outlier{"checkpoint_size_outlier",
                                       "checkpoints far larger than the job's own past",
                                       Lane::ticket,
                                       5 * kSecondMs,
                                       0,
                                       2 * kMinuteMs,
                                       {},
                                       kParams,
                                       detect};

}  // namespace detectors
}  // namespace doctor
