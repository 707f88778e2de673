#include "collectors/rest/vertex_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "collectors/percent_encoding.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

constexpr std::uint32_t kSubtasksMax = 1U << 15U;
/// Netty's HTTP decoder takes request lines of 4096 bytes; the path takes some of them.
constexpr std::size_t kQueryBytesMax = 3500;
constexpr std::string_view kColumnFamilyVariable = "column_family.";

/// What an id without its subtask means: "<task metric>", "<operator>.<metric>",
/// "<operator>.<column family>.rocksdb_<property>" or "<operator>.split.<split>.<metric>".
struct Place {
  Metric metric;
  std::string_view operator_, column_family;  // views into the id
  std::string split{};
};

std::string_view take_component(std::string_view& id) {
  const std::size_t dot = std::min(id.find('.'), id.size());
  const std::string_view component = id.substr(0, dot);
  id.remove_prefix(std::min(dot + 1, id.size()));
  return component;
}

/// "stream.*.shardId.*.millisBehindLatest" of "stream.orders.shardId.7.millisBehindLatest": the
/// split as reporters' labels name it, "orders-7". Flink leaves no '.' in what '*' stands for.
std::optional<std::string> split_of(std::string_view pattern, std::string_view id) {
  std::string_view before;
  std::string_view last;
  while (!pattern.empty() && !id.empty()) {
    const std::string_view wanted = take_component(pattern);
    const std::string_view component = take_component(id);
    if (wanted != "*" && wanted != component) return std::nullopt;
    if (wanted == "*") before = std::exchange(last, component);
  }
  if (!pattern.empty() || !id.empty() || last.empty()) return std::nullopt;
  return before.empty() ? std::string(last) : std::string(before).append("-").append(last);
}

std::optional<Place> place_of_operator_metric(std::string_view operator_, std::string_view rest) {
  for (const MetricInfo& about : metric_catalogue()) {
    const std::string_view pattern = about.rest_id;
    if (about.level == Level::operator_ && !pattern.empty() && pattern == rest) {
      return Place{about.metric, operator_, {}};
    }
    if (about.level == Level::split) {
      if (auto split = split_of(pattern, rest)) return Place{about.metric, operator_, {}, *split};
    }
    if (about.level != Level::column_family || pattern.size() >= rest.size() + 1) continue;
    const std::string_view suffix = pattern.substr(1);  // "*.rocksdb_…"
    if (!rest.ends_with(suffix) || rest.size() == suffix.size()) continue;
    std::string_view family = rest.substr(0, rest.size() - suffix.size());
    if (family.starts_with(kColumnFamilyVariable))
      family.remove_prefix(kColumnFamilyVariable.size());
    if (family.empty() || family.find('.') != std::string_view::npos) return std::nullopt;
    return Place{about.metric, operator_, family};
  }
  return std::nullopt;
}

std::optional<Place> place_of(std::string_view id) {
  for (const MetricInfo& about : metric_catalogue()) {
    if (about.level == Level::subtask && about.rest_id == id) return Place{about.metric, {}, {}};
  }
  const std::size_t dot = id.find('.');
  if (dot == 0 || dot == std::string_view::npos) return std::nullopt;
  return place_of_operator_metric(id.substr(0, dot), id.substr(dot + 1));
}

bool is_on_the_vertex_page(Metric metric) {
  return metric == Metric::task_accumulated_busy || metric == Metric::task_accumulated_idle ||
         metric == Metric::task_accumulated_backpressured || metric == Metric::task_records_in ||
         metric == Metric::task_records_out;
}

bool is_watermark(Metric metric) {
  return metric == Metric::task_input_watermark || metric == Metric::operator_output_watermark;
}

/// "12.rest" → 12, and `id` is the rest.
std::optional<std::uint32_t> take_subtask(std::string_view& id) {
  const std::size_t dot = id.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::uint32_t index{};
  const auto [end, error] = std::from_chars(id.data(), id.data() + dot, index);
  if (error != std::errc{} || end != id.data() + dot || index >= kSubtasksMax) return std::nullopt;
  id.remove_prefix(dot + 1);
  return index;
}

EntityId entity_of(const Place& place, EntityId subtask, EntityTable& entities,
                   const Limits& limits) {
  const auto below = [&](EntityId parent, Level level, std::string_view name) {
    if (parent == kNoEntity) return kNoEntity;
    return entities.intern(level, parent, reporter_filtered(name.substr(0, limits.name_bytes_max)));
  };
  if (place.operator_.empty()) return subtask;
  const EntityId of_operator = below(subtask, Level::operator_, place.operator_);
  if (!place.split.empty()) return below(of_operator, Level::split, place.split);
  if (place.column_family.empty()) return of_operator;
  return below(of_operator, Level::column_family, place.column_family);
}

