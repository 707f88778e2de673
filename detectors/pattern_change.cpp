// What a job takes in, or the size of its state, goes otherwise than in the week before: another
// level, hours that are missing or new, a day that is shifted. Advice only: whether it is wrong,
// who knows the job decides. Not for us: a single wild hour, growth that goes on as it went,
// weekends.
#include <algorithm>
#include <cmath>

#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/task_load.hpp"
#include "detectors/statistics/weekly_pattern.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"hours_min", 96, "hours known before the last day"},
    {"drift", 1.5, "scales of the usual difference that an hour may be off; CUSUM's k"},
    {"sum_min", 7.5, "of what is beyond, added up; CUSUM's h: three hours that are clipped"},
    {"clip", 4, "scales that a single hour counts at most"},
    {"level_ratio", 0.2, "of the level: three scales are at least that"},
    {"rate_min", 1, "records per second that it must differ by"},
    {"size_min_bytes", 10.0 * 1024 * 1024, "that a checkpoint must differ by"},
    {"restart_ms", 3 * kHourMs, "before the change began, a restart is named with it"},
};

using Hours = std::vector<std::optional<double>>;

/// A series of a job, an hour a value, oldest first; `newest` since the Unix epoch.
struct Weekly {
  Metric metric{};
  Hours hours{};
  std::int64_t newest{};
  double differs_min{};

  std::string text(double value) const {
    if (metric == Metric::checkpoint_full_size) return format_bytes(value);
    return format_number(value, 3) + " records a second";
  }
  std::string_view noun() const {
    return metric == Metric::checkpoint_full_size ? "the size of its checkpoints"
                                                  : "what its sources read";
  }
};

/// The sum over all; a gap where one of them has one.
std::optional<Weekly> weekly_of(const Window& window, Metric metric,
                                const std::vector<EntityId>& entities, double differs_min) {
  Weekly weekly{metric, Hours(kPatternHours, 0.0), INT64_MAX, differs_min};
  std::vector<const Floors*> all;
  for (const EntityId entity : entities) {
    const Floors* floors = window.features->floors(metric, entity);
    if (floors == nullptr || floors->empty()) return std::nullopt;
    all.push_back(floors);
    weekly.newest = std::min(weekly.newest, floors->newest_hour());
  }
  if (all.empty() || window.now - (weekly.newest + 1) * kHourMs > 2 * kHourMs) return std::nullopt;
  for (std::int64_t i = 0; i < kPatternHours; ++i) {
    auto& sum = weekly.hours[static_cast<std::size_t>(i)];
    for (const Floors* floors : all) {
      const auto floor = floors->hour(weekly.newest - kPatternHours + 1 + i);
      sum = sum && floor ? std::optional(*sum + *floor) : std::nullopt;
    }
  }
  return weekly;
}

