#include "collectors/reporter.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "collectors/scrape_page.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kJobManagerPrefix = "flink_jobmanager_";
constexpr std::string_view kTaskManagerPrefix = "flink_taskmanager_";
constexpr std::string_view kColumnFamilyVariable = "column_family";
constexpr std::uint32_t kSubtasksMax = 1U << 15U;  // Flink's upper bound of the max parallelism
constexpr std::size_t kHeadBytes = 64;

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

struct ReporterScrape::Labels {
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

/// Thousands of series share their ancestors: each is looked up in the table by name only once.
class ReporterScrape::Places {
 public:
  explicit Places(EntityTable& entities) : entities_(entities) {}

  /// The child of a level; `name` is its place in `texts`, of a subtask its index.
  EntityId below(EntityId parent, Level level, std::uint32_t name,
                 const std::vector<std::string>& texts) {
    if (parent == kNoEntity) return kNoEntity;
    const std::uint64_t key =
        (std::uint64_t{parent} << 32U) | (static_cast<std::uint64_t>(level) << 28U) | name;
    const auto [known, fresh] = known_.try_emplace(key, kNoEntity);
    if (fresh) {
      known->second = level == Level::subtask ? entities_.intern(level, parent, "", name)
                                              : entities_.intern(level, parent, texts[name]);
    }
    return known->second;
  }

