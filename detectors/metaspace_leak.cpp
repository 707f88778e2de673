// Metaspace that rises with every submission and is never given back: class loaders of finished
// jobs are held. Growth alone proves nothing, since a healthy JVM draws the same stairs until it
// unloads classes. Not for us: growth that no submission makes, and steps of jobs that still run.
#include <algorithm>
#include <cmath>
#include <span>

#include "detectors/advice.hpp"
#include "detectors/statistics/metaspace_process.hpp"
#include "detectors/statistics/shared_cause.hpp"
#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr Read kReads[] = {{Metric::jvm_metaspace_used, Feature::plateaus, true},
                           {Metric::jvm_metaspace_committed, Feature::latest, false},
                           {Metric::jvm_metaspace_max, Feature::latest, false},
                           {Metric::jvm_heap_max, Feature::latest, false},
                           {Metric::jvm_classes_loaded, Feature::plateaus, false},
                           {Metric::jvm_classes_unloaded, Feature::plateaus, false},
                           {Metric::gc_count, Feature::plateaus, false}};

constexpr Param kParams[] = {
    {"events_min", 5, "submissions that loaded classes before growth is worth a word"},
    {"finished_min", 4, "of those, whose job has ended"},
    {"p_max", 0.01, "exact Mann-Kendall probability of such a rise without a trend"},
    {"step_min_bytes", 1e6, "smallest rise per submission that counts"},
    {"step_room_ratio_min", 0.005, "the same as a share of what is left to the limit"},
    {"reclaim_ratio_max", 0.05,
     "classes unloaded per class loaded below which nothing is given back"},
    {"headroom_ratio", 0.5,
     "share of base to limit that ended jobs must have left behind before it is suspected"},
    {"suspected_submissions_left", 10, "or that few submissions left"},
    {"imminent_submissions_left", 3, "submissions left before it pages"},
    {"imminent_used_ratio", 0.9, "share of the limit that must be used before it pages"},
    {"lookahead_ms", 15000, "time until the next look; what submissions add meanwhile counts"},
    {"threshold_ratio", 3.4,
     "no JVM waits longer than this multiple of its base before it unloads"},
    {"oom_recent_ms", 30.0 * kMinuteMs, "how long an OutOfMemoryError counts as present"}};

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }

std::string step_text(const MetaspaceProcess& process) {
  return format_bytes(process.step) + " per submission";
}

Evidence level_evidence(const Window& window, const MetaspaceProcess& process) {
  const SteppedGrowth& growth = process.growth;
  Evidence evidence;
  evidence.metric = info(Metric::jvm_metaspace_used).name;
  evidence.from = growth.base_at;
  evidence.to = window.now;
  evidence.value = process.used;
  evidence.unit = "bytes";
  evidence.limit = process.limit.bytes;
  evidence.limit_source = process.limit.source;
  evidence.sentence =
      "Metaspace rose from " + format_bytes(growth.base) + " to " + format_bytes(process.used) +
      " over " + std::to_string(growth.events) + " submissions that loaded classes, " +
      step_text(process) +
      " (rising with every one; by chance p = " + format_number(growth.rising.p, 2) + "); " +
      (process.limit.bytes ? "the limit is " + format_bytes(*process.limit.bytes)
                           : std::string("no limit is known")) +
      ", " + format_bytes(process.occupied) + " are committed.";
  return evidence;
}

Evidence classes_evidence(const Window& window, const MetaspaceProcess& process) {
  const SteppedGrowth& growth = process.growth;
  Evidence evidence;
  evidence.metric = info(Metric::jvm_classes_unloaded).name;
  evidence.from = growth.base_at;
  evidence.to = window.now;
  evidence.unit = "count";
  if (!growth.unloaded_since || !growth.loaded_since) {
    evidence.sentence = "The counts of classes loaded and unloaded are not known.";
    return evidence;
  }
  evidence.value = growth.unloaded_since;
  evidence.limit = growth.loaded_since;
  evidence.limit_source = "classes loaded meanwhile";
  evidence.sentence = format_number(*growth.loaded_since, 0) + " classes were loaded since and " +
                      format_number(*growth.unloaded_since, 0) + " unloaded; " +
                      std::to_string(growth.finished) + " of the submitted jobs have ended.";
  return evidence;
}

