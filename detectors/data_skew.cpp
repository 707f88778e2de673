// One subtask of a vertex gets far more records than its siblings, for a quarter of an hour: the
// keys are skewed, and the vertex is as slow as that subtask. Not for us: bursts that wander, key
// groups that cannot be dealt evenly and sources with more partitions here than there (arithmetic,
// told as advice), and a subtask that is slow with its equal share (slow_instance).
#include <algorithm>
#include <set>

#include "detectors/advice.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/bottleneck.hpp"
#include "detectors/statistics/key_groups.hpp"
#include "detectors/statistics/record_spread.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"window_minutes", 5, "minutes whose records are counted together; in three such windows"},
    {"share_min", 0.2, "of the records, or twice the fair share if that is less"},
    {"records_min_s", 1, "records per second of the hot subtask; skew of a trickle costs nothing"},
    {"busy_min", 0.8, "a hot subtask this busy limits the vertex: warning, else advice"},
    {"backpressured_min", 0.10, "share of a minute from which a vertex counts as held up"},
    {"warm_up_ms", 30 * kSecondMs, "after all tasks run; what was before is not counted"},
    {"life_min_ms", 5 * kMinuteMs, "a single check needs tasks that run this long"},
};

constexpr std::size_t kWindows = 3;
constexpr DurationMs kStaleMs = 5 * kMinuteMs;
constexpr std::size_t kLoadMinutes = 5;

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }
std::string times(double ratio) {
  return ratio > 1000 ? std::string("more than 1000 ×") : format_number(ratio, 2) + " ×";
}

/// What was seen of one vertex.
struct Sight {
  const JobFacts& job;
  const VertexFacts& vertex;
  Metric metric;
  bool keyed;
  TimestampMs to{};
  RecordSpread spread{};
  std::vector<double> weights{};    // key groups or splits of each subtask; empty: equal
  std::vector<std::size_t> hot{};   // get more records
  std::vector<std::size_t> skew{};  // of those, more than their weight explains
};

std::vector<double> key_group_weights(const VertexFacts& vertex) {
  if (vertex.max_parallelism <= 0 || vertex.max_parallelism % vertex.parallelism == 0) return {};
  std::vector<double> weights;
  weights.reserve(static_cast<std::size_t>(vertex.parallelism));
  for (int i = 0; i < vertex.parallelism; ++i) {
    weights.push_back(key_groups_of(i, vertex.parallelism, vertex.max_parallelism));
  }
  return weights;
}

/// Splits that each subtask of a source reads, where a reporter tells them; else nothing.
std::vector<double> split_weights(const Window& window, const JobFacts& job,
                                  const VertexFacts& vertex) {
  std::vector<double> weights(static_cast<std::size_t>(vertex.parallelism), 0);
  bool any = false;
  for (const EntityId subtask : subtasks_of(window, job, vertex)) {
    for (const EntityId op : window.entities->children(subtask, Level::operator_)) {
      for (const EntityId split : window.entities->children(op, Level::split)) {
        const bool read = window.latest(Metric::kafka_current_offset, split) ||
                          window.latest(Metric::split_watermark, split);
        if (read) weights[window.entities->at(subtask).index] += 1;
        any = any || read;
      }
    }
  }
  return any ? weights : std::vector<double>{};
}

std::optional<TimestampMs> newest_sample(const Window& window, const JobFacts& job,
                                         const VertexFacts& vertex, Metric metric) {
  std::optional<TimestampMs> newest;
  for (const EntityId subtask : subtasks_of(window, job, vertex)) {
    const auto sample = window.features->latest(metric, subtask);
    if (sample) newest = std::max(newest.value_or(0), sample->at);
  }
  return newest;
}