std::vector<EntityId> source_subtasks(const Window& window, const JobFacts& job) {
  std::vector<EntityId> all;
  for (const VertexFacts& vertex : job.vertices) {
    if (!vertex.inputs.empty()) continue;
    const std::vector<EntityId> some = subtasks_of(window, job, vertex);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<Weekly> series_of(const Window& window, const JobFacts& job, const Params& params) {
  std::vector<Weekly> all;
  const auto take = [&](std::optional<Weekly> weekly) {
    if (weekly) all.push_back(std::move(*weekly));
  };
  take(weekly_of(window, Metric::task_records_out, source_subtasks(window, job),
                 params["rate_min"]));
  const EntityId entity = window.entities->find(Level::job, kClusterEntity, job.id);
  if (entity != kNoEntity) {
    take(weekly_of(window, Metric::checkpoint_full_size, {entity}, params["size_min_bytes"]));
  }
  return all;
}

std::string factor_text(const PatternShift& shift) {
  if (shift.expected <= 0) return "new";
  return format_number(shift.seen / shift.expected, 2) + " times the usual";
}

Evidence shift_evidence(const Weekly& weekly, const PatternShift& shift) {
  Evidence evidence;
  evidence.metric = info(weekly.metric).name;
  evidence.from = shift.from * kHourMs;
  evidence.to = (shift.to + 1) * kHourMs;
  evidence.value = shift.seen;
  evidence.unit = weekly.metric == Metric::checkpoint_full_size ? "bytes" : "per_second";
  evidence.limit = shift.expected;
  evidence.limit_source = shift.by_hour_of_day ? "the same hours of the days before"
                                               : "the days before, whatever the hour";
  evidence.sentence = std::string(weekly.noun()) + ": " + weekly.text(shift.seen) + " instead of " +
                      weekly.text(shift.expected) + " for " +
                      format_duration_ms(static_cast<double>(*evidence.to - *evidence.from)) +
                      "; an hour is usually off by " + weekly.text(shift.scale) +
                      " (lowest values of each hour)";
  return evidence;
}

struct Change {
  const Weekly* weekly;
  PatternShift shift;
};

Finding report(const Window& window, const JobFacts& job, std::vector<Change> changes,
               const Params& params) {
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.shift.score > b.shift.score; });
  const Change& first = changes.front();
  Finding finding;
  finding.detector = "pattern_change";
  finding.subject = window.subject(job);
  finding.summary = printable(job.name, 80) + ": " + std::string(first.weekly->noun()) +
                    " goes otherwise than in the week before: " + factor_text(first.shift);
  for (const Change& change : changes) {
    finding.evidence.push_back(shift_evidence(*change.weekly, change.shift));
  }
  const TimestampMs began = first.shift.from * kHourMs;
  const TimestampMs runs = running_since(job);
  if (runs <= began + kHourMs && static_cast<double>(began - runs) <= params["restart_ms"]) {
    finding.evidence.push_back(
        said("restart", "it runs again since shortly before: the change may be the new version's"));
  }
  finding.next_test =
      "whether what comes into the job changed as well: the topic's own rate, or the job before it";
  return finding;
}

bool differs(const Weekly& weekly, const PatternShift& shift) {
  return shift.score >= 1 && std::abs(shift.seen - shift.expected) >= weekly.differs_min;
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.state != "RUNNING") return tally.keep(job);
  const PatternRules rules{params["hours_min"], params["drift"], params["sum_min"], params["clip"],
                           params["level_ratio"]};
  const double needed = rules.hours_min + static_cast<double>(kPatternTestedHours);
  if (window.one_shot) return tally.learning(job, "a pattern shows over days that are watched");
  const std::vector<Weekly> all = series_of(window, job, params);
  std::vector<Change> changes;
  std::size_t known = 0;
  bool judged = false;
  for (const Weekly& weekly : all) {
    known = std::max(known, hours_known(weekly.hours));
    const auto shift = pattern_shift(weekly.hours, weekly.newest, rules);
    judged = judged || shift;
    if (shift && differs(weekly, *shift)) changes.push_back({&weekly, *shift});
  }
  if (!judged) {
    return tally.learning(job, std::to_string(known) + " of " + format_number(needed, 0) +
                                   " hours known of what its sources read, or of its checkpoints");
  }
  if (changes.empty()) return tally.judged();
  tally.judged(report(window, job, std::move(changes), params));
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

constexpr Read kPatternReads[] = {
    {Metric::task_records_out, Feature::minutes, true},
    {Metric::task_records_out, Feature::source_floors, true},
    {Metric::checkpoint_full_size, Feature::floors, false},
};

extern const Detector pattern_change;
const Detector pattern_change{.name = "pattern_change",
                              .summary = "a job that goes otherwise than in the week before",
                              .lane = Lane::advice,
                              .cadence_ms = 10 * kMinuteMs,
                              .hold_ms = 0,
                              .clear_ms = 6 * kHourMs,
                              .reads = kPatternReads,
                              .params = kParams,
                              .detect = detect};

}  // namespace detectors
}  // namespace doctor
