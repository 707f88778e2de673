#include "tests/detection/families/recorded.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "detectors/advice.hpp"
#include "tests/detection/families/plans.hpp"
#include "tests/detection/traces/trace.hpp"

namespace doctor::detection {
namespace {

constexpr double kMib = 1 << 20;
// As Flink derives a process size: what the JVM itself takes beyond all budgets, at least.
constexpr double kOverheadBytes = 192 * kMib;
constexpr double kDirectBytes = 128 * kMib;  // where the trace has no limit of its own
constexpr double kMetaspaceBytes = 256 * kMib;

std::vector<Trace>& traces() {
  static std::vector<Trace> all;
  return all;
}

/// The value of -XX:NAME=VALUE.
std::optional<std::string> flag(const Trace& trace, std::string_view name) {
  const std::string prefix = "-XX:" + std::string(name) + "=";
  for (const std::string& each : trace.flags) {
    if (each.starts_with(prefix)) return each.substr(prefix.size());
  }
  return std::nullopt;
}

std::optional<double> size_flag(const Trace& trace, std::string_view name) {
  const auto text = flag(trace, name);
  return text ? parse_memory_bytes(*text) : std::nullopt;
}

TaskManagerFacts sizes_of(const Trace& trace) {
  TaskManagerFacts sizes = plain_task_manager();
  const double direct = size_flag(trace, "MaxDirectMemorySize").value_or(kDirectBytes);
  const double metaspace = size_flag(trace, "MaxMetaspaceSize").value_or(kMetaspaceBytes);
  double heap = 0;
  for (const std::string& each : trace.flags) {
    if (each.starts_with("-Xmx")) heap = parse_memory_bytes(each.substr(4)).value_or(0);
  }
  sizes.memory.managed = 0;
  sizes.memory.metaspace = metaspace;
  sizes.memory.overhead = kOverheadBytes;
  sizes.memory.framework_off_heap = direct;
  sizes.memory.task_off_heap = sizes.memory.network = 0;
  sizes.memory.total_process = heap + direct + metaspace + kOverheadBytes;
  return sizes;
}

class TracePlayer {
 public:
  TracePlayer(const Trace& trace, Random& random, Stage& stage)
      : trace_(trace),
        cluster_(stage, random.fork(), trace.rows[1].at - trace.rows[0].at),
        process_(cluster_.add_task_manager(sizes_of(trace), trace.name)) {
    tell_soft_references();
    Block block;
    for (const TraceColumn& column : trace.columns) {
      const EntityId entity =
          column.collector.empty()
              ? process_.entity
              : stage.entities().intern(Level::collector, process_.entity, column.collector);
      block.keys.push_back({column.metric, entity});
    }
    block.keys.push_back({Metric::jvm_direct_capacity, process_.entity});
    block.fill = [this](TimestampMs, double* values) {
      const TraceRow& row = trace_.rows[next_];
      double& capacity = values[trace_.columns.size()];
      capacity = kAbsent;
      for (std::size_t i = 0; i < trace_.columns.size(); ++i) {
        // The clock was compressed, so as much work is as much more.
        const bool is_time = trace_.columns[i].metric == Metric::jvm_cpu_time;
        values[i] = row.values[i] * (is_time ? trace_.compression : 1);
        // Of direct buffers the two are the same but for alignment.
        if (trace_.columns[i].metric == Metric::jvm_direct_used) capacity = values[i];
      }
    };
    process_.add(std::move(block));
  }

  void play() {
    for (std::size_t event = 0; next_ < trace_.rows.size();) {
      const TimestampMs at = cluster_.now() + cluster_.scrape_ms();
      for (; event < trace_.events.size() && kCaseStart + trace_.events[event].at <= at; ++event) {
        happen(trace_.events[event]);
      }
      process_.answers = at >= kCaseStart + trace_.rows[next_].at;
      cluster_.scrape();
      if (process_.answers) ++next_;
    }
  }

  Truth truth() const {
    Truth truth;
    truth.job_weeks =
        cluster_.weeks() * static_cast<double>(std::max<std::size_t>(1, jobs_.size()));
    truth.process_weeks = cluster_.weeks();  // the JobManager tells nothing
    if (trace_.detector.empty()) return truth;
    Goal goal;
    goal.name = trace_.detector + "/recorded";
    goal.detector = trace_.detector;
    goal.entity = trace_.name;
    goal.onset = kCaseStart + trace_.onset;
    goal.deadline = cluster_.now();
    goal.culprit = trace_.culprit;
    if (trace_.died) goal.exhausted_at = goal.deadline = kCaseStart + *trace_.died;
    truth.goals.push_back(goal);
    if (trace_.detector != "metaspace_leak") return truth;
    goal.name += ", certain";
    goal.confidence = Confidence::confirmed;
    truth.goals.push_back(std::move(goal));
    return truth;
  }

 private:
  /// For how long soft references lived, in the trace's time.
  void tell_soft_references() {
    const auto text = flag(trace_, "SoftRefLRUPolicyMSPerMB");
    int ms = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), ms).ec != std::errc{}) {
      return;
    }
    cluster_.facts().configuration["env.java.opts.all"] =
        "-XX:SoftRefLRUPolicyMSPerMB=" +
        std::to_string(static_cast<std::int64_t>(ms * trace_.compression));
  }

  void happen(const TraceEvent& event) {
    Job*& job = jobs_[event.job];
    if (event.submits) {
      job = &cluster_.submit(chain_plan(event.job, 3, 2));
    } else if (job != nullptr) {
      cluster_.end(*job, "CANCELED");
      job = nullptr;
    }
  }

  const Trace& trace_;
  Cluster cluster_;
  Process& process_;
  std::size_t next_{0};               // row
  std::map<std::string, Job*> jobs_;  // null: ended
};

Truth play_trace(std::uint64_t seed, const Ranges&, Stage& stage) {
  Random random(seed);
  TracePlayer player(traces().at((seed - 1) % traces().size()), random, stage);
  player.play();
  return player.truth();
}

}  // namespace

Result<std::size_t> load_traces(const std::string& directory) {
  Result<std::vector<Trace>> read = read_traces(directory);
  if (!read) return read.error();
  traces() = std::move(*read);
  return traces().size();
}

const Family kTraceFamily{"traces", "real JVMs", Kind::negative, {}, 1, play_trace};

}  // namespace doctor::detection