Sight look(const Window& window, const JobFacts& job, const VertexFacts& vertex, TimestampMs newest,
           const Params& params) {
  Sight sight{job, vertex, Metric::task_records_in, is_keyed(vertex)};
  if (!sight.keyed) sight.metric = Metric::task_records_out;
  sight.to = std::min(newest, window.now);
  const auto windows =
      minute_windows(sight.to, static_cast<int>(params["window_minutes"]), kWindows,
                     running_since(job) + static_cast<DurationMs>(params["warm_up_ms"]));
  sight.spread = window.one_shot ? life_records_of(window, job, vertex, sight.metric)
                                 : records_of(window, job, vertex, sight.metric, windows);
  if (sight.spread.windows < (window.one_shot ? 1 : kWindows)) return sight;
  const auto n = static_cast<double>(vertex.parallelism);
  const double share_min = std::min(params["share_min"], 2 / n);
  for (const std::size_t i : overloaded(sight.spread, {})) {
    const double count = sight.spread.subtasks[i].total;
    const bool much = count >= share_min * sight.spread.total() &&
                      count >= params["records_min_s"] * sight.spread.seconds;
    if (much) sight.hot.push_back(i);
  }
  if (sight.hot.empty()) return sight;
  sight.weights = sight.keyed ? key_group_weights(vertex) : split_weights(window, job, vertex);
  const std::vector<std::size_t> beyond = overloaded(sight.spread, sight.weights);
  for (const std::size_t i : sight.hot) {
    if (std::find(beyond.begin(), beyond.end(), i) != beyond.end()) sight.skew.push_back(i);
  }
  return sight;
}

/// What the hot subtask does to its job, as far as the tasks' times tell.
struct Cost {
  std::optional<double> busy;  // of the hot subtask
  bool holds_up{false};        // it is the vertex behind which backpressure ends
};

Cost cost_of(const Window& window, const Sight& sight, int subtask, const Params& params) {
  Cost cost;
  const auto span = sample_span(window, sight.job);
  if (!span) return cost;
  WindowSpec spec{std::min(span->newest, window.now), kMinuteMs, kLoadMinutes};
  SymptomLimits limits{params["backpressured_min"], 3};
  if (window.one_shot) {
    spec.width_ms = std::max<DurationMs>(1, span->newest - span->oldest);
    spec.count = limits.windows_min = 1;
  }
  const std::vector<VertexLoad> loads = loads_of(window, sight.job, spec);
  const std::vector<std::size_t> symptoms = held_up(loads, limits);
  const auto culprits = bottlenecks(loads, {}, symptoms);
  cost.holds_up = !culprits.empty() && loads[culprits.front().vertex].vertex == &sight.vertex;
  for (const VertexLoad& load : loads) {
    if (load.vertex != &sight.vertex) continue;
    for (const SubtaskLoad& of : load.subtasks) {
      if (of.index == subtask && of.shares) cost.busy = of.shares->busy;
    }
  }
  return cost;
}

std::string span_text(const Sight& sight) {
  return sight.spread.of_life ? "since its tasks started"
                              : "of the last " + format_duration_ms(1000 * sight.spread.seconds);
}

Evidence share_evidence(const Sight& sight, std::size_t hot) {
  const SubtaskRecords& subtask = sight.spread.subtasks[hot];
  const double typical = sight.spread.typical_but(hot);
  const std::size_t peers = sight.spread.subtasks.size();
  Evidence evidence;
  evidence.metric = info(sight.metric).name;
  evidence.to = sight.to;
  if (!sight.spread.of_life) {
    evidence.from = sight.to - static_cast<DurationMs>(1000 * sight.spread.seconds);
  }
  evidence.value = subtask.total / std::max(1.0, typical);
  evidence.unit = "ratio";
  evidence.limit = peer_ratio_min(peers);
  evidence.limit_source = "to the median of the others, for " + std::to_string(peers) +
                          " subtasks, and 5 times their spread";
  evidence.sentence = "subtask " + std::to_string(subtask.index) + " handled " +
                      format_number(subtask.total, 0) + " records " + span_text(sight) + " (" +
                      percent(subtask.total / sight.spread.total()) +
                      "), the middle one of the others " + format_number(typical, 0);
  if (sight.spread.unseen > 0) {
    evidence.sentence += "; " + std::to_string(sight.spread.unseen) + " subtasks are not seen";
  }
  return evidence;
}

