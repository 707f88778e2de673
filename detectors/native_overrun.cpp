// RocksDB uses more native memory than it was given: past the slot's share of managed memory, or,
// with managed memory off, past what the TaskManager has for it. Nobody limits that memory, so the
// process outgrows its size and a container is killed. Not for us: Managed.Used (a reservation) and
// a cache that fills up to its capacity and stays.
#include <algorithm>
#include <map>
#include <set>

#include "detectors/advice.hpp"
#include "detectors/statistics/rocksdb_use.hpp"
#include "model/detector.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr Read kReads[] = {{Metric::rocksdb_block_cache_usage, Feature::latest, true},
                           {Metric::rocksdb_block_cache_capacity, Feature::latest, false},
                           {Metric::rocksdb_block_cache_pinned_usage, Feature::latest, false},
                           {Metric::rocksdb_memtables, Feature::latest, false},
                           {Metric::rocksdb_table_readers, Feature::latest, false},
                           {Metric::managed_used, Feature::latest, false},
                           {Metric::managed_total, Feature::latest, false}};

constexpr double kMib = 1024.0 * 1024.0;

constexpr Param kParams[] = {
    {"share_ratio_min", 1.0, "use of a slot's share above which RocksDB overruns it"},
    {"budget_ratio_min", 1.0,
     "unmanaged: use of its slots' managed memory above which it overruns"},
    {"arena_block_bytes", 8 * kMib, "memtables count whole arena blocks of this size (up to 1.20)"},
    {"arena_block_2x_bytes", 1 * kMib, "the same with the RocksDB of Flink 2.x"},
    {"pin_ratio_min", 0.7, "pinned share of the cache that is worth a word"}};

struct Overrun {
  double use{}, limit{};
  std::string limit_source;
  std::string sentence;
  Severity severity{Severity::warning};
};

std::string place_of(const Window& window, const RocksDbProcess& process) {
  const TaskManagerFacts* tm = window.task_manager_of(process.process);
  if (tm == nullptr) return "TaskManager " + window.entities->name(process.process);
  return "TaskManager " + tm->id + " on " + tm->host;
}

// The fullest slot speaks for its process. A slot's cache is known through each subtask in it; what
// its subtasks hold outside the cache comes on top.
std::optional<Overrun> managed_overrun(const RocksDbProcess& process, const Params& params) {
  if (!process.share) return std::nullopt;
  const RocksDbInstance* fullest = nullptr;
  const auto use_of = [](const RocksDbInstance& instance) {
    return instance.cache_usage.value_or(0) + instance.table_readers;
  };
  for (const RocksDbInstance& instance : process.instances) {
    if (instance.cache_usage && (fullest == nullptr || use_of(instance) > use_of(*fullest))) {
      fullest = &instance;
    }
  }
  if (fullest == nullptr) return std::nullopt;
  Overrun overrun;
  overrun.use = use_of(*fullest);
  overrun.limit = *process.share;
  overrun.limit_source = process.share_source;
  if (overrun.use <= params["share_ratio_min"] * overrun.limit) return std::nullopt;
  const double excess = overrun.use - overrun.limit;
  if (process.overhead && excess > *process.overhead) overrun.severity = Severity::critical;
  overrun.sentence = "RocksDB's cache of one slot holds " +
                     format_bytes(fullest->cache_usage.value_or(0)) + " (memtables included), " +
                     format_bytes(fullest->table_readers) +
                     " of index and filter blocks lie outside it; the slot's share is " +
                     format_bytes(overrun.limit) + ".";
  return overrun;
}

// Subtasks of one job with one index share a slot, so these pairs count the slots that hold
// RocksDB.
std::size_t slots_with_rocksdb(const RocksDbProcess& process) {
  std::set<std::pair<std::string, int>> slots;
  for (const RocksDbInstance& instance : process.instances) {
    slots.emplace(instance.job, instance.subtask);
  }
  return slots.size();
}

