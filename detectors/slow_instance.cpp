// A subtask is slow with its equal share of the records: a record costs it a multiple of what it
// costs its siblings. Where one TaskManager or host is slow in two vertices or more, it is named
// instead of them. Not for us: a subtask that gets more records (data_skew), and vertices whose
// subtasks are all busy (backpressure).
#include <algorithm>
#include <map>
#include <set>

#include "detectors/advice.hpp"
#include "detectors/evidence.hpp"
#include "detectors/job_times.hpp"
#include "detectors/statistics/bottleneck.hpp"
#include "detectors/statistics/record_cost.hpp"
#include "detectors/statistics/trend.hpp"
#include "detectors/tally.hpp"

namespace doctor {
namespace {

constexpr Param kParams[] = {
    {"busy_min", 0.5, "share of the time; a subtask less busy than this is not looked at"},
    {"limiting_busy_min", 0.8, "a slow subtask this busy limits the vertex: warning, else advice"},
    {"records_ratio_max", 1.5, "records to the others' median; more of them is skew"},
    {"window_minutes", 2, "minutes that are compared together, in three such windows"},
    {"warm_up_ms", kMinuteMs, "after all tasks run; code is compiled and caches fill"},
    {"gc_min", 0.10, "share of the time in garbage collection that explains a slow TaskManager"},
    {"cpu_share_max", 0.5, "processor time per busy time, to that of the other TaskManagers"},
};

constexpr DurationMs kStaleMs = 90 * kSecondMs;

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }

using Slow = std::vector<SlowSubtask>;
using BusyOf = std::map<EntityId, double>;  // process → busy time of its tasks, in cores

/// Busy time of all tasks on each process, for comparison with the processor time it used.
BusyOf busy_by_process(const Window& window) {
  BusyOf busy;
  for (const JobFactsPtr& job : window.jobs) {
    const auto span = job->is_terminal() ? std::nullopt : sample_span(window, *job);
    if (!span) continue;
    const WindowSpec spec{std::min(span->newest, window.now), 5 * kMinuteMs, 1};
    for (const VertexLoad& load : loads_of(window, *job, spec)) {
      for (const SubtaskLoad& subtask : load.subtasks) {
        const EntityId process = window.features->process_of(subtask.entity);
        if (process == kNoEntity || !subtask.shares) continue;
        busy[process] += subtask.shares->busy.value_or(0);
      }
    }
  }
  return busy;
}

/// Median of a figure over the other processes.
template <typename Figure>
std::optional<double> others(const BusyOf& processes, EntityId but, const Figure& figure) {
  std::vector<double> values;
  for (const auto& [process, busy] : processes) {
    if (process == but) continue;
    if (const std::optional<double> value = figure(process, busy)) values.push_back(*value);
  }
  return median(values);
}

enum class Cause { unseen, collecting, starved, computing };

/// What the slow TaskManager does with its time.
struct Check {
  Cause cause{Cause::unseen};
  std::string text;
};

Check check_of(const Window& window, EntityId process, const Params& params) {
  if (process == kNoEntity) return {Cause::unseen, "where it runs is not known"};
  const BusyOf busy = busy_by_process(window);
  const auto collecting = [&](EntityId of, double) { return gc_share(window, of); };
  const auto gc = gc_share(window, process);
  const auto other_gc = others(busy, process, collecting);
  if (gc && *gc >= params["gc_min"] && *gc >= 2 * other_gc.value_or(0)) {
    return {Cause::collecting, "garbage collection takes " + percent(*gc) + " of its time" +
                                   (other_gc ? ", " + percent(*other_gc) + " on the others" : "")};
  }
  const auto efficiency = [&](EntityId of, double busy_cores) -> std::optional<double> {
    const auto used = cores_used(window, of);
    if (!used || busy_cores < 0.1) return std::nullopt;
    return *used / busy_cores;
  };
  const auto own_busy = busy.find(process);
  const auto own = efficiency(process, own_busy == busy.end() ? 0 : own_busy->second);
  const auto other = others(busy, process, efficiency);
  const std::string gc_text = gc ? "garbage collection is not it (" + percent(*gc) + "); " : "";
  if (!own || !other) {
    return {Cause::unseen, gc_text + "its processor time is not seen beside that of another"};
  }
  const std::string figures = format_number(*own, 2) + " cores used per busy task, " +
                              format_number(*other, 2) + " on the others";
  if (*own <= params["cpu_share_max"] * *other) {
    return {Cause::starved,
            gc_text + "it is busy without getting a processor, or waits for a disk or a service (" +
                figures + ")"};
  }
  return {Cause::computing, gc_text + "it computes as much as the others while it is busy (" +
                                figures +
                                "): a slower processor or loud neighbours, or its "
                                "records cost more"};
}

void add_remedies(const Check& check, Finding& finding) {
  switch (check.cause) {
    case Cause::collecting:
      finding.remedy.push_back(
          {"take a heap histogram there (jcmd PID GC.class_histogram): what "
           "fills its heap and not the others'?",
           "taskmanager.memory.task.heap.size", "", "half as much again"});
      break;
    case Cause::starved:
      finding.remedy.push_back(
          {"look at the container's CPU limit and throttling, the host's "
           "steal and I/O wait, and the disk of io.tmp.dirs",
           "taskmanager.cpu.cores", "", ""});
      break;
    default:
      finding.remedy.push_back(
          {"compare the host with the others (processor, frequency, "
           "neighbours), and take it out of service if it is slow",
           "", "", ""});
  }
}

std::string place_text(const Window& window, EntityId process) {
  if (process == kNoEntity) return "a TaskManager that is not known";
  const TaskManagerFacts* tm = window.task_manager_of(process);
  const std::string name = tm == nullptr ? window.entities->name(process) : tm->id;
  return "TaskManager " + printable(name, 80) +
         (tm == nullptr || tm->host.empty() ? "" : " on " + printable(tm->host, 80));
}

Evidence cost_evidence(const SlowSubtask& slow) {
  Evidence evidence =
      said(std::string(info(Metric::task_accumulated_busy).name),
           printable(slow.job->name, 60) + " › " + printable(slow.vertex->name, 60) + " subtask " +
               std::to_string(slow.index) + ": busy " + percent(slow.busy) + ", the middle one " +
               percent(slow.typical_busy) + ", with " + format_number(slow.record_ratio, 2) +
               " × the records; a record costs " + format_number(slow.cost_ratio, 2) + " ×");
  evidence.value = slow.cost_ratio;
  evidence.unit = "ratio";
  evidence.limit_source =
      "2 to 3 times the others' median by the number of subtasks, and 5 times their spread";
  return evidence;
}

bool limits(const SlowSubtask& slow, const Params& params) {
  return slow.busy >= params["limiting_busy_min"];
}

Finding report_subtask(const Window& window, const SlowSubtask& slow, const Params& params) {
  const Check check = check_of(window, slow.process, params);
  Finding finding;
  finding.detector = "slow_instance";
  finding.subject = window.subject(*slow.job, *slow.vertex);
  finding.subject.subtask = slow.index;
  finding.severity = limits(slow, params) ? Severity::warning : Severity::info;
  // One subtask alone may have costlier keys; a TaskManager that collects or starves has not.
  const bool sure = check.cause == Cause::collecting || check.cause == Cause::starved;
  finding.confidence = sure ? Confidence::confirmed : Confidence::suspected;
  finding.summary = printable(slow.job->name, 80) + ": subtask " + std::to_string(slow.index) +
                    " of " + printable(slow.vertex->name, 80) +
                    " is slow with an equal share of the records, on " +
                    place_text(window, slow.process);
  finding.evidence.push_back(cost_evidence(slow));
  finding.evidence.push_back(said("TaskManager", check.text));
  add_remedies(check, finding);
  finding.next_test =
      "restart that TaskManager so that the subtask runs elsewhere: if the same subtask is slow "
      "again, its keys are costly; if not, it was the host";
  return finding;
}

Finding report_process(const Window& window, EntityId process, const Slow& slow,
                       const Params& params) {
  const Check check = check_of(window, process, params);
  Finding finding;
  finding.detector = "slow_instance";
  finding.subject = window.subject_of_process(process);
  std::set<std::string> jobs;
  std::set<const VertexFacts*> vertices;
  bool limiting = false;
  for (const SlowSubtask& of : slow) {
    jobs.insert(window.lineage(*of.job));
    vertices.insert(of.vertex);
    limiting = limiting || limits(of, params);
  }
  if (jobs.size() == 1) finding.subject.job_name = *jobs.begin();
  finding.severity = limiting ? Severity::warning : Severity::info;
  finding.confidence = Confidence::confirmed;
  finding.summary = place_text(window, process) + " is slow: its subtasks of " +
                    std::to_string(vertices.size()) +
                    " vertices pay more per record than their siblings";
  for (std::size_t i = 0; i < std::min<std::size_t>(slow.size(), 4); ++i) {
    finding.evidence.push_back(cost_evidence(slow[i]));
  }
  finding.evidence.push_back(said("TaskManager", check.text));
  add_remedies(check, finding);
  finding.next_test = "run the same load on another host: it follows the host, not the subtasks";
  return finding;
}

/// Slow subtasks by process; those of one vertex only stay with it.
void report(const Window& window, const Slow& slow, const Params& params, Tally& tally) {
  std::map<EntityId, Slow> by_process;
  for (const SlowSubtask& of : slow) {
    if (of.process != kNoEntity) by_process[of.process].push_back(of);
  }
  std::set<EntityId> blamed;
  for (const auto& [process, of] : by_process) {
    std::set<const VertexFacts*> vertices;
    for (const SlowSubtask& one : of) vertices.insert(one.vertex);
    if (vertices.size() < 2) continue;
    blamed.insert(process);
    tally.judged(report_process(window, process, of, params));
  }
  std::set<const VertexFacts*> named;  // the slowest of a vertex comes first
  for (const SlowSubtask& of : slow) {
    if (blamed.contains(of.process) || !named.insert(of.vertex).second) continue;
    tally.judged(report_subtask(window, of, params));
  }
}

void judge(const Window& window, const JobFacts& job, const Params& params, Slow& slow,
           Tally& tally) {
  if (job.state != "RUNNING") return tally.keep(job);
  const bool parallel = std::any_of(job.vertices.begin(), job.vertices.end(),
                                    [](const VertexFacts& of) { return of.parallelism > 1; });
  if (!parallel) return tally.judged();
  if (window.one_shot) return tally.learning(job, "needs some minutes of watching");
  const auto span = sample_span(window, job);
  if (!span || window.now - span->newest > kStaleMs) {
    if (!is_at_least(window.cluster, 1, 16)) {
      return tally.blind(job, "Flink before 1.16 keeps no accumulated busy times");
    }
    return tally.blind(
        job, "no fresh busy times of its tasks",
        window.has_reporter("taskmanager") ? std::vector<std::string>{} : reporter_lines());
  }
  CostRules rules;
  rules.minutes = static_cast<int>(params["window_minutes"]);
  rules.busy_min = params["busy_min"];
  rules.records_equal = params["records_ratio_max"];
  rules.newest = span->newest;
  rules.not_before = running_since(job) + static_cast<DurationMs>(params["warm_up_ms"]);
  if (span->newest < rules.not_before +
                         static_cast<DurationMs>(rules.windows_min) * rules.minutes * kMinuteMs +
                         kMinuteMs) {
    return tally.learning(job, "its tasks run for a few minutes only");
  }
  for (const VertexFacts& vertex : job.vertices) {
    if (vertex.parallelism < 2) continue;
    CostView view = slow_subtasks(window, job, vertex, rules);
    slow.insert(slow.end(), view.slow.begin(), view.slow.end());
  }
  tally.judged();
}

Verdict detect(const Window& window, const Params& params) {
  Tally tally;
  Slow slow;
  for (const JobFactsPtr& job : window.jobs) {
    if (streams(*job)) judge(window, *job, params, slow, tally);
  }
  report(window, slow, params, tally);
  return std::move(tally).finish();
}

}  // namespace

namespace detectors {

constexpr Read kSlowInstanceReads[] = {
    {Metric::task_accumulated_busy, Feature::raw, true},
    {Metric::task_accumulated_idle, Feature::raw, true},
    {Metric::task_accumulated_backpressured, Feature::raw, true},
    {Metric::task_records_in, Feature::minutes, true},
    {Metric::task_records_out, Feature::minutes, true},
    {Metric::jvm_cpu_time, Feature::raw, false},
    {Metric::gc_time, Feature::raw, false},
};

extern const Detector slow_instance{
    .name = "slow_instance",
    .summary = "a subtask, TaskManager or host that is slow with an equal share of the records",
    .lane = Lane::ticket,
    .cadence_ms = 30 * kSecondMs,
    .hold_ms = 3 * kMinuteMs,
    .clear_ms = 10 * kMinuteMs,
    .reads = kSlowInstanceReads,
    .params = kParams,
    .detect = detect};

}  // namespace detectors
}  // namespace doctor