/// Others that are hot too, and those that get nothing.
void add_company(const Sight& sight, Finding& finding) {
  if (sight.skew.size() > 1) {
    std::string list;
    for (std::size_t i = 1; i < std::min<std::size_t>(sight.skew.size(), 6); ++i) {
      list += (i == 1 ? "" : ", ") + std::to_string(sight.spread.subtasks[sight.skew[i]].index);
    }
    finding.evidence.push_back(said("others", "hot as well: subtasks " + list));
  }
  const auto empty = std::count_if(sight.spread.subtasks.begin(), sight.spread.subtasks.end(),
                                   [](const SubtaskRecords& of) { return of.total < 1; });
  if (empty > 0) {
    finding.evidence.push_back(
        said("idle subtasks", std::to_string(empty) + " of " +
                                  std::to_string(sight.spread.subtasks.size()) +
                                  " subtasks got no record: there may be fewer keys or partitions "
                                  "than subtasks"));
  }
}

std::string weights_text(const Sight& sight) {
  const auto [least, most] = std::minmax_element(sight.weights.begin(), sight.weights.end());
  const auto with_most = std::count(sight.weights.begin(), sight.weights.end(), *most);
  const std::string what = sight.keyed ? " key groups" : " partitions";
  std::string text = std::to_string(with_most) + " of " + std::to_string(sight.weights.size()) +
                     " subtasks take " + format_number(*most, 0) + what + ", others " +
                     format_number(*least, 0);
  if (sight.keyed) {
    text += " (max parallelism " + std::to_string(sight.vertex.max_parallelism) +
            " is no multiple of parallelism " + std::to_string(sight.vertex.parallelism) + ")";
  }
  return text;
}

double lost_throughput(const Sight& sight, std::size_t hot) {
  const auto n = static_cast<double>(sight.spread.subtasks.size());
  return 1 - sight.spread.total() / n / std::max(1.0, sight.spread.subtasks[hot].total);
}

void add_remedies(const Window& window, const Sight& sight, Finding& finding) {
  if (!sight.keyed) {
    finding.remedy.push_back(
        {"give each subtask as many partitions: a parallelism that divides "
         "their number, or more partitions; or rebalance() behind the source",
         "", "", ""});
    return;
  }
  finding.remedy.push_back(
      {"spread the hot keys: aggregate before the keyBy, or add a salt to the "
       "key and merge in a second step; more parallelism does not help one "
       "key",
       "", "", ""});
  if (sight.vertex.name.find("GroupAggregate") == std::string::npos) return;
  const auto strategy = first_option(window.cluster, {"table.optimizer.agg-phase-strategy"});
  finding.remedy.push_back(
      {"SQL: aggregate in two phases (with mini-batches: "
       "table.exec.mini-batch.enabled, .allow-latency, .size)",
       "table.optimizer.agg-phase-strategy", strategy.value_or("AUTO (default)"), "TWO_PHASE"});
}

Finding report_skew(const Window& window, const Sight& sight, const Params& params) {
  const std::size_t hot = sight.skew.front();
  const SubtaskRecords& subtask = sight.spread.subtasks[hot];
  const Cost cost = cost_of(window, sight, subtask.index, params);
  const bool limits = (cost.busy && *cost.busy >= params["busy_min"]) || cost.holds_up;
  Finding finding;
  finding.detector = "data_skew";
  finding.subject = window.subject(sight.job, sight.vertex);
  finding.subject.subtask = subtask.index;
  finding.severity = limits && sight.keyed ? Severity::warning : Severity::info;
  finding.confidence = sight.spread.of_life ? Confidence::suspected : Confidence::confirmed;
  const double ratio = subtask.total / std::max(1.0, sight.spread.typical_but(hot));
  finding.summary = printable(sight.job.name, 80) + ": subtask " + std::to_string(subtask.index) +
                    " of " + printable(sight.vertex.name, 80) + " gets " +
                    percent(subtask.total / sight.spread.total()) + " of the records, " +
                    times(ratio) + " those of its siblings";
  finding.evidence.push_back(share_evidence(sight, hot));
  if (cost.busy) {
    Evidence busy = said(std::string(info(Metric::task_accumulated_busy).name),
                         "it is busy " + percent(*cost.busy) + " of the time" +
                             (cost.holds_up ? ", and what is before it waits for it" : ""));
    busy.value = cost.busy;
    busy.unit = "ratio";
    busy.limit = params["busy_min"];
    busy.limit_source = "from here on it limits the vertex; below it is advice";
    finding.evidence.push_back(std::move(busy));
  }
  finding.evidence.push_back(
      said("lost throughput", "dealt evenly the vertex could handle more by as much as " +
                                  percent(lost_throughput(sight, hot)) +
                                  " of its capacity (1 - mean / maximum)"));
  add_company(sight, finding);
  if (!sight.weights.empty()) {
    finding.evidence.push_back(said("arithmetic", weights_text(sight) + ": explains a part of it"));
  }
  add_remedies(window, sight, finding);
  finding.next_test = sight.keyed
                          ? "count records per key for a minute before the keyBy: is it one key, "
                            "or many that hash alike?"
                          : "compare the partitions' own rates at the broker";
  return finding;
}