std::optional<Overrun> unmanaged_overrun(const RocksDbProcess& process, const Params& params) {
  if (!process.managed_total) return std::nullopt;
  double reserved = 0;
  int families = 0;
  Overrun overrun;
  for (const RocksDbInstance& instance : process.instances) {
    overrun.use += instance.touched();
    reserved += instance.reserved();
    families += instance.column_families;
  }
  const double overhead = process.overhead.value_or(0);
  const std::size_t slots = slots_with_rocksdb(process);
  const double share = process.share.value_or(*process.managed_total);
  overrun.limit = std::min(*process.managed_total, share * static_cast<double>(slots));
  overrun.limit_source = "managed memory of the " + std::to_string(slots) +
                         " slot(s) that run it, which RocksDB does not use now "
                         "(taskmanager.memory.managed.* / taskmanager.numberOfTaskSlots)";
  if (overrun.limit <= 0) {
    overrun.limit = overhead;
    overrun.limit_source = "taskmanager.memory.jvm-overhead.* (no managed memory is configured)";
  }
  if (overrun.limit <= 0 || overrun.use <= params["budget_ratio_min"] * overrun.limit) {
    return std::nullopt;
  }
  const double room = *process.managed_total + overhead;
  if (process.overhead && overrun.use > room) overrun.severity = Severity::critical;
  overrun.sentence =
      "RocksDB runs outside managed memory: " + std::to_string(families) +
      " column families, each with its own memtables and cache, hold at least " +
      format_bytes(overrun.use) + " (" + format_bytes(reserved) +
      " counting whole arena blocks); the TaskManager has " + format_bytes(*process.managed_total) +
      " managed memory, unused by RocksDB, and " +
      (process.overhead ? format_bytes(overhead) : std::string("an unknown amount")) +
      " of overhead for everything native.";
  return overrun;
}

Evidence use_evidence(const Window& window, const RocksDbProcess& process, const Overrun& overrun) {
  Evidence evidence;
  evidence.metric = process.mode == RocksDbMode::unmanaged
                        ? std::string(info(Metric::rocksdb_memtables).name) + " + " +
                              std::string(info(Metric::rocksdb_block_cache_usage).name) + " + " +
                              std::string(info(Metric::rocksdb_table_readers).name)
                        : std::string(info(Metric::rocksdb_block_cache_usage).name);
  evidence.to = window.now;
  evidence.value = overrun.use;
  evidence.unit = "bytes";
  evidence.limit = overrun.limit;
  evidence.limit_source = overrun.limit_source;
  evidence.sentence = overrun.sentence;
  return evidence;
}

// Which operators use most: in a shared cache the memtables tell, since the cache is everybody's.
Evidence operators_evidence(const RocksDbProcess& process) {
  const bool shared = process.mode != RocksDbMode::unmanaged;
  std::map<std::string, double> by_operator;
  for (const RocksDbInstance& instance : process.instances) {
    by_operator["\"" + instance.job + "\" / " + instance.operator_] +=
        shared ? instance.memtables.value_or(0) + instance.table_readers : instance.touched();
  }
  std::vector<std::pair<double, std::string>> ordered;
  ordered.reserve(by_operator.size());
  for (const auto& [name, use] : by_operator) ordered.emplace_back(use, name);
  std::sort(ordered.rbegin(), ordered.rend());
  Evidence evidence;
  evidence.metric = info(Metric::rocksdb_memtables).name;
  evidence.unit = "bytes";
  evidence.value = ordered.front().first;
  evidence.sentence = "Most is used by ";
  for (std::size_t i = 0; i < ordered.size() && i < 3; ++i) {
    evidence.sentence +=
        (i == 0 ? "" : ", ") + ordered[i].second + " (" + format_bytes(ordered[i].first) + ")";
  }
  evidence.sentence = printable(evidence.sentence + ".", 400);
  return evidence;
}

std::optional<Evidence> pin_evidence(const RocksDbProcess& process, const Params& params) {
  double worst = 0;
  for (const RocksDbInstance& instance : process.instances) {
    if (instance.cache_pinned && instance.cache_capacity && *instance.cache_capacity > 0) {
      worst = std::max(worst, *instance.cache_pinned / *instance.cache_capacity);
    }
  }
  if (worst < params["pin_ratio_min"]) return std::nullopt;
  Evidence evidence;
  evidence.metric = info(Metric::rocksdb_block_cache_pinned_usage).name;
  evidence.value = worst;
  evidence.unit = "ratio";
  evidence.limit = params["pin_ratio_min"];
  evidence.limit_source = "share of the cache that cannot be evicted";
  evidence.sentence = format_number(100 * worst, 0) +
                      " % of the cache is pinned (iterators, index and filter blocks, memtables).";
  return evidence;
}