 private:
  EntityTable& entities_;
  std::unordered_map<std::uint64_t, EntityId> known_;
};

ReporterScrape::ReporterScrape(SourceId source, const Selection& selection, const Limits& limits,
                               const EntityTable& entities, SeriesIndex& known)
    : source_(source),
      selection_(selection),
      limits_(limits),
      known_(known),
      reader_(*this, limits.reporter_line_bytes_max) {
  known_.begin(entities);
}

Status ReporterScrape::feed(std::span<const char> window) {
  if (head_.size() < kHeadBytes) {
    head_.append(window.data(), std::min(window.size(), kHeadBytes - head_.size()));
  }
  reader_.feed(window);
  return Done{};
}

Result<Scrape> ReporterScrape::finish(TimestampMs at, EntityTable& entities) {
  reader_.finish();
  if (!saw_job_manager_ && !saw_task_manager_) {
    return Error{ErrorCode::not_flink, what_was_seen()};
  }
  Scrape scrape;
  scrape.stats = reader_.stats();
  scrape.series_dropped = dropped_;
  scrape.series_unlabelled = unlabelled_;
  // Over the cap old series stay.
  const std::size_t room =
      limits_.series_per_source_max - std::min(limits_.series_per_source_max, known_.seen());
  if (staged_.size() > room) {
    scrape.series_dropped += staged_.size() - room;
    staged_.resize(room);
  }
  const EntityId own_process = process(entities);
  std::vector<SeriesIndex::Sighting> placed = newcomers(entities);
  scrape.series_dropped += staged_.size() - placed.size();
  SeriesIndex::Commit done = known_.commit(source_, at, own_process, std::move(placed), entities);
  scrape.series_duplicate = done.duplicate;
  scrape.batch = std::move(done.batch);
  return scrape;
}

/// What the entity table has room for.
std::vector<SeriesIndex::Sighting> ReporterScrape::newcomers(EntityTable& entities) const {
  Places places(entities);
  std::vector<SeriesIndex::Sighting> placed;
  placed.reserve(staged_.size());
  for (const Staged& staged : staged_) {
    EntityId process = kNoEntity;
    if (staged.named_process != kNoText) {
      process = places.below(kClusterEntity, Level::process, staged.named_process, texts_);
    }
    const EntityId id = entity(staged, places);
    if (id == kNoEntity) continue;
    placed.push_back({staged.raw, SeriesKey{staged.metric, id}, process, staged.attempt,
                      staged.order, staged.bytes, staged.value});
  }
  return placed;
}

bool ReporterScrape::wants(std::string_view family) {
  metric_.reset();
  from_job_manager_ = family.starts_with(kJobManagerPrefix);
  const bool from_task_manager = family.starts_with(kTaskManagerPrefix);
  saw_job_manager_ |= from_job_manager_;
  saw_task_manager_ |= from_task_manager;
  if (!from_job_manager_ && !from_task_manager) {
    if (other_family_.empty()) other_family_ = family.substr(0, limits_.name_bytes_max);
    return false;
  }
  if (const auto match = selection_.match(family)) {
    metric_ = match->metric;
    star_ = match->star;
  }
  return metric_.has_value();
}

bool ReporterScrape::known(std::string_view series, double value) {
  raw_.reset();
  if (series.size() > RawHash::kTextBytesMax) return false;
  raw_ = hash_(series);
  raw_bytes_ = static_cast<std::uint32_t>(series.size());
  return known_.stage(*raw_, value);
}

void ReporterScrape::sample(std::string_view /*family*/, std::span<const exposition::Label> labels,
                            double value) {
  if (staged_.size() >= limits_.series_per_source_max || !raw_) {
    ++dropped_;
    return;
  }
  Staged staged{*raw_, value, raw_bytes_, known_.next_order(), *metric_};
  if (place(staged, Labels(labels))) {
    staged_.push_back(staged);
  } else {
    ++unlabelled_;
  }
}

/// Fills in what the metric's level needs; false when a label for that is missing or malformed.
bool ReporterScrape::place(Staged& staged, const Labels& labels) {
  const std::uint32_t task_manager = text(labels.tm_id);
  if (!from_job_manager_) {
    staged.named_process = task_manager;
    if (task_manager_ == kNoText) task_manager_ = task_manager;
  }
  const Level level = info(staged.metric).level;
  if (level == Level::process || level == Level::collector) {
    staged.process = from_job_manager_ ? text("jobmanager") : task_manager;
    if (level == Level::collector) staged.last = text(star_);
    return staged.process != kNoText && (level == Level::process || staged.last != kNoText);
  }
  if (level == Level::cluster) return true;
  staged.job = text(labels.job_id);
  if (level == Level::job) return staged.job != kNoText;
  if (level == Level::job_process) {
    staged.process = task_manager;
    return staged.job != kNoText && staged.process != kNoText;
  }

  staged.vertex = text(labels.vertex_id);
  const auto subtask = whole_number<std::uint32_t>(labels.subtask);
  if (!subtask || *subtask >= kSubtasksMax) return false;
  staged.subtask = *subtask;
  staged.attempt = whole_number<std::int32_t>(labels.attempt).value_or(0);
  if (staged.job == kNoText || staged.vertex == kNoText) return false;
  if (level == Level::subtask) return true;

  staged.operator_ = text(labels.operator_name);
  if (staged.operator_ == kNoText || level == Level::operator_) return staged.operator_ != kNoText;
  if (level == Level::split) {
    const bool of_topic = !labels.topic.empty() && !labels.partition.empty();
    staged.last = text(of_topic ? std::string(labels.topic).append("-").append(labels.partition)
                                : std::string(labels.split));
    return staged.last != kNoText;
  }
  // "…_operator_<cf>_rocksdb_…", or "…_operator_column_family_rocksdb_…{column_family=<cf>}".
  const bool as_label = star_ == kColumnFamilyVariable && !labels.column_family.empty();
  staged.last = text(as_label ? labels.column_family : std::string_view(star_));
  return staged.last != kNoText;
}

/// The place of a label's value in texts_, filtered and cut; kNoText for an empty one.
std::uint32_t ReporterScrape::text(std::string_view label) {
  if (label.empty()) return kNoText;
  label = label.substr(0, limits_.name_bytes_max);
  if (const auto known = text_index_.find(label); known != text_index_.end()) return known->second;
  const auto index = static_cast<std::uint32_t>(texts_.size());
  texts_.push_back(reporter_filtered(label));
  text_index_.emplace(label, index);
  return index;
}

EntityId ReporterScrape::entity(const Staged& staged, Places& places) const {
  const auto below = [&](EntityId parent, Level level, std::uint32_t name) {
    return places.below(parent, level, name, texts_);
  };
  const Level level = info(staged.metric).level;
  if (level == Level::process || level == Level::collector) {
    const EntityId process = below(kClusterEntity, Level::process, staged.process);
    return level == Level::process ? process : below(process, level, staged.last);
  }
  if (level == Level::cluster) return kClusterEntity;
  if (level == Level::job_process) {
    return below(below(kClusterEntity, Level::process, staged.process), level, staged.job);
  }
  const EntityId job = below(kClusterEntity, Level::job, staged.job);
  if (level == Level::job) return job;
  const EntityId vertex = below(job, Level::vertex, staged.vertex);
  const EntityId subtask = below(vertex, Level::subtask, staged.subtask);
  if (level == Level::subtask) return subtask;
  const EntityId operator_id = below(subtask, Level::operator_, staged.operator_);
  return level == Level::operator_ ? operator_id : below(operator_id, level, staged.last);
}

/// The process that answered. A local cluster has both roles in one JVM: then the TaskManager,
/// which the tasks belong to.
EntityId ReporterScrape::process(EntityTable& entities) const {
  if (task_manager_ != kNoText) {
    return entities.intern(Level::process, kClusterEntity, texts_[task_manager_]);
  }
  if (!saw_job_manager_) return kNoEntity;
  return entities.intern(Level::process, kClusterEntity, "jobmanager");
}

std::string ReporterScrape::what_was_seen() const {
  const std::size_t first = head_.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "the answer is empty, not metrics of Flink";
  const auto is_binary = [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0 && std::strchr("\t\r\n", c) == nullptr;
  };
  if (std::any_of(head_.begin(), head_.end(), [&](char c) { return c == '\0' || is_binary(c); })) {
    return "the answer is binary, not metrics of Flink";
  }
  if (head_[first] == '<') return "the answer is HTML or XML, not metrics of Flink";
  if (head_[first] == '{' || head_[first] == '[') {
    return "the answer is JSON, not metrics of Flink";
  }
  if (!other_family_.empty()) {
    return "metrics of another program, such as " + printable(other_family_, 80) +
           ", and none of Flink";
  }
  return "the answer is text without metrics of Flink: " + printable(head_.substr(first), 40);
}

// --- get

boost::asio::awaitable<Result<Scrape>> scrape_reporter(Http& http, Endpoint endpoint,
                                                       SourceId source, const Selection& selection,
                                                       const Limits& limits, EntityTable& entities,
                                                       SeriesIndex& known, TimestampMs (*clock)()) {
  ReporterScrape parse(source, selection, limits, entities, known);
  const Result<HttpReply> reply = co_await get_page(http, std::move(endpoint), parse, limits);
  if (!reply) co_return reply.error();
  Result<Scrape> scrape = parse.finish(clock(), entities);
  if (scrape.ok()) scrape->reply = *reply;
  co_return scrape;
}

}  // namespace doctor
