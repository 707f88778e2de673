#include "collectors/reporter_places.hpp"

#include <charconv>
#include <optional>

#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kColumnFamilyVariable = "column_family";
// A name stands in a list that doubles (its old half beside it while it moves) and in a table.
constexpr std::size_t kNameBytesAround = 3 * sizeof(std::string) + 128;
constexpr std::uint32_t kSubtasksMax = 1U << 15U;  // Flink's upper bound of the max parallelism

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Labels {
  std::string_view tm_id, job_id, vertex_id, subtask, attempt, operator_name, column_family;
  std::string_view split, topic, partition;  // of Kinesis: stream and shard

  explicit Labels(std::span<const exposition::Label> labels) {
    for (const auto& [name, value] : labels) {
      if (name == "split") split = value;
      if (name == "topic" || name == "stream" || name == "stream_name") topic = value;
      if (name == "partition" || name == "shardId" || name == "shard_id") partition = value;
      if (name == "tm_id") tm_id = value;
      if (name == "job_id") job_id = value;
      if (name == "task_id") vertex_id = value;
      if (name == "subtask_index") subtask = value;
      if (name == "task_attempt_num") attempt = value;
      if (name == "operator_name") operator_name = value;
      if (name == kColumnFamilyVariable) column_family = value;
    }
  }
};

}  // namespace

bool ReporterPlaces::fill(Place& place, std::string_view star, bool from_job_manager,
                          std::span<const exposition::Label> all) {
  const Labels labels(all);
  const std::uint32_t task_manager = number(labels.tm_id);
  if (!from_job_manager) place.named_process = task_manager;
  const Level level = info(place.metric).level;
  if (level == Level::process || level == Level::collector) {
    place.process = from_job_manager ? number("jobmanager") : task_manager;
    if (level == Level::collector) place.last = number(star);
    return place.process != kNoText && (level == Level::process || place.last != kNoText);
  }
  if (level == Level::cluster) return true;
  place.job = number(labels.job_id);
  if (level == Level::job) return place.job != kNoText;
  if (level == Level::job_process) {
    place.process = task_manager;
    return place.job != kNoText && place.process != kNoText;
  }

  place.vertex = number(labels.vertex_id);
  if (level == Level::vertex) return place.job != kNoText && place.vertex != kNoText;
  const auto subtask = whole_number<std::uint32_t>(labels.subtask);
  if (!subtask || *subtask >= kSubtasksMax) return false;
  place.subtask = *subtask;
  place.attempt = whole_number<std::int32_t>(labels.attempt).value_or(0);
  if (place.job == kNoText || place.vertex == kNoText) return false;
  if (level == Level::subtask) return true;

  place.operator_ = number(labels.operator_name);
  if (place.operator_ == kNoText || level == Level::operator_) return place.operator_ != kNoText;
  if (level == Level::split) {
    const bool of_topic = !labels.topic.empty() && !labels.partition.empty();
    place.last = number(of_topic ? std::string(labels.topic).append("-").append(labels.partition)
                                 : std::string(labels.split));
    return place.last != kNoText;
  }
  // "…_operator_<cf>_rocksdb_…", or "…_operator_column_family_rocksdb_…{column_family=<cf>}".
  const bool as_label = star == kColumnFamilyVariable && !labels.column_family.empty();
  place.last = number(as_label ? labels.column_family : star);
  return place.last != kNoText;
}

/// The place of a label's value in texts_, filtered and cut; kNoText for an empty one.
std::uint32_t ReporterPlaces::number(std::string_view label) {
  if (label.empty()) return kNoText;
  label = label.substr(0, name_bytes_max_);
  if (const auto known = numbers_.find(label); known != numbers_.end()) return known->second;
  const auto index = static_cast<std::uint32_t>(texts_.size());
  texts_.push_back(reporter_filtered(label));
  numbers_.emplace(label, index);
  bytes_ += kNameBytesAround + 2 * label.size();
  return index;
}

/// The child of a level; `name` is its number, of a subtask its index.
EntityId ReporterPlaces::Entities::below(EntityId parent, Level level, std::uint32_t name) {
  if (parent == kNoEntity) return kNoEntity;
  const std::uint64_t key =
      (std::uint64_t{parent} << 32U) | (static_cast<std::uint64_t>(level) << 28U) | name;
  const auto [known, fresh] = known_.try_emplace(key, kNoEntity);
  if (fresh) {
    known->second = level == Level::subtask ? entities_.intern(level, parent, "", name)
                                            : entities_.intern(level, parent, places_.text(name));
  }
  return known->second;
}

EntityId ReporterPlaces::Entities::named_process(const Place& place) {
  if (place.named_process == kNoText) return kNoEntity;
  return below(kClusterEntity, Level::process, place.named_process);
}

EntityId ReporterPlaces::Entities::of(const Place& place) {
  const Level level = info(place.metric).level;
  if (level == Level::process || level == Level::collector) {
    const EntityId process = below(kClusterEntity, Level::process, place.process);
    return level == Level::process ? process : below(process, level, place.last);
  }
  if (level == Level::cluster) return kClusterEntity;
  if (level == Level::job_process) {
    return below(below(kClusterEntity, Level::process, place.process), level, place.job);
  }
  const EntityId job = below(kClusterEntity, Level::job, place.job);
  if (level == Level::job) return job;
  const EntityId vertex = below(job, Level::vertex, place.vertex);
  if (level == Level::vertex) return vertex;
  const EntityId subtask = below(vertex, Level::subtask, place.subtask);
  if (level == Level::subtask) return subtask;
  const EntityId operator_id = below(subtask, Level::operator_, place.operator_);
  return level == Level::operator_ ? operator_id : below(operator_id, level, place.last);
}

}  // namespace doctor
