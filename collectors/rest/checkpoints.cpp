// /jobs/:id/checkpoints and /jobs/:id/checkpoints/config.
#include <algorithm>
#include <limits>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

std::optional<double> size_in(const Node& bytes) {
  const std::optional<double> value = bytes.number_if();
  return value && *value >= 0 ? value : std::nullopt;  // −1 = not known
}

std::optional<std::int64_t> positive(const Node& node) {
  const std::optional<std::int64_t> value = node.integer_if();
  return value && *value > 0 ? value : std::nullopt;
}

std::optional<CheckpointRecord::Status> status_in(const std::string& text) {
  if (text == "COMPLETED") return CheckpointRecord::Status::completed;
  if (text == "FAILED") return CheckpointRecord::Status::failed;
  if (text == "IN_PROGRESS") return CheckpointRecord::Status::in_progress;
  return std::nullopt;
}

/// nullopt for a status that this program does not know.
std::optional<CheckpointRecord> record_of(const Node& node, const Limits& limits) {
  const auto status = status_in(node["status"].text());
  CheckpointRecord record;
  record.id = node["id"].integer();
  record.triggered = node["trigger_timestamp"].integer();
  record.savepoint = node["is_savepoint"].flag_if().value_or(false);
  const char* plain =
      record.savepoint ? "SAVEPOINT" : "CHECKPOINT";  // the type is there since 1.14
  record.type = printable(node["checkpoint_type"].text_if().value_or(plain), limits.name_bytes_max);
  record.acknowledged = node["num_acknowledged_subtasks"].count_or_0();
  record.subtasks = node["num_subtasks"].count_or_0();
  if (!status) return std::nullopt;
  record.status = *status;
  if (*status == CheckpointRecord::Status::completed) {
    record.ended = positive(node["latest_ack_timestamp"]);
    record.checkpointed_size = size_in(node["checkpointed_size"]);
    record.state_size = size_in(node["state_size"]);
    record.persisted_data = size_in(node["persisted_data"]);
    const std::optional<std::int64_t> duration = node["end_to_end_duration"].integer_if();
    if (duration && *duration >= 0) record.duration = duration;
  } else if (*status == CheckpointRecord::Status::failed) {
    record.ended = positive(node["failure_timestamp"]);
    record.failure =
        printable(node["failure_message"].text_if().value_or(""), limits.message_bytes_max);
  }
  return record;
}

/// Milliseconds; Flink says -1 where there is none.
std::optional<DurationMs> span_in(const Node& node) {
  const std::optional<std::int64_t> span = node.integer_if();
  return span && *span >= 0 ? span : std::nullopt;
}

CheckpointCounts counts_of(const Node& node) {
  CheckpointCounts counts;
  counts.restored = node["restored"].integer();
  counts.total = node["total"].integer();
  counts.in_progress = node["in_progress"].integer();
  counts.completed = node["completed"].integer();
  counts.failed = node["failed"].integer();
  return counts;
}

/// Where there is none Flink writes 0 for minimum, maximum and mean, and "NaN" for percentiles.
std::optional<CheckpointSpread> spread_in(const Node& node) {
  if (node.is_none()) return std::nullopt;
  const std::optional<double> min = size_in(node["min"]);
  const std::optional<double> max = size_in(node["max"]);
  const std::optional<double> avg = size_in(node["avg"]);
  if (!min || !max || !avg) return std::nullopt;
  return CheckpointSpread{*min, *max, *avg, size_in(node["p50"]), size_in(node["p99"])};
}

/// Only where `completed` says that there is something to sum up.
std::optional<CheckpointSummary> summary_of(const Node& node, std::int64_t completed) {
  if (node.is_none() || completed <= 0) return std::nullopt;
  return CheckpointSummary{spread_in(node["end_to_end_duration"]),
                           spread_in(node["checkpointed_size"]), spread_in(node["state_size"])};
}

struct Remembered {
  std::vector<CheckpointRecord> records;
  std::optional<CheckpointRecord> completed;
  std::optional<TimestampMs> restored_at;
};

void read_latest(const Node& latest, const Limits& limits, Remembered& remembered) {
  if (const Node node = latest["completed"]; !node.is_none()) {
    remembered.completed = record_of(node, limits);
    if (remembered.completed) remembered.records.push_back(*remembered.completed);
  }
  for (const char* name : {"savepoint", "failed"}) {
    const Node node = latest[name];
    if (node.is_none()) continue;
    if (auto record = record_of(node, limits)) remembered.records.push_back(*std::move(record));
  }
  if (const Node node = latest["restored"]; !node.is_none()) {
    remembered.restored_at = positive(node["restore_timestamp"]);
  }
}

