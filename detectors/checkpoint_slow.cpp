// Checkpoints take longer and longer, or nearly as long as they may: the first that does not end
// within its timeout is the first of many. Not for us: savepoints, checkpoints that fail
// (checkpoint_failing) or never end (checkpoint_absent), a young job that fills, one slow
// checkpoint.
#include <algorithm>

#include "detectors/advice.hpp"
#include "detectors/checkpoint_summary.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/drift.hpp"
#include "detectors/statistics/size_history.hpp"
#include "detectors/statistics/time_to_exhaustion.hpp"
#include "detectors/statistics/trend.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"run_min", 3, "checkpoints in a row, up to the newest"},
    {"near_share", 0.8, "of the timeout: one bad minute more and it is missed"},
    {"far_share", 0.5, "of the timeout: slower than its own past and above this is pushed"},
    {"sds_min", 6, "distance from the expected duration, in spreads of ln(duration)"},
    {"ratio_min", 2, "new duration / expected duration"},
    {"delta_share", 0.1, "of the timeout; growth of the newest over the expected duration"},
    {"baseline_min", 6, "earlier checkpoints needed as the job's own past"},
    {"drift_points_min", 16, "checkpoints that a drift needs"},
    {"drift_span_min_ms", 2 * kHourMs, "time that a drift needs"},
    {"drift_z_min", 4, "of the trend test, corrected for neighbours that resemble each other"},
    {"drift_rise_min", 0.5, "rise over the span / duration at its beginning"},
    {"ticket_ms", 7 * kDayMs, "a timeout met within this time is pushed"},
    {"waiting_share", 0.5, "of the duration: from there on a part is named as the reason"},
};

std::string time_text(double ms) { return format_duration_ms(ms); }

/// Durations of completed checkpoints, oldest first. Savepoints are left out: they write
/// everything, whatever the checkpoints do.
struct Times {
  std::vector<double> at_ms, duration_ms;

  std::size_t size() const { return at_ms.size(); }
  TimestampMs at(std::size_t i) const { return static_cast<TimestampMs>(at_ms[i]); }
};

Times times_of(std::span<const CheckpointRecord> records) {
  Times times;
  for (const CheckpointRecord& record : records) {
    if (record.savepoint || record.status != CheckpointRecord::Status::completed) continue;
    if (!record.duration || *record.duration < 0) continue;
    times.at_ms.push_back(static_cast<double>(record.triggered));
    times.duration_ms.push_back(static_cast<double>(*record.duration));
  }
  return times;
}

/// Towards its timeout.
struct Slowdown {
  Drift drift;
  Exhaustion exhaustion;
};

/// One job's checkpoints, and what stands out of them.
struct Sight {
  const JobFacts& job;
  const CheckpointConfig& config;
  Times times{};
  std::vector<SizePoint> sizes{};
  double newest_ms{};  // median of the last few
  double least_ms{};   // of the last few
  std::optional<SizeRun> jump{};
  std::optional<Slowdown> slowdown{};

  double timeout_ms() const { return static_cast<double>(config.timeout); }
};

std::optional<SizeRun> jump_of(const Sight& sight, const Params& params) {
  std::vector<SizePoint> points;
  for (std::size_t i = 0; i < sight.times.size(); ++i) {
    points.push_back({sight.times.at(i), sight.times.duration_ms[i], 0, {}});
  }
  return outlier_run(
      points, {params["sds_min"], params["ratio_min"], params["delta_share"] * sight.timeout_ms(),
               static_cast<std::size_t>(params["run_min"]),
               static_cast<std::size_t>(params["baseline_min"])});
}

std::optional<Slowdown> slowdown_of(const Window& window, const Sight& sight,
                                    const Params& params) {
  const auto drift =
      drift_of(sight.times.at_ms, sight.times.duration_ms,
               {static_cast<std::size_t>(params["drift_points_min"]), params["drift_span_min_ms"],
                params["drift_z_min"], params["drift_rise_min"]});
  if (!drift) return std::nullopt;
  const auto exhaustion =
      time_to_exhaustion(drift->trend, drift->level, sight.timeout_ms(), drift->span_ms,
                         {.age_ms = drift->level_age_ms(window.now)});
  if (!exhaustion) return std::nullopt;
  return Slowdown{*drift, *exhaustion};
}

