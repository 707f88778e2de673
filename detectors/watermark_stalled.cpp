// Event time stands still behind a source although records come: one idle or stuck partition holds
// the minimum that all wait for, windows neither fire nor go away. Not for us: nights, when nobody
// gets records; idle partitions that are marked idle (what is behind them gets on); inputs that
// ended; jobs without event time; and sources that are held up themselves (backpressure).
#include <algorithm>
#include <cmath>

#include "detectors/advice.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/event_time.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"still_ms", 3 * kMinuteMs, "without a move, while siblings move or records come"},
    {"intervals_min", 5, "and so many of pipeline.auto-watermark-interval"},
    {"grace_ms", 2 * kMinuteMs, "after all tasks run"},
    {"moves_min", 3, "moves of a sibling before it counts as one that gets on"},
    {"future_ms", kHourMs, "a watermark so far ahead of the clock comes from a wrong timestamp"},
};

constexpr std::size_t kNamedMax = 5;

std::string duration(double ms) { return format_duration_ms(ms); }

/// What was seen of one job.
struct Sight {
  const JobFacts& job;
  TimeRules rules;
  std::vector<VertexTime> times{};
};

TimeRules rules_of(const Window& window, const JobFacts& job, const Params& params) {
  TimeRules rules;
  rules.still_ms = static_cast<DurationMs>(params["still_ms"]);
  const auto set = first_option(window.cluster, {"pipeline.auto-watermark-interval"});
  const auto interval = set ? parse_duration_ms(*set) : std::nullopt;
  if (interval && *interval > 0 && *interval < kHourMs) {
    const double long_enough = params["intervals_min"] * static_cast<double>(*interval);
    rules.still_ms = std::max(rules.still_ms, static_cast<DurationMs>(long_enough));
  }
  rules.since = running_since(job);
  rules.moves_min = window.one_shot ? 1 : static_cast<std::uint32_t>(params["moves_min"]);
  rules.one_look = window.one_shot;
  return rules;
}

/// Why the holder does not get on.
enum class Reason {
  unseen,     // which subtask it is was not seen
  never,      // it has not had a watermark yet
  no_source,  // its source makes none at all
  idle,       // it gets no records
  stuck,      // it gets records, its siblings get on
  frozen,     // records come everywhere, and nobody gets on
};

struct Culprit {
  Reason reason{Reason::unseen};
  const VertexTime* vertex{nullptr};
  const SubtaskTime* subtask{nullptr};
};

Culprit culprit_of(const Sight& sight, const Stall& stall) {
  Culprit culprit;
  if (stall.holders.empty()) return culprit;
  culprit.vertex = &sight.times[stall.holders.front().vertex];
  culprit.subtask = &culprit.vertex->subtasks[stall.holders.front().subtask];
  if (culprit.subtask->progress == Progress::none) {
    culprit.reason = culprit.vertex->makes_watermarks ? Reason::never : Reason::no_source;
  } else if (culprit.subtask->records.value_or(0) < 1) {
    culprit.reason = Reason::idle;
  } else {
    culprit.reason = stall.movers == 0 ? Reason::frozen : Reason::stuck;
  }
  return culprit;
}

std::string reason_text(const Culprit& culprit) {
  const std::string who = culprit.subtask == nullptr
                              ? std::string()
                              : "subtask " + std::to_string(culprit.subtask->index) + " of " +
                                    printable(culprit.vertex->vertex->name, 80);
  switch (culprit.reason) {
    case Reason::unseen:
      return "one of the source's subtasks holds the minimum; which one was not seen";
    case Reason::never:
      return who + " has never had a watermark: it has no partition, or one without records";
    case Reason::no_source:
      return printable(culprit.vertex->vertex->name, 80) +
             " makes no watermarks at all, so what it is joined with has none either";
    case Reason::idle:
      return who + " gets no records and holds the minimum";
    case Reason::stuck:
      return who +
             " gets records, but its watermark stands still: one of its partitions is idle, "
             "or its timestamps do not get on";
    case Reason::frozen:
      return "records come, but their timestamps do not get on: no subtask of " +
             printable(culprit.vertex->vertex->name, 80) + " advances its watermark";
  }
  return {};
}