void order(std::vector<CheckpointRecord>& records, std::size_t records_max) {
  // The history was put in first and wins over `latest`, which may be a moment older.
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto same = [](const auto& a, const auto& b) { return a.id == b.id; };
  records.erase(std::unique(records.begin(), records.end(), same), records.end());
  if (records.size() > records_max) {
    records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(records_max));
  }
}

}  // namespace

Status parse_checkpoints(std::string_view body, const Limits& limits, JobFacts& job) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  const CheckpointCounts counts = counts_of(root["counts"]);
  Remembered remembered;
  root["history"].for_each(limits.checkpoints_per_job_max, [&](const Node& node) {
    if (auto record = record_of(node, limits)) remembered.records.push_back(*std::move(record));
  });
  if (const Node latest = root["latest"]; !latest.is_none()) {
    read_latest(latest, limits, remembered);
  }
  std::optional<CheckpointSummary> summary = summary_of(root["summary"], counts.completed);
  if (fault) return *fault;
  order(remembered.records, limits.checkpoints_per_job_max);
  job.checkpointing = Checkpointing::on;
  job.checkpoint_counts = counts;
  job.checkpoint_summary = summary;
  job.checkpoints = std::move(remembered.records);
  job.latest_completed = std::move(remembered.completed);
  job.restored_at = remembered.restored_at;
  return Done{};
}

Result<CheckpointDetails> parse_checkpoint_details(std::string_view body, const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  CheckpointDetails details;
  details.id = root["id"].integer();
  root["tasks"].for_each_member(
      limits.vertices_per_job_max, [&](const std::string& id, const Node& node) {
        if (!is_id(id)) return;
        VertexCheckpoint& vertex = details.vertices.emplace_back();
        vertex.vertex = id;
        vertex.acknowledged = node["num_acknowledged_subtasks"].count_or_0();
        vertex.subtasks = node["num_subtasks"].count_or_0();
        vertex.state_size = size_in(node["state_size"]);
        vertex.duration = span_in(node["end_to_end_duration"]);
      });
  if (fault) return *fault;
  std::sort(details.vertices.begin(), details.vertices.end(),
            [](const auto& a, const auto& b) { return a.vertex < b.vertex; });
  return details;
}

Status parse_checkpoint_subtasks(std::string_view body, const Limits& limits,
                                 VertexCheckpoint& vertex) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::optional<SlowestSubtask> slowest;
  std::optional<int> waits_for;
  root["subtasks"].for_each(limits.series_per_source_max, [&](const Node& node) {
    const int index = node["index"].count();
    const std::optional<DurationMs> duration = span_in(node["end_to_end_duration"]);
    if (node["status"].text() != "completed" || !duration) {
      if (!waits_for) waits_for = index;
      return;
    }
    if (slowest && *duration <= slowest->duration) return;
    slowest = SlowestSubtask{index, *duration, span_in(node["start_delay"]), {}, {}, {}};
    if (const Node part = node["alignment"]; !part.is_none()) {
      slowest->alignment = span_in(part["duration"]);
    }
    if (const Node part = node["checkpoint"]; !part.is_none()) {
      slowest->sync = span_in(part["sync"]);
      slowest->async = span_in(part["async"]);
    }
  });
  if (fault) return *fault;
  vertex.slowest = slowest;
  vertex.waits_for = waits_for;
  return Done{};
}

Status parse_checkpoint_config(std::string_view body, JobFacts& job) {
  const Limits limits;
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  const auto text = [&](const char* name) {
    return printable(root[name].text_if().value_or(""), limits.name_bytes_max);
  };
  CheckpointConfig config;
  const std::int64_t interval = root["interval"].integer();
  // Flink's way to say that checkpoints and savepoints are only triggered by hand.
  if (interval > 0 && interval != std::numeric_limits<std::int64_t>::max()) {
    config.interval = interval;
  }
  config.timeout = root["timeout"].integer();
  config.min_pause = root["min_pause"].integer_if().value_or(0);
  config.max_concurrent = std::max(1, root["max_concurrent"].count_or_0());
  config.tolerable_failures = root["tolerable_failed_checkpoints"].count_or_0();
  config.unaligned = root["unaligned_checkpoints"].flag_if().value_or(false);
  config.mode = text("mode");
  config.state_backend = text("state_backend");
  config.storage = text("checkpoint_storage");
  if (fault) return *fault;
  job.checkpointing = Checkpointing::on;
  job.checkpoint_config = std::move(config);
  return Done{};
}

}  // namespace doctor::rest