// What the column families may still grow to: full write buffers and a full cache each.
double ceiling_of(const Window& window, const RocksDbProcess& process) {
  const auto bytes = [&](std::string_view option, double otherwise) {
    const auto set = first_option(window.cluster, {option});
    return (set ? parse_memory_bytes(*set) : std::nullopt).value_or(otherwise);
  };
  double families = 0;
  for (const RocksDbInstance& instance : process.instances) families += instance.column_families;
  const auto count = first_option(window.cluster, {"state.backend.rocksdb.writebuffer.count"});
  const double buffers = count ? std::max(1.0, std::strtod(count->c_str(), nullptr)) : 2;
  return families * (buffers * bytes("state.backend.rocksdb.writebuffer.size", 64 * kMib) +
                     bytes("state.backend.rocksdb.block.cache-size", 8 * kMib));
}

std::vector<Remedy> unmanaged_remedy(const Window& window, const RocksDbProcess& process,
                                     const Overrun& overrun) {
  const auto set = [&](std::string_view option, const std::string& otherwise) {
    return first_option(window.cluster, {option}).value_or(otherwise);
  };
  return {{"Let RocksDB keep within the slot's managed memory, which is reserved for it anyway.",
           "state.backend.rocksdb.memory.managed",
           set("state.backend.rocksdb.memory.managed", "set in the job's code"), "true"},
          {"Or leave room outside: raise the overhead (its .max must be as large) and the process "
           "size with it; with these buffers the column families may grow to " +
               format_bytes(ceiling_of(window, process)) + ".",
           "taskmanager.memory.jvm-overhead.min",
           set("taskmanager.memory.jvm-overhead.min", "192m (default)"),
           memory_value(1.2 * overrun.use + 192 * kMib)},
          {"Or give each column family smaller write buffers.",
           "state.backend.rocksdb.writebuffer.size",
           set("state.backend.rocksdb.writebuffer.size", "64mb (default)"), "16mb"}};
}

std::vector<Remedy> shared_remedy(const Window& window, const RocksDbProcess& process,
                                  const Overrun& overrun) {
  const double wanted = 1.2 * overrun.use;
  std::vector<Remedy> remedy;
  if (process.mode == RocksDbMode::managed) {
    const int slots = std::max(1, process.slots);
    remedy.push_back({"Give the slots more managed memory, and the process as much more.",
                      "taskmanager.memory.managed.size",
                      memory_value(process.managed_total.value_or(overrun.limit * slots)),
                      memory_value(wanted * slots)});
  } else {
    remedy.push_back({"Give RocksDB more, and the process as much more.", process.share_source,
                      memory_value(overrun.limit), memory_value(wanted)});
  }
  remedy.push_back(
      {"Index and filter blocks that do not fit pin the cache: partition them.",
       "state.backend.rocksdb.memory.partitioned-index-filters",
       first_option(window.cluster, {"state.backend.rocksdb.memory.partitioned-index-filters"})
           .value_or("false (default)"),
       "true"});
  return remedy;
}

Finding finding_of(const Window& window, const RocksDbProcess& process, const Overrun& overrun,
                   const Params& params) {
  const bool unmanaged = process.mode == RocksDbMode::unmanaged;
  Finding finding;
  finding.detector = "native_overrun";
  finding.severity = overrun.severity;
  finding.confidence = Confidence::confirmed;
  finding.subject = window.subject_of_process(process.process);
  finding.subject.job_name = process.instances.front().job;
  const std::string given = unmanaged ? " it has for that" : " of a slot's share";
  finding.summary =
      printable("RocksDB on " + place_of(window, process) + " uses " + format_bytes(overrun.use) +
                    " of the " + format_bytes(overrun.limit) + given +
                    (overrun.severity == Severity::critical
                         ? ": more than the process size has room for, a container "
                           "of that size is killed"
                         : ""),
                400);
  finding.evidence = {use_evidence(window, process, overrun), operators_evidence(process)};
  if (auto pinned = pin_evidence(process, params)) finding.evidence.push_back(std::move(*pinned));
  finding.remedy = unmanaged ? unmanaged_remedy(window, process, overrun)
                             : shared_remedy(window, process, overrun);
  finding.next_test =
      "Compare the resident size of that process (ps -o rss) with its process size" +
      (process.process_size ? " of " + format_bytes(*process.process_size) : std::string()) +
      ": the difference is what RocksDB takes beyond its budget.";
  return finding;
}