std::string witness_text(const SteppedGrowth& growth) {
  const auto last = std::find_if(
      growth.opportunities.rbegin(), growth.opportunities.rend(),
      [](const Opportunity& opportunity) { return opportunity.outcome != Reclaim::none; });
  switch (growth.proof) {
    case Proof::beyond_threshold:
      return "It stands at " + format_number(growth.level / growth.base, 1) +
             " times its base: beyond the largest threshold at which a JVM unloads classes.";
    case Proof::rising_troughs:
      return "What is left after collections rises by at least half a step per submission.";
    case Proof::full_troughs:
      return "Full collections leave half of the room between base and limit used, and more each "
             "time.";
    case Proof::one_job_keeps:
      return "Collections unloaded " + percent(growth.kept->others_ratio) +
             " of the classes of the other finished jobs; of this one's " +
             std::to_string(growth.kept->finished) + " finished submissions " +
             percent(std::min(1.0, growth.kept->kept_ratio)) + " of the classes stay.";
    case Proof::barren_collection:
    case Proof::none:
      break;
  }
  if (last == growth.opportunities.rend()) {
    return "No collection that unloads classes was seen since, so a leak and a JVM that has not "
           "tidied up yet look the same.";
  }
  return std::string(last->full ? "A full collection"
                                : "Collections that unloaded single classes") +
         " after " + std::to_string(last->finished) + " finished jobs freed " +
         format_bytes(last->freed_bytes) + " and " + format_number(last->freed_classes, 0) +
         " classes.";
}

Evidence witness_evidence(const Window& window, const MetaspaceProcess& process) {
  Evidence evidence;
  evidence.metric = info(Metric::gc_count).name;
  evidence.from = process.growth.base_at;
  evidence.to = window.now;
  evidence.value = static_cast<double>(process.growth.opportunities.size());
  evidence.unit = "count";
  evidence.sentence = witness_text(process.growth);
  return evidence;
}

/// The job that explains what collections left; before any, the one that grew the most.
std::optional<std::string> carrier(const SteppedGrowth& growth) {
  if (growth.kept) return growth.kept->job;
  return steepest_job(growth.steps);
}

std::string summary_of(const MetaspaceProcess& process, const MetaspaceJudgement& judgement,
                       const std::optional<std::string>& job, const std::string& where) {
  const std::string of_job = job ? " of \"" + *job + "\"" : "";
  const std::string left = process.submissions_left
                               ? ", about " +
                                     format_number(std::floor(*process.submissions_left), 0) +
                                     " submissions before the limit"
                               : "";
  const std::string grows = "metaspace of " + where + " grows by " + format_bytes(process.step) +
                            " per submission" + of_job;
  switch (judgement.confidence) {
    case Confidence::imminent:
      return grows + " and is nearly full" + left + ": the process dies then";
    case Confidence::confirmed:
      return grows + " and is not given back" + left + ": a class loader leak";
    case Confidence::suspected:
      break;
  }
  if (judgement.severity == Severity::info) return grows + left;
  return grows + left +
         ": either a class loader leak, or a healthy JVM that has not unloaded classes yet";
}

std::vector<Remedy> remedies(const Window& window, const MetaspaceProcess& process) {
  const auto set = first_option(window.cluster, {process.limit.option});
  const double now = process.limit.bytes.value_or(0);
  std::vector<Remedy> remedy;
  remedy.push_back(
      {"Load the library that holds the class loader (drivers, shutdown hooks, thread "
       "locals, caches, own threads) once, from lib/, or close it in the job's close().",
       "classloader.parent-first-patterns.additional",
       first_option(window.cluster, {"classloader.parent-first-patterns.additional"})
           .value_or("not set"),
       "the package prefix of that library"});
  if (now > 0) {
    remedy.push_back({"More metaspace buys time, and a healthy JVM the room to unload.",
                      process.limit.option, set.value_or(memory_value(now)),
                      memory_value(2 * now)});
  }
  return remedy;
}

std::string place_of(const Window& window, EntityId process) {
  if (is_job_manager(window, process)) return "the JobManager";
  const TaskManagerFacts* tm = window.task_manager_of(process);
  return "TaskManager " +
         (tm == nullptr ? window.entities->name(process) : tm->id + " on " + tm->host);
}

