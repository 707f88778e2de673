#include "collectors/reporter.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>

#include "collectors/batch_of.hpp"
#include "collectors/scrape_page.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kJobManagerPrefix = "flink_jobmanager_";
constexpr std::string_view kTaskManagerPrefix = "flink_taskmanager_";
constexpr std::string_view kColumnFamilyVariable = "column_family";
constexpr std::string_view kSumOfCollectors = "All";
constexpr std::uint32_t kSubtasksMax = 1U << 15U;  // Flink's upper bound of the max parallelism
constexpr std::size_t kHeadBytes = 64;

/// Where the reporter puts metrics of a level: the logical scope, joined with '_'.
std::vector<std::string_view> scopes(Level level) {
  switch (level) {
    case Level::process:
    case Level::collector:
      return {kJobManagerPrefix, kTaskManagerPrefix};
    case Level::job:
      return {"flink_jobmanager_job_"};
    case Level::subtask:
      return {"flink_taskmanager_job_task_"};
    case Level::operator_:
    case Level::column_family:
    case Level::split:
      return {"flink_taskmanager_job_task_operator_"};
    case Level::cluster:
      return {kJobManagerPrefix};
    case Level::job_process:
      return {"flink_taskmanager_job_"};
    case Level::vertex:
    case Level::directory:
      break;  // no reporter has metrics of these
  }
  return {};
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

// --- Selection

Selection::Selection(std::vector<Metric> metrics) : selected_(metric_catalogue().size(), false) {
  for (const Metric metric : metrics) {
    const auto index = static_cast<std::size_t>(metric);
    if (selected_.at(index)) continue;
    selected_[index] = true;
    for (const std::string_view scope : scopes(info(metric).level)) add(metric, scope);
  }
}

void Selection::add(Metric metric, std::string_view scope) {
  const std::string_view name = info(metric).reporter_name;
  if (name.empty()) return;  // only REST has it
  const std::size_t star = name.find('*');
  if (star == std::string_view::npos) {
    exact_.emplace(std::string(scope).append(name), metric);
  } else {
    patterns_.push_back({std::string(scope).append(name.substr(0, star)),
                         std::string(name.substr(star + 1)), metric});
  }
}

std::optional<Selection::Match> Selection::match(std::string_view family) const {
  if (const auto known = exact_.find(family); known != exact_.end()) {
    return Match{known->second, {}};
  }
  for (const Pattern& pattern : patterns_) {
    if (family.size() <= pattern.prefix.size() + pattern.suffix.size()) continue;
    if (!family.ends_with(pattern.suffix) || !family.starts_with(pattern.prefix)) continue;
    const std::string_view star = family.substr(
        pattern.prefix.size(), family.size() - pattern.prefix.size() - pattern.suffix.size());
    if (info(pattern.metric).level == Level::collector && star == kSumOfCollectors) continue;
    return Match{pattern.metric, star};
  }
  return std::nullopt;
}

bool Selection::contains(Metric metric) const {
  return selected_.at(static_cast<std::size_t>(metric));
}

std::vector<Metric> Selection::metrics() const {
  std::vector<Metric> selected;
  for (const MetricInfo& about : metric_catalogue()) {
    if (contains(about.metric)) selected.push_back(about.metric);
  }
  return selected;
}

// --- ReporterScrape

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

ReporterScrape::ReporterScrape(SourceId source, const Selection& selection, const Limits& limits)
    : source_(source),
      selection_(selection),
      limits_(limits),
      reader_(*this, limits.reporter_line_bytes_max) {}

Status ReporterScrape::feed(std::span<const char> window) {
  if (head_.size() < kHeadBytes) {
    head_.append(window.data(), std::min(window.size(), kHeadBytes - head_.size()));
  }
  reader_.feed(window);
  return Done{};
}

Result<Scrape> ReporterScrape::finish(TimestampMs at, EntityTable& entities,
                                      const std::shared_ptr<const Layout>& previous) {
  reader_.finish();
  if (!saw_job_manager_ && !saw_task_manager_) {
    return Error{ErrorCode::not_flink, what_was_seen()};
  }
  Scrape scrape;
  scrape.stats = reader_.stats();
  scrape.series_dropped = dropped_;
  scrape.series_unlabelled = unlabelled_;

  const EntityId own_process = process(entities);
  Places places(entities);
  std::vector<std::pair<SeriesKey, const Staged*>> series;
  series.reserve(staged_.size());
  for (const Staged& staged : staged_) {
    const EntityId id = entity(staged, places);
    if (id == kNoEntity) {
      ++scrape.series_dropped;
    } else {
      series.emplace_back(SeriesKey{staged.metric, id}, &staged);
    }
  }
  // By key, so that a reporter that prints its families in another order keeps its layout; of one
  // key the newest attempt first, then the first in the body.
  std::sort(series.begin(), series.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.first, -std::int64_t{a.second->attempt}, a.second) <
           std::tuple(b.first, -std::int64_t{b.second->attempt}, b.second);
  });
  const auto end = std::unique(series.begin(), series.end(),
                               [](const auto& a, const auto& b) { return a.first == b.first; });
  scrape.series_duplicate = static_cast<std::uint64_t>(series.end() - end);
  series.erase(end, series.end());

  std::vector<std::pair<SeriesKey, double>> values;
  values.reserve(series.size());
  for (const auto& [key, staged] : series) values.emplace_back(key, staged->value);
  scrape.batch = batch_of(source_, at, own_process, values, previous);
  return scrape;
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

void ReporterScrape::sample(std::string_view /*family*/, std::span<const exposition::Label> labels,
                            double value) {
  if (staged_.size() >= limits_.series_per_source_max) {
    ++dropped_;
    return;
  }
  Staged staged{
      canonical(*metric_, value), 0, 0, kNoText, kNoText, kNoText, kNoText, kNoText, *metric_};
  if (place(staged, Labels(labels))) {
    staged_.push_back(staged);
  } else {
    ++unlabelled_;
  }
}

/// Fills in what the metric's level needs; false when a label for that is missing or malformed.
bool ReporterScrape::place(Staged& staged, const Labels& labels) {
  const std::uint32_t task_manager = text(labels.tm_id);
  if (!from_job_manager_ && task_manager_ == kNoText) task_manager_ = task_manager;
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
                                                       std::shared_ptr<const Layout> previous,
                                                       TimestampMs (*clock)()) {
  co_return co_await scrape_page<ReporterScrape>(http, std::move(endpoint), source, selection,
                                                 limits, entities, std::move(previous), clock);
}

}  // namespace doctor