Sight look(const Window& window, const JobFacts& job, const Params& params) {
  Sight sight{job, *job.checkpoint_config};
  const std::span<const CheckpointRecord> records = known_checkpoints(window, job);
  sight.times = times_of(records);
  sight.sizes = size_points(records);
  const auto run_min = static_cast<std::size_t>(params["run_min"]);
  if (sight.times.size() < run_min) return sight;
  const auto last = std::span<const double>(sight.times.duration_ms).last(run_min);
  sight.newest_ms = median(last).value();
  sight.least_ms = *std::min_element(last.begin(), last.end());
  sight.jump = jump_of(sight, params);
  sight.slowdown = slowdown_of(window, sight, params);
  return sight;
}

Evidence timeout_evidence(const Sight& sight) {
  Evidence evidence =
      said("duration of completed checkpoints",
           time_text(sight.newest_ms) + " in the middle of the last three, of " +
               time_text(sight.timeout_ms()) + " that one may take (" +
               format_number(100 * sight.newest_ms / sight.timeout_ms(), 2) + " %)");
  evidence.from = sight.times.at(0);
  evidence.to = sight.times.at(sight.times.size() - 1);
  evidence.value = sight.newest_ms;
  evidence.unit = "ms";
  evidence.limit = sight.timeout_ms();
  evidence.limit_source = "the job's effective execution.checkpointing.timeout";
  return evidence;
}

Evidence jump_evidence(const Sight& sight) {
  return said("its own past", time_text(sight.jump->normal) + " was usual over " +
                                  std::to_string(sight.jump->begin) + " checkpoints, the longest " +
                                  time_text(sight.jump->past_max) + "; the last " +
                                  std::to_string(sight.times.size() - sight.jump->begin) +
                                  " took longer");
}

Evidence drift_evidence(const Slowdown& slowdown) {
  const Drift& drift = slowdown.drift;
  const double per_day = drift.trend.slope.value * kDayMs;
  return said("drift", "from " + time_text(drift.began) + " by " + time_text(per_day) + " a day (" +
                           time_text(drift.trend.slope.low * kDayMs) + " to " +
                           time_text(drift.trend.slope.high * kDayMs) + "), watched for " +
                           time_text(drift.span_ms) + ": the timeout is met " +
                           exhaustion_text(slowdown.exhaustion));
}

std::optional<Evidence> all_evidence(const Sight& sight) {
  if (!sight.job.checkpoint_summary) return std::nullopt;
  return summary_evidence(sight.job, sight.times.size(), "duration of all checkpoints",
                          sight.job.checkpoint_summary->duration, time_text);
}

/// Where the state grew as the duration did, that is the reason.
std::optional<Evidence> size_evidence(const Sight& sight) {
  if (!sight.jump && !sight.slowdown) return std::nullopt;
  const std::size_t begin = sight.jump ? sight.jump->begin : sight.times.size() / 2;
  const TimestampMs since = sight.times.at(std::min(begin, sight.times.size() - 1));
  std::vector<double> before;
  std::vector<double> after;
  for (const SizePoint& point : sight.sizes) {
    (point.at < since ? before : after).push_back(point.size);
  }
  if (before.empty() || after.empty()) return std::nullopt;
  const double was = median(before).value();
  const double is = median(after).value();
  return said("state size over the same time",
              format_bytes(was) + " → " + format_bytes(is) +
                  (is > 1.5 * was ? ": there is more to write" : ": not the reason"));
}

struct Part {
  double longest_ms{0};
  std::string vertex;
};

/// The longest that any task waited, by its gauge (nanoseconds, of its last checkpoint).
Part longest(const Window& window, const JobFacts& job, Metric metric) {
  Part part;
  for (const VertexFacts& vertex : job.vertices) {
    const EntityId of_job = window.entities->find(Level::job, kClusterEntity, job.id);
    if (of_job == kNoEntity) break;
    const EntityId entity = window.entities->find(Level::vertex, of_job, vertex.id);
    if (entity == kNoEntity) continue;
    for (const EntityId subtask : window.entities->children(entity, Level::subtask)) {
      const std::optional<double> ns = window.latest(metric, subtask);
      if (!ns || *ns / 1e6 <= part.longest_ms) continue;
      part = {*ns / 1e6, vertex.name};
    }
  }
  return part;
}