Finding finding_of(const Window& window, const MetaspaceProcess& process,
                   const MetaspaceJudgement& judgement) {
  const std::string where = place_of(window, process.id);
  const std::optional<std::string> job = carrier(process.growth);
  Finding finding;
  finding.detector = "metaspace_leak";
  finding.severity = judgement.severity;
  finding.confidence = judgement.confidence;
  finding.subject = window.subject_of_process(process.id);
  finding.summary = printable(summary_of(process, judgement, job, where), 400);
  finding.evidence = {level_evidence(window, process), classes_evidence(window, process),
                      witness_evidence(window, process)};
  if (job) {
    Evidence of_job;
    of_job.metric = info(Metric::jvm_metaspace_used).name;
    of_job.sentence = printable("The steps come with submissions of \"" + *job + "\".", 300);
    finding.evidence.push_back(std::move(of_job));
  }
  finding.remedy = remedies(window, process);
  finding.next_test = "Run `jcmd PID GC.run` twice, a minute apart, on " + where +
                      ": a leak keeps its metaspace and unloads no classes, a healthy JVM falls "
                      "back to about " +
                      format_bytes(process.growth.base) + ".";
  finding.forecast = forecast_metaspace(window.now, process);
  return finding;
}

bool tells_of_metaspace(const std::string& text) {
  return text.find("OutOfMemoryError") != std::string::npos &&
         (text.find("Metaspace") != std::string::npos ||
          text.find("Compressed class space") != std::string::npos);
}

// The JVM's own word, in the exceptions of a job.
std::optional<Finding> out_of_memory(const Window& window, const JobFacts& job,
                                     DurationMs recent_ms) {
  const auto told = std::find_if(
      job.exceptions.rbegin(), job.exceptions.rend(), [&](const ExceptionRecord& exception) {
        return window.now - exception.at <= recent_ms &&
               (tells_of_metaspace(exception.name + " " + exception.message) ||
                tells_of_metaspace(exception.root_cause));
      });
  if (told == job.exceptions.rend()) return std::nullopt;
  Finding finding;
  finding.detector = "metaspace_leak";
  finding.severity = Severity::critical;
  finding.confidence = Confidence::confirmed;
  finding.subject = window.subject(job);
  finding.subject.task_manager = told->task_manager;
  finding.subject.process = "taskmanager";
  finding.summary =
      printable("\"" + job.name + "\" met OutOfMemoryError: Metaspace" +
                    (told->task_manager.empty() ? "" : " on TaskManager " + told->task_manager) +
                    ": class loaders of earlier submissions are held, or the limit "
                    "is too small for the jobs that run there",
                400);
  Evidence evidence;
  evidence.metric = "exceptions";
  evidence.from = evidence.to = told->at;
  evidence.sentence = printable(
      told->root_cause.empty() ? told->name + ": " + told->message : told->root_cause, 300);
  finding.evidence.push_back(std::move(evidence));
  MetaspaceProcess process;
  process.limit.option = "taskmanager.memory.jvm-metaspace.size";
  const TaskManagerFacts* tm =
      window.cluster == nullptr ? nullptr : window.cluster->task_manager(told->task_manager);
  if (tm != nullptr) process.limit.bytes = tm->memory.metaspace;
  finding.remedy = remedies(window, process);
  finding.next_test =
      "Restart the TaskManager, submit the same job several times, and see whether its metaspace "
      "keeps a step per submission after `jcmd PID GC.run`.";
  return finding;
}

/// Whether the clock that tells of jobs is ahead of ours: then time alone lets them begin or end.
bool is_ahead(const Window& window, std::span<const Submission> ordered) {
  return std::any_of(ordered.begin(), ordered.end(), [&](const Submission& job) {
    return job.start > window.now || (job.end > window.now && job.end != Submission::kNever);
  });
}

struct Coverage {
  std::vector<MetaspaceProcess> judged;
  std::vector<std::string> not_seen;  // processes that should answer and do not
  int learning{0};
  int events_most{0};  // among those that learn
  bool ahead{false};   // is_ahead()
};

Coverage examine_all(const Window& window, const Params& params) {
  Coverage coverage;
  const std::vector<Submission> ordered = submissions(window);
  coverage.ahead = is_ahead(window, ordered);
  std::vector<std::string> seen;
  for (const EntityId id : window.entities->children(kClusterEntity, Level::process)) {
    const std::optional<Sample> used = window.features->latest(Metric::jvm_metaspace_used, id);
    if (!used || !window.fresh(Metric::jvm_metaspace_used, *used)) continue;
    seen.push_back(window.entities->name(id));
    MetaspaceProcess process = examine_metaspace(window, params, ordered, id, *used);
    if (process.growth.events < static_cast<int>(params["events_min"])) {
      ++coverage.learning;
      coverage.events_most = std::max(coverage.events_most, process.growth.events);
    }
    coverage.judged.push_back(std::move(process));
  }
  const auto missing = [&](const std::string& name) {
    return std::find(seen.begin(), seen.end(), name) == seen.end();
  };
  if (missing("jobmanager")) coverage.not_seen.emplace_back("jobmanager");
  if (window.cluster == nullptr) return coverage;
  for (const TaskManagerFacts& tm : window.cluster->task_managers) {
    if (missing(reporter_filtered(tm.id))) coverage.not_seen.push_back(tm.id);
  }
  return coverage;
}