struct Use {
  std::vector<std::string> rocksdb_jobs, unknown_jobs;
  int jobs{0};
};

Use who_uses(const Window& window) {
  Use use;
  for (const JobFactsPtr& job : window.jobs) {
    if (job->is_terminal()) continue;
    ++use.jobs;
    const UsesRocksDb uses = uses_rocksdb(window, *job);
    if (uses == UsesRocksDb::yes) use.rocksdb_jobs.push_back(job->name);
    if (uses == UsesRocksDb::unknown) use.unknown_jobs.push_back(job->name);
  }
  return use;
}

Verdict without_metrics(const Window& window, const Use& use) {
  Verdict verdict;
  if (!use.rocksdb_jobs.empty()) {
    verdict = Verdict::blind(printable("\"" + use.rocksdb_jobs.front() +
                                           "\" keeps its state in RocksDB, whose native "
                                           "metrics are not there",
                                       200),
                             rocksdb_metric_lines());
    if (!window.has_reporter("taskmanager")) {
      for (std::string& line : reporter_lines()) verdict.enable.push_back(std::move(line));
    }
    return verdict;
  }
  verdict.why = use.jobs == 0 ? "no job runs" : "no job is known to use RocksDB";
  if (!use.unknown_jobs.empty()) {
    verdict.why +=
        printable(" (\"" + use.unknown_jobs.front() +
                  "\": without checkpoints Flink does not tell the backend, and " +
                  std::string(state_backend_option(window.cluster)) + " is not rocksdb)");
  }
  return verdict;
}

Verdict detect(const Window& window, const Params& params) {
  const bool one_mib_blocks =
      window.cluster != nullptr && window.cluster->version && is_at_least(window.cluster, 2, 0);
  const auto processes = rocksdb_processes(
      window, params[one_mib_blocks ? "arena_block_2x_bytes" : "arena_block_bytes"]);
  const Use use = who_uses(window);
  if (processes.empty()) return without_metrics(window, use);
  Verdict verdict;
  std::vector<Finding> findings;
  std::string not_judged;
  for (const auto& [place, process] : processes) {
    const EntityId id = process.process;
    const bool unmanaged = process.mode == RocksDbMode::unmanaged;
    const bool judgeable =
        unmanaged ? process.managed_total.has_value() : process.share.has_value();
    if (!judgeable) {
      not_judged = place_of(window, process);
      verdict.unjudged.push_back(window.subject_of_process(id).task_manager);
      continue;
    }
    const auto overrun =
        unmanaged ? unmanaged_overrun(process, params) : managed_overrun(process, params);
    if (overrun) findings.push_back(finding_of(window, process, *overrun, params));
  }
  // TaskManagers of one host share an identity: the worst of them speaks.
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  for (Finding& finding : findings) verdict.add(std::move(finding));
  if (not_judged.empty()) return verdict;
  verdict.why = not_judged + ": whether RocksDB keeps within managed memory is not known";
  if (verdict.unjudged.size() == processes.size()) verdict.state = DetectorState::blind;
  verdict.enable = rocksdb_metric_lines();
  if (!window.has_reporter("taskmanager")) {
    for (std::string& line : reporter_lines()) verdict.enable.push_back(std::move(line));
  }
  return verdict;
}

}  // namespace

namespace detectors {
extern const Detector native_overrun{
    .name = "native_overrun",
    .summary = "RocksDB uses more native memory than its share of managed memory",
    .lane = Lane::page,
    .cadence_ms = 15 * kSecondMs,
    .hold_ms = 3 * kMinuteMs,
    .clear_ms = 5 * kMinuteMs,
    .reads = kReads,
    .params = kParams,
    .detect = detect};
}  // namespace detectors

}  // namespace doctor
