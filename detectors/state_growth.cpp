// A job's state grows and grows: keys without a time to live, windows that never fire. Where the
// state lives on the heap there is a limit to it; elsewhere it costs disk, and every restart
// longer. Not for us: a jump (checkpoint_size_outlier), state that fills and stops, tides of the
// day.
#include <algorithm>

#include "detectors/advice.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/drift.hpp"
#include "detectors/statistics/size_history.hpp"
#include "detectors/statistics/time_to_exhaustion.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr double kMebibyte = 1024 * 1024;

constexpr Param kParams[] = {
    {"points_min", 24, "checkpoints with a size"},
    {"span_min_ms", 6 * kHourMs, "time watched"},
    {"sure_span_ms", 2 * kDayMs, "time watched from which no tide of the day explains it"},
    {"z_min", 4, "of the trend test, corrected for neighbours that resemble each other"},
    {"rise_min", 0.5, "rise over the span / size at its beginning"},
    {"rise_min_bytes", 64 * kMebibyte, "rise over the span"},
    {"ticket_ms", 7 * kDayMs, "a heap that is full within this time is pushed"},
};

std::string time_text(double ms) { return format_duration_ms(ms); }

std::optional<Drift> growth_of(const std::vector<SizePoint>& points, const Params& params) {
  std::vector<double> at_ms;
  std::vector<double> bytes;
  for (const SizePoint& point : points) {
    at_ms.push_back(static_cast<double>(point.at));
    bytes.push_back(point.size);
  }
  const auto growth = drift_of(at_ms, bytes,
                               {static_cast<std::size_t>(params["points_min"]),
                                params["span_min_ms"], params["z_min"], params["rise_min"]});
  if (!growth) return std::nullopt;
  const double rise = growth->trend.slope.value * growth->span_ms;
  return rise >= params["rise_min_bytes"] ? growth : std::nullopt;
}

/// All the heap that tasks have, where the state is kept in it; nothing where it is not, or where
/// that is not known.
std::optional<double> heap_limit(const Window& window, const JobFacts& job) {
  const std::string& backend = job.checkpoint_config->state_backend;
  if (backend.find("HashMap") == std::string::npos || window.cluster == nullptr) return {};
  if (!window.cluster->task_managers_known) return {};
  double sum = 0;
  for (const TaskManagerFacts& manager : window.cluster->task_managers) {
    if (!manager.memory.task_heap) return {};
    sum += *manager.memory.task_heap;
  }
  return sum > 0 ? std::optional(sum) : std::nullopt;
}

Evidence size_evidence(const std::vector<SizePoint>& points, const Drift& growth) {
  const double per_day = growth.trend.slope.value * kDayMs;
  Evidence evidence;
  evidence.metric = "state size of completed checkpoints";
  evidence.from = points.front().at;
  evidence.to = points.back().at;
  evidence.value = growth.level;
  evidence.unit = "bytes";
  evidence.sentence = format_bytes(growth.began) + " → " + format_bytes(growth.level) + " in " +
                      time_text(growth.span_ms) + ", " + format_bytes(per_day) + " a day (" +
                      format_bytes(growth.trend.slope.low * kDayMs) + " to " +
                      format_bytes(growth.trend.slope.high * kDayMs) +
                      "), and it does not slow down";
  return evidence;
}

Evidence limit_evidence(double limit, const Exhaustion& exhaustion) {
  Evidence evidence;
  evidence.metric = "heap of all tasks";
  evidence.limit = limit;
  evidence.unit = "bytes";
  evidence.limit_source = "taskmanager.memory.task.heap.size, of all TaskManagers together";
  evidence.sentence = "the state is kept on the heap, " + format_bytes(limit) +
                      " in all, where it takes more room than in a checkpoint: full " +
                      exhaustion_text(exhaustion) + " at the latest";
  return evidence;
}

Finding report(const Window& window, const JobFacts& job, const std::vector<SizePoint>& points,
               const Drift& growth, const Params& params) {
  Finding finding;
  finding.detector = "state_growth";
  finding.subject = window.subject(job);
  const bool sure = growth.span_ms >= params["sure_span_ms"];
  finding.confidence = sure ? Confidence::confirmed : Confidence::suspected;
  finding.evidence.push_back(size_evidence(points, growth));
  const double doubling_ms = growth.level / growth.trend.slope.value;
  finding.summary = printable(job.name, 80) + ": its state grows without end, and doubles in " +
                    time_text(doubling_ms);
  if (const std::optional<double> limit = heap_limit(window, job)) {
    const auto exhaustion = time_to_exhaustion(growth.trend, growth.level, *limit, growth.span_ms,
                                               {.age_ms = growth.level_age_ms(window.now)});
    if (exhaustion && !exhaustion->beyond_horizon()) {
      finding.evidence.push_back(limit_evidence(*limit, *exhaustion));
      finding.forecast = forecast_of(*exhaustion, window.now);
      if (sure && exhaustion->expected_ms <= params["ticket_ms"]) {
        finding.severity = Severity::warning;
      }
    }
  }
  finding.remedy.push_back(
      {"give keyed state a time to live (StateTtlConfig; in SQL this option), and windows a "
       "watermark that moves",
       "table.exec.state.ttl", "", "the longest time for which a key is still wanted"});
  finding.next_test =
      "compare two checkpoints' details (…/checkpoints/details/ID): the operator whose state grew; "
      "then whether the number of its keys can end";
  return finding;
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.checkpointing == Checkpointing::off) return tally.judged();
  if (job.checkpointing == Checkpointing::unknown || !job.checkpoint_config) {
    return tally.blind(job, "Flink has not told its checkpoint configuration");
  }
  if (!is_at_least(window.cluster, 1, 15) && is_incremental(window.cluster)) {
    return tally.blind(job,
                       "before Flink 1.15 an incremental checkpoint does not tell its full size");
  }
  const std::vector<SizePoint> points = size_points(known_checkpoints(window, job));
  const double span_ms =
      points.empty() ? 0 : static_cast<double>(points.back().at - points.front().at);
  if (static_cast<double>(points.size()) < params["points_min"] ||
      span_ms < params["span_min_ms"]) {
    return tally.learning(job, std::to_string(points.size()) + " checkpoints over " +
                                   time_text(span_ms) + " seen; judged from " +
                                   format_number(params["points_min"]) + " over " +
                                   time_text(params["span_min_ms"]) + " on");
  }
  if (const auto growth = growth_of(points, params)) {
    return tally.judged(report(window, job, points, *growth, params));
  }
  tally.judged();
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

extern const Detector state_growth;
const Detector state_growth{.name = "state_growth",
                            .summary = "state that grows and does not stop",
                            .lane = Lane::ticket,
                            .cadence_ms = kMinuteMs,
                            .hold_ms = 0,
                            .clear_ms = kHourMs,
                            .reads = {},
                            .params = kParams,
                            .detect = detect};

}  // namespace detectors
}  // namespace doctor