Finding report_arithmetic(const Window& window, const Sight& sight) {
  const std::size_t hot = sight.hot.front();
  Finding finding;
  finding.detector = "data_skew";
  finding.subject = window.subject(sight.job, sight.vertex);
  finding.subject.subtask = sight.spread.subtasks[hot].index;
  finding.confidence = Confidence::confirmed;
  finding.summary = printable(sight.job.name, 80) + ": " + printable(sight.vertex.name, 80) +
                    " is dealt unevenly by arithmetic: " + weights_text(sight);
  finding.evidence.push_back(share_evidence(sight, hot));
  finding.evidence.push_back(
      said("lost throughput",
           "up to " + percent(lost_throughput(sight, hot)) + " of the vertex' capacity"));
  if (sight.keyed) {
    finding.remedy.push_back(
        {"choose a parallelism that divides max parallelism, which is fixed "
         "with the state",
         "parallelism.default", std::to_string(sight.vertex.parallelism), ""});
  } else {
    add_remedies(window, sight, finding);
  }
  return finding;
}

bool is_looked_at(const VertexFacts& vertex) {
  return vertex.parallelism > 1 && (vertex.inputs.empty() || is_keyed(vertex));
}

void judge_vertex(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                  const Params& params, Tally& tally) {
  const Metric metric = is_keyed(vertex) ? Metric::task_records_in : Metric::task_records_out;
  const auto newest = newest_sample(window, job, vertex, metric);
  const std::string name = printable(vertex.name, 60);
  if (!newest || window.now - *newest > kStaleMs) {
    return tally.blind(
        job, "no fresh record counts of " + name + "'s subtasks",
        window.has_reporter("taskmanager") ? std::vector<std::string>{} : reporter_lines());
  }
  const Sight sight = look(window, job, vertex, *newest, params);
  if (sight.spread.windows < (window.one_shot ? 1 : kWindows)) {
    return tally.learning(
        job, name + ": " + format_number(sight.spread.seconds / 60, 0) + " of " +
                 format_number(params["window_minutes"] * static_cast<double>(kWindows), 0) +
                 " minutes seen");
  }
  if (!sight.skew.empty()) return tally.judged(report_skew(window, sight, params));
  if (!sight.hot.empty()) return tally.judged(report_arithmetic(window, sight));
  tally.judged();
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.state != "RUNNING") return tally.keep(job);
  const DurationMs age = window.now - running_since(job);
  if (window.one_shot && static_cast<double>(age) < params["life_min_ms"]) {
    return tally.learning(
        job, "its tasks run for less than " + format_duration_ms(params["life_min_ms"]));
  }
  for (const VertexFacts& vertex : job.vertices) {
    if (is_looked_at(vertex)) judge_vertex(window, job, vertex, params, tally);
  }
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

constexpr Read kDataSkewReads[] = {
    {Metric::task_records_in, Feature::minutes, true},
    {Metric::task_records_out, Feature::minutes, true},
    {Metric::task_accumulated_busy, Feature::raw, false},
    {Metric::task_accumulated_idle, Feature::raw, false},
    {Metric::task_accumulated_backpressured, Feature::raw, false},
    {Metric::kafka_current_offset, Feature::latest, false},
    {Metric::split_watermark, Feature::latest, false},
};

extern const Detector data_skew{.name = "data_skew",
                                .summary = "one subtask gets the records of many",
                                .lane = Lane::ticket,
                                .cadence_ms = 30 * kSecondMs,
                                .hold_ms = 0,
                                .clear_ms = 10 * kMinuteMs,
                                .reads = kDataSkewReads,
                                .params = kParams,
                                .detect = detect};

}  // namespace detectors
}  // namespace doctor
