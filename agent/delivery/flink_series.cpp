#include "agent/delivery/flink_series.hpp"

#include <map>

namespace doctor {
namespace {

constexpr std::string_view kPrefix = "flink_doctor_flink_";

double base_unit_factor(Unit unit) {
  switch (unit) {
    case Unit::milliseconds:
    case Unit::epoch_milliseconds:
    case Unit::ms_per_second:
      return 1e-3;
    case Unit::microseconds:
      return 1e-6;
    case Unit::nanoseconds:
      return 1e-9;
    case Unit::percent:
      return 1e-2;
    case Unit::bytes:
    case Unit::bytes_per_second:
    case Unit::seconds:
    case Unit::count:
    case Unit::per_second:
    case Unit::ratio:
      return 1;
  }
  return 1;
}

std::string_view base_unit_suffix(Unit unit) {
  switch (unit) {
    case Unit::milliseconds:
    case Unit::microseconds:
    case Unit::nanoseconds:
    case Unit::seconds:
      return "_seconds";
    case Unit::epoch_milliseconds:
      return "_timestamp_seconds";
    case Unit::bytes:
      return "_bytes";
    case Unit::bytes_per_second:
      return "_bytes_per_second";
    case Unit::per_second:
      return "_per_second";
    case Unit::ms_per_second:
    case Unit::percent:
    case Unit::ratio:
      return "_ratio";
    case Unit::count:
      return "";
  }
  return "";
}

LabelSet curated_labels(const ClusterView& cluster, const CuratedSample& sample) {
  LabelSet labels{{"cluster", cluster.name}};
  const auto put = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) labels.emplace_back(name, value);
  };
  put("job", sample.job_name);
  put("vertex", sample.vertex);
  if (sample.subtask) put("subtask", std::to_string(*sample.subtask));
  put("operator", sample.operator_);
  put("column_family", sample.column_family);
  put("process", sample.process);
  put("host", sample.host);
  put("task_manager", sample.task_manager);
  put("collector", sample.collector);
  put("split", sample.split);
  put("directory", sample.directory);
  return labels;
}

struct NamedState {
  std::string state;
  bool terminal{};
  TimestampMs start{};
};

/// One state per job name: a job that lives hides its earlier runs, else the newest run counts.
std::map<std::string, NamedState> states_by_name(const ClusterView& cluster) {
  std::map<std::string, NamedState> states;
  const auto take = [&](const std::string& name, const std::string& state, TimestampMs start) {
    const NamedState next{state, is_terminal_state(state), start};
    const auto [known, fresh] = states.try_emplace(name, next);
    NamedState& kept = known->second;
    const bool newer = kept.terminal != next.terminal ? kept.terminal : next.start > kept.start;
    if (!fresh && newer) kept = next;
  };
  if (cluster.facts && cluster.facts->jobs_known) {
    for (const JobSummary& job : cluster.facts->jobs) take(job.name, job.state, job.start);
  } else {
    for (const JobFactsPtr& job : cluster.jobs) {
      if (job) take(job->name, job->state, job->start);
    }
  }
  return states;
}

class JobSeries {
 public:
  JobSeries(Families& families, const LabelSet& labels) : families_(families), labels_(labels) {}

  template <class Value>
  void put(Kind kind, std::string_view name, std::string_view help, std::optional<Value> value,
           double factor = 1) {
    if (!value) return;
    families_.add(kind, std::string(kPrefix).append(name), help, labels_,
                  static_cast<double>(*value) * factor);
  }

 private:
  Families& families_;
  const LabelSet& labels_;
};

void add_checkpoints(Families& families, const LabelSet& labels, const JobFacts& job) {
  JobSeries series(families, labels);
  if (job.checkpoint_counts) {
    series.put(Kind::counter, "checkpoints_completed_total", "Checkpoints that completed",
               std::optional(job.checkpoint_counts->completed));
    series.put(Kind::counter, "checkpoints_failed_total", "Checkpoints that failed",
               std::optional(job.checkpoint_counts->failed));
  }
  if (!job.latest_completed) return;
  const CheckpointRecord& last = *job.latest_completed;
  series.put(Kind::gauge, "last_checkpoint_state_bytes",
             "Full state size of the last completed checkpoint", last.state_size);
  series.put(Kind::gauge, "last_checkpoint_written_bytes",
             "Bytes written by the last completed checkpoint", last.checkpointed_size);
  series.put(Kind::gauge, "last_checkpoint_duration_seconds",
             "Duration of the last completed checkpoint", last.duration, 1e-3);
  series.put(Kind::gauge, "last_checkpoint_completed_timestamp_seconds",
             "When the last completed checkpoint ended", last.ended, 1e-3);
}

void add_task_managers(Families& families, const ClusterView& cluster) {
  if (!cluster.facts || !cluster.facts->task_managers_known) return;
  double slots = 0;
  double free_slots = 0;
  for (const TaskManagerFacts& task_manager : cluster.facts->task_managers) {
    slots += task_manager.slots;
    free_slots += task_manager.free_slots;
  }
  const LabelSet labels{{"cluster", cluster.name}};
  const auto count = static_cast<double>(cluster.facts->task_managers.size());
  families.add(Kind::gauge, "flink_doctor_flink_task_managers", "Registered TaskManagers", labels,
               count);
  families.add(Kind::gauge, "flink_doctor_flink_slots", "Slots of all TaskManagers", labels, slots);
  families.add(Kind::gauge, "flink_doctor_flink_slots_free", "Slots that no job uses", labels,
               free_slots);
}

}  // namespace

void add_job_series(Families& families, const ClusterView& cluster) {
  add_task_managers(families, cluster);
  for (const auto& [name, job] : states_by_name(cluster)) {
    families.add(Kind::gauge, "flink_doctor_flink_job_state",
                 "1 for the state that the job is in, by Flink's name for it",
                 {{"cluster", cluster.name}, {"job", name}, {"state", job.state}}, 1);
  }
  for (const JobFactsPtr& job : cluster.jobs) {
    if (!job || job->is_terminal()) continue;
    add_checkpoints(families, {{"cluster", cluster.name}, {"job", job->name}}, *job);
  }
}

void add_curated_series(Families& families, const ClusterView& cluster) {
  if (!cluster.samples) return;
  for (const CuratedSample& sample : *cluster.samples) {
    const MetricInfo& metric = info(sample.metric);
    families.add(metric.kind, curated_name(metric), metric.help, curated_labels(cluster, sample),
                 sample.value * base_unit_factor(metric.unit));
  }
}

std::string curated_name(const MetricInfo& metric) {
  std::string name(kPrefix);
  name.append(metric.name).append(base_unit_suffix(metric.unit));
  if (metric.kind == Kind::counter) name.append("_total");
  return name;
}

}  // namespace doctor