Evidence still_evidence(const Window& window, const Sight& sight, const Stall& stall) {
  const VertexTime& receiver = sight.times[stall.receiver];
  const SubtaskTime& waits = receiver.subtasks[stall.receiver_subtask];
  const bool never = waits.progress == Progress::none;
  const DurationMs still_ms = still_for(waits, sight.rules, window.now);
  Evidence evidence = said(std::string(info(Metric::task_input_watermark).name), "");
  const TimestampMs since = never ? sight.rules.since : waits.still_since;
  evidence.from = since;
  evidence.to = since + still_ms;
  evidence.value = static_cast<double>(still_ms);
  evidence.unit = "milliseconds";
  evidence.limit = static_cast<double>(sight.rules.still_ms);
  evidence.limit_source =
      "three minutes, five watermark intervals, and more than the pauses it is used to";
  evidence.sentence = printable(receiver.vertex->name, 80);
  if (never) {
    evidence.sentence += " has had no watermark since its tasks run";
  } else if (window.one_shot) {
    evidence.sentence += "'s watermark did not move between two polls";
  } else {
    evidence.sentence +=
        "'s watermark has not moved for " + duration(static_cast<double>(still_ms));
  }
  if (stall.ahead && !never) {
    evidence.sentence += "; it is " + duration(std::max(0.0, *stall.ahead - waits.watermark)) +
                         " of event time behind the subtasks that get on";
  }
  return evidence;
}

/// Splits of the holder that have its watermark, where Flink (2.1 and later) tells.
std::string splits_of(const Window& window, const SubtaskTime& holder) {
  std::string names;
  std::size_t named = 0;
  for (const EntityId op : window.entities->children(holder.entity, Level::operator_)) {
    for (const EntityId split : window.entities->children(op, Level::split)) {
      const auto watermark = window.latest(Metric::split_watermark, split);
      if (!watermark || *watermark > holder.watermark + 1 || ++named > kNamedMax) continue;
      names += (names.empty() ? "" : ", ") + printable(window.entities->name(split), 80);
    }
  }
  return names;
}

void add_holder(const Window& window, const Sight& sight, const Stall& stall,
                const Culprit& culprit, const Params& params, Finding& finding) {
  const SubtaskTime& holder = *culprit.subtask;
  if (holder.idle_ms) {
    Evidence idle = said(std::string(info(Metric::source_idle_time).name),
                         "it has been without records for " + duration(*holder.idle_ms));
    idle.value = holder.idle_ms;
    idle.unit = "milliseconds";
    finding.evidence.push_back(std::move(idle));
  }
  if (holder.records && culprit.reason != Reason::idle) {
    finding.evidence.push_back(
        said(std::string(info(Metric::task_records_out).name),
             "it sent " + format_number(*holder.records, 0) + " records in two minutes"));
  }
  const bool has_time = holder.progress == Progress::still;
  const double ahead_ms = holder.watermark - static_cast<double>(window.now);
  if (has_time && ahead_ms > params["future_ms"]) {
    finding.evidence.push_back(said(
        std::string(info(Metric::operator_output_watermark).name),
        "its watermark is " + duration(ahead_ms) +
            " ahead of the clock: a record with a wrong timestamp, and all after it are late"));
  }
  if (const std::string splits = has_time ? splits_of(window, holder) : ""; !splits.empty()) {
    finding.evidence.push_back(said("splits", "partitions at the minimum: " + splits));
  }
  if (stall.holders.size() < 2) return;
  std::string list;
  for (std::size_t i = 1; i < std::min(stall.holders.size(), kNamedMax + 1); ++i) {
    const HolderRef& ref = stall.holders[i];
    list += (i == 1 ? "" : ", ") + printable(sight.times[ref.vertex].vertex->name, 60) + " " +
            std::to_string(sight.times[ref.vertex].subtasks[ref.subtask].index);
  }
  finding.evidence.push_back(
      said("others", std::to_string(stall.holders.size() - 1) + " more stand still: " + list));
}

void add_remedies(const Window& window, const Culprit& culprit, Finding& finding) {
  const auto timeout = first_option(window.cluster, {"table.exec.source.idle-timeout"});
  const Remedy idleness{
      "mark idle partitions, so that nobody waits for them: WatermarkStrategy.withIdleness(…) in "
      "code; in SQL",
      "table.exec.source.idle-timeout", timeout.value_or("0 (default: never idle)"), "1 min"};
  switch (culprit.reason) {
    case Reason::frozen:
      finding.remedy.push_back(
          {"look at the records' timestamps and at the timestamp assigner: "
           "idleness does not help here",
           "", "", ""});
      return;
    case Reason::no_source:
      finding.remedy.push_back(
          {"give that source a WatermarkStrategy too, if event time is used "
           "behind the two; if not, this is harmless",
           "", "", ""});
      return;
    case Reason::never:
      finding.remedy.push_back(
          {"a source with more subtasks than partitions leaves some without: as many subtasks as "
           "partitions at most",
           "parallelism.default", std::to_string(culprit.vertex->vertex->parallelism), ""});
      break;
    default:
      break;
  }
  finding.remedy.push_back(idleness);
}