/// True when barriers wait rather than that state is written.
bool add_parts(const Window& window, const Sight& sight, const Params& params, Finding& finding) {
  const double long_ms = params["waiting_share"] * sight.newest_ms;
  const Part delay = longest(window, sight.job, Metric::checkpoint_start_delay);
  const Part alignment = longest(window, sight.job, Metric::checkpoint_alignment_time);
  if (delay.longest_ms >= long_ms) {
    finding.evidence.push_back(
        said("start delay", "barriers take " + time_text(delay.longest_ms) + " to reach " +
                                printable(delay.vertex, 80) +
                                ": they queue behind records, as under backpressure"));
  }
  if (alignment.longest_ms >= long_ms) {
    finding.evidence.push_back(said(
        "alignment", printable(alignment.vertex, 80) + " waits " + time_text(alignment.longest_ms) +
                         " from its first barrier to its last: its inputs are not equally fast"));
  }
  return delay.longest_ms >= long_ms || alignment.longest_ms >= long_ms;
}

/// " (start delay 20 s, async 30 s)": the parts that make up a tenth or more.
std::string parts_text(const SlowestSubtask& subtask) {
  std::string parts;
  const auto add = [&](const char* name, const std::optional<DurationMs>& part) {
    if (!part || 10 * *part < subtask.duration) return;
    parts += (parts.empty() ? "" : ", ") + std::string(name) + " " +
             time_text(static_cast<double>(*part));
  };
  add("start delay", subtask.start_delay);
  add("alignment", subtask.alignment);
  add("synchronous part", subtask.sync);
  add("asynchronous part", subtask.async);
  return parts.empty() ? "" : ": " + parts;
}

/// The vertex that acknowledged last, of the newest checkpoint whose details are known.
std::optional<Evidence> vertex_evidence(const JobFacts& job) {
  if (job.checkpoint_details.empty()) return std::nullopt;
  const CheckpointDetails& newest = job.checkpoint_details.back();
  const VertexCheckpoint* last = nullptr;
  for (const VertexCheckpoint& vertex : newest.vertices) {
    if (!vertex.duration) continue;
    if (last == nullptr || *vertex.duration > *last->duration) last = &vertex;
  }
  if (last == nullptr) return std::nullopt;
  const VertexFacts* facts = job.vertex(last->vertex);
  const std::string name = facts == nullptr ? last->vertex : printable(facts->name, 80);
  if (last->slowest) {
    return said("slowest subtask", "subtask " + std::to_string(last->slowest->index) + " of " +
                                       name + " acknowledged checkpoint " +
                                       std::to_string(newest.id) + " last, after " +
                                       time_text(static_cast<double>(last->slowest->duration)) +
                                       parts_text(*last->slowest));
  }
  return said("slowest vertex", name + " acknowledged checkpoint " + std::to_string(newest.id) +
                                    " last, after " +
                                    time_text(static_cast<double>(*last->duration)));
}

void add_remedies(const Window& window, const Sight& sight, bool waits, Finding& finding) {
  const bool may_be_unaligned = !sight.config.unaligned && sight.config.mode != "at_least_once";
  if (waits && may_be_unaligned) {
    finding.remedy.push_back({"let barriers overtake the records they queue behind",
                              std::string(unaligned_option(window.cluster)), "false", "true"});
  }
  if (waits) {
    finding.remedy.push_back({"keep fewer records in flight, so that barriers queue less",
                              "taskmanager.network.memory.buffer-debloat.enabled", "", "true"});
  }
  const bool rocksdb = sight.config.state_backend.find("RocksDB") != std::string::npos;
  if (!waits && rocksdb && !is_incremental(window.cluster)) {
    finding.remedy.push_back({"upload only what changed",
                              std::string(incremental_option(window.cluster)), "false", "true"});
  }
  finding.remedy.push_back({"only to win time", "execution.checkpointing.timeout",
                            duration_value(sight.config.timeout),
                            duration_value(2 * sight.config.timeout)});
  finding.next_test =
      "open the newest checkpoint's details in Flink's page: which subtask ends last, and whether "
      "its time is start delay, alignment, the synchronous or the asynchronous part";
}

struct Judgement {
  Severity severity{Severity::info};
  Confidence confidence{Confidence::confirmed};
  std::string summary;
};