/// Of `ids` what somebody wants and `keeps` takes, at most `ids_max`: sorted, each once.
template <class Keeps>
std::vector<std::string> ids_of(const std::vector<std::string>& ids, const Wanted& wanted,
                                std::size_t ids_max, Keeps keeps) {
  std::vector<std::string> kept;
  for (const std::string& id : ids) {
    const std::optional<Place> place = place_of(id);
    if (!place || !wanted.contains(place->metric) || !keeps(place->metric)) continue;
    if (kept.size() < ids_max) kept.push_back(id);
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

}  // namespace

bool is_vertex_metric(const MetricInfo& about) {
  const bool below = about.level == Level::subtask || about.level == Level::operator_ ||
                     about.level == Level::column_family;
  return below && !about.rest_id.empty() && !is_on_the_vertex_page(about.metric);
}

std::vector<std::string> wanted_vertex_ids(const std::vector<std::string>& ids,
                                           const Wanted& wanted, std::size_t ids_max,
                                           bool with_watermarks) {
  return ids_of(ids, wanted, ids_max, [&](Metric metric) {
    return is_vertex_metric(info(metric)) && (with_watermarks || !is_watermark(metric));
  });
}

std::vector<std::string> page_vertex_ids(const std::vector<std::string>& ids,
                                         const Wanted& wanted) {
  return ids_of(ids, wanted, ids.size(), is_on_the_vertex_page);
}

std::vector<std::string> split_vertex_ids(const std::vector<std::string>& ids,
                                          const Wanted& wanted) {
  return ids_of(ids, wanted, ids.size(),
                [](Metric metric) { return info(metric).level == Level::split; });
}

bool tell_state(const std::vector<std::string>& ids) {
  return std::any_of(ids.begin(), ids.end(), [](const std::string& id) {
    const std::optional<Place> place = place_of(id);
    return place && !place->column_family.empty();
  });
}

bool makes_or_merges_watermarks(const JobFacts& job, const std::string& vertex) {
  const VertexFacts* facts = job.vertex(vertex);
  if (facts == nullptr || facts->inputs.size() != 1) return true;
  const VertexFacts* before = job.vertex(facts->inputs.front().from);
  return before == nullptr || before->inputs.empty();
}

std::vector<std::string> vertex_queries(const std::vector<std::string>& ids, int parallelism,
                                        std::size_t queries_max) {
  std::vector<std::string> queries;
  std::vector<std::string> encoded;
  std::size_t bytes_per_subtask = 0;
  for (const std::string& id : ids) {
    encoded.push_back(percent_encoded(id));
    bytes_per_subtask += encoded.back().size() + 7;  // ",12345."
  }
  if (bytes_per_subtask == 0 || parallelism <= 0) return queries;
  const std::size_t fit =
      std::max<std::size_t>(1, queries_max * kQueryBytesMax / bytes_per_subtask);
  const auto subtasks = static_cast<std::size_t>(parallelism);
  const std::size_t covered = std::min(subtasks, fit);
  for (std::size_t i = 0; i < covered; ++i) {
    const std::string subtask = std::to_string(i * subtasks / covered);
    for (const std::string& id : encoded) {
      const std::string item = subtask + "." + id;
      if (item.size() > kQueryBytesMax) continue;
      const bool full = queries.empty() || queries.back().size() + item.size() > kQueryBytesMax;
      if (full && queries.size() >= queries_max) return queries;
      if (full) queries.emplace_back("?get=");
      queries.back().append(queries.back().ends_with('=') ? "" : ",").append(item);
    }
  }
  return queries;
}

Status parse_vertex_metrics(std::string_view body, const Limits& limits, EntityId vertex,
                            EntityTable& entities, KeyedValues& values) {
  const auto read = parse_metric_values(body, limits);
  if (!read.ok()) return read.error();
  for (const auto& [id, value] : *read) {
    std::string_view rest = id;
    const std::optional<std::uint32_t> index = take_subtask(rest);
    const std::optional<Place> place = index ? place_of(rest) : std::nullopt;
    if (!place) continue;
    const double meant = canonical(place->metric, value);
    if (!is_present(meant)) continue;
    const EntityId subtask = entities.intern(Level::subtask, vertex, "", *index);
    if (subtask == kNoEntity) return Done{};
    const EntityId entity = entity_of(*place, subtask, entities, limits);
    if (entity != kNoEntity) values.emplace_back(SeriesKey{place->metric, entity}, meant);
  }
  return Done{};
}

bool tell_more_than_checkpoints(const KeyedValues& values) {
  return std::any_of(values.begin(), values.end(), [](const auto& value) {
    const Metric metric = value.first.metric;
    return metric != Metric::checkpoint_alignment_time &&
           metric != Metric::checkpoint_start_delay && !is_on_the_vertex_page(metric);
  });
}

std::optional<double> lowest_watermark(const KeyedValues& values) {
  std::optional<double> lowest;
  for (const auto& [key, value] : values) {
    if (is_watermark(key.metric)) lowest = std::min(lowest.value_or(value), value);
  }
  return lowest;
}

}  // namespace doctor::rest
