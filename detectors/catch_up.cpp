// How far a job is behind its input, and whether that ends: a backlog that is worked off is advice
// with the time at which it is done; one that only grows, or stays for a day, is a job too slow for
// its input. Not for us: a batch of the night that the job works off, what a restart or a savepoint
// left behind, and a handful of records that wait for a commit and never become fewer.
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/backlog.hpp"
#include "detectors/statistics/lag_episode.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"behind_min_ms", 10 * kMinuteMs, "of input, by its highest pace of a day, worth a word"},
    {"records_min", 10'000, "that wait, worth a word"},
    {"grows_ms", 3 * kHourMs, "without catching up once, before growth is pushed"},
    {"past_ratio_min", 1.5, "above the longest hour of backlog in the week before"},
    {"p_max", 1e-4, "of the exact trend test: that what does not grow rises like this"},
    {"steady_ms", kDayMs, "without catching up once, before a backlog that stays is pushed"},
    {"steady_behind_min_ms", 30 * kMinuteMs, "of input, that stays"},
    {"steady_share_min", 0.5, "of the present backlog, that every hour of that time had"},
    {"gone_ms", kMinuteMs, "of input or less is as good as caught up"},
    {"retention_ms", 0, "for which the input keeps records, for the forecast; 0: not known"},
};

constexpr std::size_t kRestartsMin = 3;  // within one backlog: they may be its cause

std::string time_text(double ms) { return format_duration_ms(ms); }

std::string backlog_text(const LagEpisode& sight, double backlog) {
  if (sight.course.is_time()) return time_text(backlog) + " of input";
  return format_number(std::round(backlog), 0) + " records";
}

/// Enough to be worth a word: in time where that is known, and never a handful of records, which
/// may as well wait for a transaction to be committed.
bool matters(const LagEpisode& sight, double behind_min_ms, const Params& params) {
  if (!sight.course.is_time() && sight.level < params["records_min"]) return false;
  return sight.behind_ms(sight.level).value_or(behind_min_ms) >= behind_min_ms;
}

std::string rate_text(const LagEpisode& sight, double per_ms) {
  if (sight.course.is_time()) return time_text(std::abs(per_ms) * kHourMs) + " an hour";
  return format_number(std::abs(per_ms) * kSecondMs, 2) + " records a second";
}

Evidence backlog_evidence(const LagEpisode& sight, TimestampMs from) {
  const double level = sight.level;
  Evidence evidence = said(std::string(info(sight.course.metric()).name), "");
  evidence.from = from;
  evidence.to = sight.to;
  evidence.value = level;
  evidence.unit = sight.course.is_time() ? "ms" : "count";
  evidence.sentence = backlog_text(sight, level) + " before its sources";
  const std::optional<double> behind = sight.behind_ms(level);
  if (!sight.course.is_time() && behind) {
    evidence.sentence += ", " + time_text(*behind) + " of reading at the highest pace of a day (" +
                         format_number(sight.pace->highest_s, 2) + " records a second)";
  }
  return evidence;
}

Evidence episode_evidence(const Window& window, const JobFacts& job, const LagEpisode& sight) {
  Evidence evidence =
      said("backlog", sight.was_gone ? "it was last caught up " : "not caught up in ");
  evidence.from = sight.since;
  evidence.to = sight.to;
  evidence.sentence += time_text(sight.lasts_ms());
  evidence.sentence += sight.was_gone ? " ago" : ", all the time that is known";
  const DurationMs runs = window.now - running_since(job);
  evidence.sentence += "; the job runs for " + time_text(static_cast<double>(runs));
  return evidence;
}

/// Restart, overspeed, a sink that rejects, restart: then the backlog is no lack of resources.
void add_restarts(const Window& window, const JobFacts& job, const LagEpisode& sight,
                  Finding& finding) {
  const RestartLog* log = window.features->restarts(job.id);
  if (log == nullptr) return;
  const auto within = static_cast<std::size_t>(
      std::count_if(log->faults().begin(), log->faults().end(),
                    [&](const ExceptionRecord& fault) { return fault.at >= sight.since; }));
  if (within < kRestartsMin) return;
  finding.evidence.push_back(said(
      "restarts", "it failed " + std::to_string(within) +
                      " times meanwhile: if a sink rejects what it sends too fast, reading the "
                      "backlog is what makes it fail"));
  finding.remedy.push_back(
      {"throttle the source, not the sink, until the backlog is read "
       "(a rate limit, or fewer records per poll)",
       "", "", ""});
}

Finding finding_of(const Window& window, const JobFacts& job, const LagEpisode& sight,
                   TimestampMs from) {
  Finding finding;
  finding.detector = "catch_up";
  finding.subject = window.subject(job);
  finding.evidence = {backlog_evidence(sight, from), episode_evidence(window, job, sight)};
  return finding;
}