/// The gravest of what is true of it; nothing when it is well.
std::optional<Judgement> judgement_of(const Sight& sight, const Params& params) {
  const double share = sight.newest_ms / sight.timeout_ms();
  const std::string now = time_text(sight.newest_ms);
  if (sight.least_ms >= params["near_share"] * sight.timeout_ms()) {
    return Judgement{Severity::warning, Confidence::confirmed,
                     "checkpoints take " + now + ", nearly all of the " +
                         time_text(sight.timeout_ms()) + " they may"};
  }
  const auto& slowdown = sight.slowdown;
  if (slowdown && !slowdown->exhaustion.beyond_horizon() &&
      slowdown->exhaustion.expected_ms <= params["ticket_ms"]) {
    const bool bounded = slowdown->exhaustion.high_ms.has_value();
    return Judgement{Severity::warning, bounded ? Confidence::confirmed : Confidence::suspected,
                     "checkpoints take longer and longer; they time out " +
                         exhaustion_text(slowdown->exhaustion)};
  }
  if (sight.jump) {
    return Judgement{
        share >= params["far_share"] ? Severity::warning : Severity::info, Confidence::confirmed,
        "checkpoints take " + now + " where " + time_text(sight.jump->normal) + " was usual"};
  }
  if (sight.config.interval && sight.least_ms > static_cast<double>(*sight.config.interval)) {
    return Judgement{Severity::info, Confidence::confirmed,
                     "checkpoints take " + now + ", longer than their interval of " +
                         time_text(static_cast<double>(*sight.config.interval)) +
                         ": they come one after the other, and a restart replays more"};
  }
  return std::nullopt;
}

Finding report(const Window& window, const Sight& sight, const Judgement& judgement,
               const Params& params) {
  Finding finding;
  finding.detector = "checkpoint_slow";
  finding.subject = window.subject(sight.job);
  finding.severity = judgement.severity;
  finding.confidence = judgement.confidence;
  finding.summary = printable(sight.job.name, 80) + ": " + judgement.summary;
  finding.evidence.push_back(timeout_evidence(sight));
  if (sight.jump) finding.evidence.push_back(jump_evidence(sight));
  if (sight.slowdown) {
    finding.evidence.push_back(drift_evidence(*sight.slowdown));
    finding.forecast = forecast_of(sight.slowdown->exhaustion, window.now);
  }
  if (const auto all = all_evidence(sight)) finding.evidence.push_back(*all);
  if (const auto size = size_evidence(sight)) finding.evidence.push_back(*size);
  const bool waits = add_parts(window, sight, params, finding);
  if (const auto vertex = vertex_evidence(sight.job)) finding.evidence.push_back(*vertex);
  add_remedies(window, sight, waits, finding);
  return finding;
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.checkpointing == Checkpointing::off) return tally.judged();
  if (job.checkpointing == Checkpointing::unknown || !job.checkpoint_config ||
      job.checkpoint_config->timeout <= 0) {
    return tally.blind(job, "Flink has not told its checkpoint configuration");
  }
  const Sight sight = look(window, job, params);
  const auto run_min = static_cast<std::size_t>(params["run_min"]);
  if (sight.times.size() < run_min) {
    return tally.learning(job, std::to_string(sight.times.size()) + " of " +
                                   std::to_string(run_min) + " completed checkpoints seen");
  }
  // What is long ago says nothing of now; that none completes is another detector's business.
  const double silent_ms = static_cast<double>(window.now - sight.times.at(sight.times.size() - 1));
  const double usual_ms =
      static_cast<double>(job.checkpoint_config->interval.value_or(0)) + 2 * sight.timeout_ms();
  if (silent_ms > usual_ms) return tally.keep(job);
  if (const auto judgement = judgement_of(sight, params)) {
    return tally.judged(report(window, sight, *judgement, params));
  }
  tally.judged();
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

constexpr Read kCheckpointSlowReads[] = {
    {Metric::checkpoint_start_delay, Feature::latest, false},
    {Metric::checkpoint_alignment_time, Feature::latest, false},
};

extern const Detector checkpoint_slow;
const Detector checkpoint_slow{.name = "checkpoint_slow",
                               .summary = "checkpoints take longer and longer, or nearly too long",
                               .lane = Lane::ticket,
                               .cadence_ms = 15 * kSecondMs,
                               .hold_ms = 0,
                               .clear_ms = 5 * kMinuteMs,
                               .reads = kCheckpointSlowReads,
                               .params = kParams,
                               .detect = detect};

}  // namespace detectors
}  // namespace doctor