std::string fullest(const Coverage& coverage, const Window& window) {
  const MetaspaceProcess* most = nullptr;
  for (const MetaspaceProcess& process : coverage.judged) {
    if (!process.limit.bytes) continue;
    if (most == nullptr ||
        process.occupied / *process.limit.bytes > most->occupied / *most->limit.bytes) {
      most = &process;
    }
  }
  if (most == nullptr) return "";
  return "; fullest: " + place_of(window, most->id) + ", " + format_bytes(most->occupied) + " of " +
         format_bytes(*most->limit.bytes);
}

void explain(Verdict& verdict, const Coverage& coverage, const Window& window,
             const Params& params) {
  const int needed = static_cast<int>(params["events_min"]) + 1;
  const std::string full = fullest(coverage, window);
  if (coverage.judged.empty()) {
    if (verdict.state == DetectorState::ok) verdict.state = DetectorState::blind;
    verdict.why = "no process tells its metaspace";
    verdict.enable = reporter_lines();
    return;
  }
  if (window.one_shot) {
    if (verdict.state == DetectorState::ok) verdict.state = DetectorState::learning;
    verdict.why = "growth per submission shows only over " + std::to_string(needed) +
                  " submissions that the daemon watches" + full;
    return;
  }
  if (coverage.learning == static_cast<int>(coverage.judged.size()) && coverage.events_most > 0) {
    if (verdict.state == DetectorState::ok) verdict.state = DetectorState::learning;
    verdict.why = std::to_string(coverage.events_most + 1) + " of " + std::to_string(needed) +
                  " submissions seen" + full;
  } else if (coverage.learning > 0) {
    verdict.why = "in " + std::to_string(coverage.learning) + " of " +
                  std::to_string(coverage.judged.size()) +
                  " processes no submission loads classes, or too few did yet" + full;
  }
  if (coverage.not_seen.empty()) return;
  verdict.why += (verdict.why.empty() ? "" : "; ") + std::to_string(coverage.not_seen.size()) +
                 " processes tell no metaspace (" + coverage.not_seen.front() +
                 (coverage.not_seen.size() > 1 ? ", …)" : ")");
  verdict.enable = reporter_lines();
}

Verdict detect(const Window& window, const Params& params) {
  Verdict verdict;
  const Coverage coverage = examine_all(window, params);
  verdict.unjudged = coverage.not_seen;
  std::vector<Finding> findings;
  if (!window.one_shot) {
    for (const MetaspaceProcess& process : coverage.judged) {
      if (const auto judgement = judge_metaspace(process, params)) {
        findings.push_back(finding_of(window, process, *judgement));
      }
    }
  }
  // Each job of a session runs everywhere, and its loaders stay on all TaskManagers or on none.
  findings = shared_or_single(window, std::move(findings), coverage.judged.size());
  const auto recent_ms =
      window.one_shot ? kDayMs : static_cast<DurationMs>(params["oom_recent_ms"]);
  for (const JobFactsPtr& job : window.jobs) {
    if (auto finding = out_of_memory(window, *job, recent_ms)) {
      findings.push_back(std::move(*finding));
    }
  }
  add_worst_first(verdict, std::move(findings));
  // Whoever neither grows nor is proven to leak does not begin to by waiting, and what the JVM said
  // of itself only gets older.
  if (verdict.findings.empty() && !coverage.ahead) verdict.same_until = kForEver;
  explain(verdict, coverage, window, params);
  return verdict;
}

}  // namespace

namespace detectors {
extern const Detector metaspace_leak{
    .name = "metaspace_leak",
    .summary = "metaspace rises with every submission and is not given back",
    .lane = Lane::page,
    .cadence_ms = 5 * kSecondMs,
    .hold_ms = 0,
    .clear_ms = 2 * kMinuteMs,
    .reads = kReads,
    .params = kParams,
    .detect = detect};
}  // namespace detectors

}  // namespace doctor