Forecast forecast_in(TimestampMs at, double expected_ms, double low_ms,
                     std::optional<double> high_ms) {
  const auto then = [at](double ms) { return at + static_cast<DurationMs>(ms); };
  Forecast forecast{then(expected_ms), then(low_ms), std::nullopt};
  if (high_ms) forecast.high = then(*high_ms);
  return forecast;
}

Finding report_drain(const Window& window, const JobFacts& job, const LagEpisode& sight,
                     const Slope& slope, TimestampMs from) {
  Finding finding = finding_of(window, job, sight, from);
  finding.confidence = Confidence::confirmed;
  const double expected = sight.level / -slope.value;
  const double low = sight.level / -slope.low;
  const double high = sight.level / -slope.high;
  finding.forecast = forecast_in(sight.to, expected, low, high);
  finding.summary = printable(job.name, 80) + ": catches up, and will have in " +
                    time_text(expected) + " (" + time_text(low) + " to " + time_text(high) + ")";
  finding.evidence.front().sentence += ", by " + rate_text(sight, slope.value) + " fewer";
  return finding;
}

/// When what waits longest is older than what the input keeps.
void forecast_loss(const LagEpisode& sight, const Slope& slope, const Params& params,
                   Finding& finding) {
  const double retention_ms = params["retention_ms"];
  const std::optional<double> behind = sight.behind_ms(sight.level);
  if (retention_ms <= 0 || !behind) {
    finding.evidence.push_back(
        said("retention",
             "what waits longer than the input keeps it is lost; for how long that is "
             "cannot be seen from Flink (catch_up.retention_ms)"));
    return;
  }
  const double left = std::max(0.0, retention_ms - *behind);
  const auto in = [&](double per_ms) {
    return left / (sight.course.is_time() ? per_ms : *sight.behind_ms(per_ms));
  };
  finding.forecast = forecast_in(sight.to, in(slope.value), in(slope.high), in(slope.low));
  finding.evidence.push_back(
      said("retention", "the input keeps records for " + time_text(retention_ms) +
                            " (catch_up.retention_ms): the first are lost in " +
                            time_text(in(slope.value)) + " (" + time_text(in(slope.high)) + " to " +
                            time_text(in(slope.low)) + ")"));
}

/// More subtasks, by what is missing now.
Remedy more_throughput(const Window& window, const JobFacts& job, const LagEpisode& sight,
                       double per_ms) {
  double factor = 1;
  if (sight.course.is_time()) {
    factor = 1 / std::max(0.05, 1 - per_ms);  // of each ms that comes, so much is not read
  } else if (sight.pace && sight.pace->now_s > 0) {
    factor = 1 + per_ms * kSecondMs / sight.pace->now_s;
  }
  int parallelism = 1;
  for (const VertexFacts& vertex : job.vertices) {
    parallelism = std::max(parallelism, vertex.parallelism);
  }
  Remedy remedy{
      "give the vertex that limits the job more subtasks (backpressure names it; if none "
      "is held up it is the source, which can use as many as there are partitions)",
      "parallelism.default", std::to_string(parallelism) + " (the job's widest vertex)", ""};
  const double wanted = std::ceil(parallelism * std::max(factor, 1.0));
  remedy.value = "more than " + format_number(std::max<double>(wanted, parallelism + 1) - 1, 0);
  if (factor > 1) {
    remedy.sentence += ": it needs " + format_number(factor, 2) +
                       " times its throughput to keep up, and more to catch up";
  }
  if (const auto set = first_option(window.cluster, {"parallelism.default"})) {
    remedy.current += "; set: " + *set;
  }
  return remedy;
}

Finding report_growth(const Window& window, const JobFacts& job, const LagEpisode& sight,
                      const Slope& slope, const LagPoints& points, const Params& params) {
  Finding finding = finding_of(window, job, sight, points.from);
  finding.severity = Severity::warning;
  finding.confidence = Confidence::confirmed;
  finding.summary = printable(job.name, 80) +
                    ": does not keep up with its input: " + backlog_text(sight, sight.level) +
                    " behind, and " + rate_text(sight, slope.value) + " more";
  finding.evidence.front().sentence += "; by " + rate_text(sight, slope.value) + " more (" +
                                       rate_text(sight, slope.low) + " to " +
                                       rate_text(sight, slope.high) + ") over " +
                                       time_text(static_cast<double>(points.to - points.from));
  finding.evidence.front().limit = sight.past_peak;
  finding.evidence.front().limit_source = "the longest hour of backlog in the week before";
  forecast_loss(sight, slope, params, finding);
  finding.remedy.push_back(more_throughput(window, job, sight, slope.value));
  add_restarts(window, job, sight, finding);
  return finding;
}