std::string_view next_test(Reason reason) {
  switch (reason) {
    case Reason::idle:
    case Reason::never:
      return "send one record to each partition of that subtask: event time gets on at once";
    case Reason::stuck:
      return "compare the newest timestamps per partition at the broker (Flink 2.1 and later tell "
             "watermarks per split)";
    default:
      return "read some records and compare their timestamps with the watermark";
  }
}

Finding report(const Window& window, const Sight& sight, const Stall& stall, const Params& params) {
  const Culprit culprit = culprit_of(sight, stall);
  const bool known = culprit.vertex != nullptr;
  Finding finding;
  finding.detector = "watermark_stalled";
  finding.subject = window.subject(
      sight.job, known ? *culprit.vertex->vertex : *sight.times[stall.receiver].vertex);
  if (known && culprit.reason != Reason::frozen && culprit.reason != Reason::no_source) {
    finding.subject.subtask = culprit.subtask->index;
  }
  // A source without any watermark may be meant so: nobody sees whether event time is used there.
  finding.severity = culprit.reason == Reason::no_source ? Severity::info : Severity::warning;
  const bool sure = known && stall.unseen == 0 && !window.one_shot &&
                    culprit.reason != Reason::no_source &&
                    (culprit.reason != Reason::never || window.has_reporter("taskmanager"));
  finding.confidence = sure ? Confidence::confirmed : Confidence::suspected;
  finding.summary =
      printable(sight.job.name, 80) + ": event time stands still, " + reason_text(culprit);
  finding.evidence.push_back(still_evidence(window, sight, stall));
  finding.evidence.push_back(
      said(std::string(info(Metric::operator_output_watermark).name),
           "of the subtasks above it " + std::to_string(stall.movers) + " get on, " +
               std::to_string(stall.still) + " stand still" +
               (stall.unseen == 0 ? "" : ", " + std::to_string(stall.unseen) + " are not seen")));
  if (known) add_holder(window, sight, stall, culprit, params, finding);
  add_remedies(window, culprit, finding);
  finding.next_test = next_test(culprit.reason);
  return finding;
}

void judge(const Window& window, const JobFacts& job, const Params& params, Tally& tally) {
  if (job.state != "RUNNING") return tally.keep(job);
  Sight sight{job, rules_of(window, job, params)};
  const DurationMs age = window.now - sight.rules.since;
  if (static_cast<double>(age) < params["grace_ms"]) {
    return tally.learning(job, "its tasks run for " +
                                   duration(std::max(0.0, static_cast<double>(age))) +
                                   "; judged from " + duration(params["grace_ms"]) + " on");
  }
  sight.times = times_of(window, job, sight.rules);
  const bool any = std::any_of(sight.times.begin(), sight.times.end(),
                               [](const VertexTime& time) { return time.makes_watermarks; });
  if (!any) {
    if (sees_watermarks(window, job) || job.vertices.empty()) return tally.judged();
    return tally.blind(
        job, "its tasks' watermarks are not seen",
        window.has_reporter("taskmanager") ? std::vector<std::string>{} : reporter_lines());
  }
  const std::vector<Stall> stalls = stalls_of(sight.times, sight.rules, window.now);
  for (const Stall& stall : stalls) tally.judged(report(window, sight, stall, params));
  if (stalls.empty()) tally.judged();
}

Verdict detect(const Window& window, const Params& params) {
  return judge_streams(
      window, [&](const JobFacts& job, Tally& tally) { judge(window, job, params, tally); });
}

}  // namespace

namespace detectors {

constexpr Read kWatermarkStalledReads[] = {
    {Metric::operator_output_watermark, Feature::moves, true},
    {Metric::task_input_watermark, Feature::moves, true},
    {Metric::task_records_out, Feature::minutes, true},
    {Metric::source_idle_time, Feature::latest, false},
    {Metric::task_accumulated_busy, Feature::raw, false},
    {Metric::task_accumulated_idle, Feature::raw, false},
    {Metric::task_accumulated_backpressured, Feature::raw, false},
    {Metric::split_watermark, Feature::latest, false},
};

extern const Detector watermark_stalled{
    .name = "watermark_stalled",
    .summary = "event time stands still: one partition holds the minimum",
    .lane = Lane::ticket,
    .cadence_ms = 15 * kSecondMs,
    .hold_ms = 0,
    .clear_ms = 3 * kMinuteMs,
    .reads = kWatermarkStalledReads,
    .params = kParams,
    .detect = detect};

}  // namespace detectors
}  // namespace doctor
