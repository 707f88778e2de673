#include "tests/detection/stage/job.hpp"

#include <algorithm>
#include <utility>

namespace doctor::detection {
namespace {

using Outcome = CheckpointRecord::Status;

constexpr std::size_t kCheckpointsRemembered = 10;  // web.checkpoints.history
constexpr std::size_t kExceptionsRemembered = 16;   // web.exception-history-size
constexpr DurationMs kQuick = kSecondMs;

std::string vertex_id(const std::string& job, std::size_t vertex) {
  // Stable over submissions of one job, as Flink's are.
  static constexpr char kHex[] = "0123456789abcdef";
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&](unsigned char c) { hash = (hash ^ c) * 0x100000001b3ULL; };
  for (const char c : job) mix(static_cast<unsigned char>(c));
  std::string id;
  for (int i = 0; i < 32; ++i) {
    mix(static_cast<unsigned char>(vertex + static_cast<std::size_t>(i)));
    id.push_back(kHex[(hash >> 17U) & 15U]);
  }
  return id;
}

}  // namespace

Job::Job(JobPlan plan, std::string id, TimestampMs start, DurationMs clock_skew_ms)
    : plan_(std::move(plan)), skew_ms_(clock_skew_ms) {
  facts_.id = std::move(id);
  facts_.name = plan_.name;
  facts_.type = plan_.type;
  facts_.start = stamp(start);
  facts_.exceptions_known = true;
  facts_.restart_strategy = "Restart with exponential delay";
  facts_.state_since["CREATED"] = stamp(start);
  if (plan_.from_savepoint) facts_.restored_at = stamp(start);
  facts_.checkpointing = plan_.checkpoints ? Checkpointing::on : Checkpointing::off;
  if (plan_.checkpoints) {
    facts_.checkpoint_config = plan_.checkpoints->config;
    facts_.checkpoint_counts = CheckpointCounts{};
  }
  for (std::size_t v = 0; v < plan_.vertices.size(); ++v) {
    VertexFacts& vertex = facts_.vertices.emplace_back();
    vertex.id = vertex_id(plan_.name, v);
    vertex.name = plan_.vertices[v].name;
    vertex.parallelism = plan_.vertices[v].parallelism;
    vertex.max_parallelism = 128;
    for (const std::size_t input : plan_.vertices[v].inputs) {
      vertex.inputs.push_back({vertex_id(plan_.name, input), "HASH"});
    }
    for (int s = 0; s < vertex.parallelism; ++s) vertex.subtasks.push_back({s, "", 0, "", ""});
  }
  run(start);
}

int Job::subtasks() const {
  int count = 0;
  for (const VertexPlan& vertex : plan_.vertices) count += vertex.parallelism;
  return count;
}

void Job::enter(const std::string& state, TimestampMs at) {
  facts_.state = state;
  facts_.state_since[state] = stamp(at);
  changed_at_ = at;
  changed_ = true;
  const bool running = state == "RUNNING";
  for (VertexFacts& vertex : facts_.vertices) {
    vertex.status = running || facts_.is_terminal() ? state : "SCHEDULED";
    for (SubtaskFacts& subtask : vertex.subtasks) {
      subtask.status = vertex.status;
      subtask.attempt = attempt_;
    }
  }
}

void Job::run(TimestampMs at) {
  enter("RUNNING", at);
  runs_again_at_.reset();
  running_since_ = at;
  facts_.all_tasks_running_since = stamp(at);
  if (last_completed_ && attempt_ > 0) {
    facts_.restored_at = stamp(at);
    ++facts_.checkpoint_counts->restored;
  }
  if (plan_.checkpoints && plan_.checkpoints->config.interval) {
    next_trigger_ = at + *plan_.checkpoints->config.interval;
  }
}

void Job::advance(TimestampMs to) {
  while (!has_ended()) {
    if (runs_again_at_ && *runs_again_at_ <= to) {
      run(*runs_again_at_);
    } else if (pending_ && pending_->ends <= to) {
      complete(pending_->ends);
    } else if (!pending_ && next_trigger_ && *next_trigger_ <= to) {
      trigger(*next_trigger_);
    } else {
      return;
    }
  }
}

void Job::trigger(TimestampMs at) {
  const CheckpointPlan& plan = *plan_.checkpoints;
  Pending pending;
  pending.record.id = next_checkpoint_++;
  pending.record.type = "CHECKPOINT";
  pending.record.triggered = stamp(at);
  pending.record.subtasks = subtasks();
  if (plan.failure) pending.failure = plan.failure(at);
  DurationMs lasts = plan.duration_ms ? std::max<DurationMs>(1, plan.duration_ms(at)) : kQuick;
  if (pending.failure.empty() && lasts > plan.config.timeout) {
    pending.failure = "Checkpoint expired before completing.";
  }
  if (!pending.failure.empty()) {
    const bool expires = pending.failure.find("expired") != std::string::npos;
    lasts = expires ? plan.config.timeout : kQuick;
  }
  pending.ends = at + lasts;
  pending_ = std::move(pending);
  next_trigger_.reset();
  ++facts_.checkpoint_counts->total;
  ++facts_.checkpoint_counts->in_progress;
  remember(pending_->record);
}