Finding report_stay(const Window& window, const JobFacts& job, const LagEpisode& sight) {
  Finding finding = finding_of(window, job, sight, sight.since);
  finding.severity = Severity::warning;
  finding.confidence = Confidence::suspected;
  finding.summary = printable(job.name, 80) +
                    ": stays behind its input: " + backlog_text(sight, sight.level) +
                    ", and not caught up for " + time_text(sight.lasts_ms());
  finding.remedy.push_back(more_throughput(window, job, sight, 0));
  finding.next_test =
      "compare the consumer's lag by partition (or shard): all of them behind is too little "
      "throughput, a single one is a partition that is paused, skewed, or held by an open "
      "transaction";
  add_restarts(window, job, sight, finding);
  return finding;
}

/// Not watched for long: what a restart left behind may be worked off all the same.
void judge_early(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  const std::optional<Backlog> backlog = backlog_of(window, job);
  const std::string watched =
      "how far it is behind is told for less than " + time_text(params["grows_ms"]);
  if (!backlog || !backlog->drains || backlog->records < params["records_min"]) {
    return tally.learning(job, watched);
  }
  const std::optional<ReadPace> pace = read_pace(window, job);
  const double expected = backlog->records / -backlog->per_ms;
  if (pace && kSecondMs * backlog->records / pace->highest_s < params["behind_min_ms"]) {
    return tally.learning(job, watched);
  }
  Finding finding;
  finding.detector = "catch_up";
  finding.subject = window.subject(job);
  finding.confidence = Confidence::suspected;
  finding.summary = printable(job.name, 80) + ": catches up, and will have within " +
                    time_text(std::max(expected, *backlog->left_ms));
  Evidence evidence =
      said(std::string(info(backlog->metric).name),
           format_number(std::round(backlog->records), 0) + " records before its sources, by " +
               format_number(-backlog->per_ms * kSecondMs, 2) + " a second fewer");
  evidence.from = backlog->from;
  evidence.to = backlog->to;
  evidence.value = backlog->records;
  evidence.unit = "count";
  finding.evidence.push_back(std::move(evidence));
  finding.forecast =
      forecast_in(backlog->to, expected, expected, std::max(expected, *backlog->left_ms));
  tally.judged(std::move(finding));
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.state != "RUNNING") return tally.keep(job);
  if (!tells_lag(window, job)) {
    return tally.blind(
        job,
        "no source of it tells how far it is behind (pendingRecords, a Kafka "
        "consumer's records-lag-max, Kinesis' millisBehindLatest)",
        // Reporters alone tell Kinesis' lag.
        window.has_reporter("taskmanager") ? std::vector<std::string>{} : reporter_lines());
  }
  const auto grows_ms = static_cast<DurationMs>(params["grows_ms"]);
  const std::optional<LagCourse> course = LagCourse::of(window, job, grows_ms);
  if (window.one_shot || !course) return judge_early(window, job, params, tally);
  const std::optional<LagEpisode> sight = lag_episode(window, job, *course, params["gone_ms"]);
  if (!sight) return tally.keep(job);
  if (!matters(*sight, params["behind_min_ms"], params)) return tally.judged();
  const LagPoints fine = points_of(*sight, FloorScale::five_minutes);
  if (const std::optional<Slope> drain = drain_of(fine)) {
    return tally.judged(report_drain(window, job, *sight, *drain, fine.from));
  }
  const bool is_new = sight->level >= params["past_ratio_min"] * sight->past_peak;
  if (is_new && sight->lasts_ms() >= params["grows_ms"]) {
    const LagPoints points = points_of(*sight, FloorScale::quarter_hour);
    if (const std::optional<Slope> growth = growth_of(points, params["p_max"])) {
      return tally.judged(report_growth(window, job, *sight, *growth, points, params));
    }
  }
  if (sight->stays(static_cast<DurationMs>(params["steady_ms"]), params["steady_share_min"]) &&
      matters(*sight, params["steady_behind_min_ms"], params)) {
    return tally.judged(report_stay(window, job, *sight));
  }
  tally.judged();
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

constexpr Read kCatchUpReads[] = {
    {Metric::source_pending_records, Feature::raw, true},
    {Metric::source_pending_records, Feature::source_floors, true},
    {Metric::kafka_records_lag_max, Feature::raw, false},
    {Metric::kafka_records_lag_max, Feature::source_floors, false},
    {Metric::kafka_legacy_records_lag_max, Feature::raw, false},
    {Metric::kafka_legacy_records_lag_max, Feature::source_floors, false},
    {Metric::kinesis_millis_behind, Feature::source_floors, false},
    {Metric::kinesis_legacy_millis_behind, Feature::source_floors, false},
    {Metric::task_records_out, Feature::minutes, false},
    {Metric::task_records_out, Feature::source_floors, false},
};

extern const Detector catch_up;
const Detector catch_up{.name = "catch_up",
                        .summary = "a backlog that is worked off, or one that never ends",
                        .lane = Lane::ticket,
                        .cadence_ms = kMinuteMs,
                        .hold_ms = 0,
                        .clear_ms = 15 * kMinuteMs,
                        .reads = kCatchUpReads,
                        .params = kParams,
                        .detect = detect};

}  // namespace detectors
}  // namespace doctor