void Job::complete(TimestampMs at) {
  const CheckpointPlan& plan = *plan_.checkpoints;
  Pending done = std::move(*pending_);
  pending_.reset();
  CheckpointRecord& record = done.record;
  record.ended = stamp(at);
  record.duration = *record.ended - record.triggered;
  record.failure = done.failure;
  record.status = done.failure.empty() ? Outcome::completed : Outcome::failed;
  --facts_.checkpoint_counts->in_progress;
  if (record.status == Outcome::completed) {
    record.acknowledged = record.subtasks;
    record.state_size = plan.full_bytes(at);
    record.checkpointed_size = plan.written_bytes ? plan.written_bytes(at) : *record.state_size;
    if (plan.in_flight_bytes) {
      record.persisted_data = plan.in_flight_bytes(at);
      record.state_size = *record.state_size + *record.persisted_data;
    }
    ++facts_.checkpoint_counts->completed;
    facts_.latest_completed = record;
    last_completed_ = at;
    failures_in_row_ = 0;
  } else {
    ++facts_.checkpoint_counts->failed;
    ++failures_in_row_;
  }
  remember(record);
  const DurationMs interval = *plan.config.interval;
  const DurationMs since_trigger = stamp(at) - record.triggered;
  next_trigger_ = at + std::max(interval - since_trigger, plan.config.min_pause);
  if (failures_in_row_ > plan.config.tolerable_failures) {
    failures_in_row_ = 0;
    ExceptionRecord fault;
    fault.at = stamp(at);
    fault.name = "org.apache.flink.util.FlinkRuntimeException";
    fault.message = "Exceeded checkpoint tolerable failure threshold.";
    restart(at, std::move(fault), 5 * kSecondMs);
  }
}

void Job::savepoint(TimestampMs at) {
  advance(at);
  if (!is_running() || !plan_.checkpoints || pending_) return;
  CheckpointRecord record;
  record.id = next_checkpoint_++;
  record.savepoint = true;
  record.type = "SAVEPOINT";
  record.triggered = stamp(at);
  record.ended = record.triggered + 20 * kSecondMs;
  record.duration = 20 * kSecondMs;
  record.status = Outcome::completed;
  record.subtasks = record.acknowledged = subtasks();
  // Canonical and full: not of the size of a checkpoint.
  record.state_size = record.checkpointed_size = 2.5 * plan_.checkpoints->full_bytes(at);
  ++facts_.checkpoint_counts->total;
  ++facts_.checkpoint_counts->completed;
  remember(record);
}

void Job::remember(CheckpointRecord record) {
  changed_ = true;
  auto& records = facts_.checkpoints;
  const auto known = std::find_if(records.begin(), records.end(),
                                  [&](const CheckpointRecord& r) { return r.id == record.id; });
  if (known != records.end()) {
    *known = std::move(record);
    return;
  }
  records.push_back(std::move(record));
  if (records.size() > kCheckpointsRemembered) records.erase(records.begin());
}

void Job::drop_pending() {
  if (!pending_) return;
  CheckpointRecord record = std::move(pending_->record);
  pending_.reset();
  record.status = Outcome::failed;
  record.failure = "Checkpoint Coordinator is suspending.";
  --facts_.checkpoint_counts->in_progress;
  ++facts_.checkpoint_counts->failed;
  remember(std::move(record));
}

void Job::go_down(TimestampMs at, DurationMs down_ms) {
  drop_pending();
  next_trigger_.reset();
  ++attempt_;
  enter("RESTARTING", at);
  facts_.all_tasks_running_since.reset();
  runs_again_at_ = at + down_ms;
}

void Job::restart(TimestampMs at, ExceptionRecord fault, DurationMs down_ms) {
  advance(at);
  if (has_ended()) return;
  fault.at = stamp(at);
  facts_.exceptions.push_back(std::move(fault));
  if (facts_.exceptions.size() > kExceptionsRemembered) {
    facts_.exceptions.erase(facts_.exceptions.begin());
  }
  go_down(at, down_ms);
}

void Job::rescale(TimestampMs at, DurationMs down_ms) {
  advance(at);
  if (!has_ended()) go_down(at, down_ms);
}

void Job::end(TimestampMs at, const std::string& state) {
  advance(at);
  drop_pending();
  runs_again_at_.reset();
  next_trigger_.reset();
  enter(state, at);
  facts_.end = stamp(at);
}

void Job::place(const std::vector<Place>& places) {
  std::size_t next = 0;
  for (VertexFacts& vertex : facts_.vertices) {
    for (SubtaskFacts& subtask : vertex.subtasks) {
      if (next >= places.size()) return;
      subtask.task_manager = places[next].task_manager;
      subtask.host = places[next++].host;
    }
  }
  changed_ = true;
}

bool Job::uses(const std::string& task_manager) const {
  return std::any_of(
      facts_.vertices.begin(), facts_.vertices.end(), [&](const VertexFacts& vertex) {
        return std::any_of(vertex.subtasks.begin(), vertex.subtasks.end(),
                           [&](const SubtaskFacts& s) { return s.task_manager == task_manager; });
      });
}

JobSummary Job::summary() const {
  JobSummary row;
  row.id = facts_.id;
  row.name = facts_.name;
  row.state = facts_.state;
  row.start = facts_.start;
  row.end = facts_.end;
  row.last_modification = stamp(changed_at_);
  row.tasks_total = subtasks();
  row.tasks_running = is_running() ? row.tasks_total : 0;
  return row;
}

JobFactsPtr Job::take_changed() {
  if (!changed_) return nullptr;
  changed_ = false;
  return std::make_shared<const JobFacts>(facts_);
}

}  // namespace doctor::detection
