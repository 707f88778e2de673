// Plain metric answers: [{"id":"Status.JVM.CPU.Time","value":"123"}]. An unknown process or job is
// answered with [] too, and so is the first request after a quiet time.
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

/// The catalogue metric of a REST id at that level or of its collectors; `star` is what '*' stood
/// for.
std::optional<Metric> metric_of(std::string_view id, Level level, std::string_view& star) {
  for (const MetricInfo& about : metric_catalogue()) {
    const std::string_view pattern = about.rest_id;
    if (pattern.empty()) continue;
    // The JobManager tells of the cluster among its own.
    const bool here =
        about.level == level || (about.level == Level::cluster && level == Level::process);
    if (here && pattern == id) {
      star = {};
      return about.metric;
    }
    if (level != Level::process || about.level != Level::collector) continue;
    const std::size_t at = pattern.find('*');
    if (at == std::string_view::npos || id.size() < pattern.size()) continue;
    if (!id.starts_with(pattern.substr(0, at)) || !id.ends_with(pattern.substr(at + 1))) continue;
    star = id.substr(at, id.size() - (pattern.size() - 1));
    if (star == "All") continue;  // the sum over the collectors, since 1.20
    return about.metric;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::pair<std::string, double>>> parse_metric_values(std::string_view body,
                                                                        const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::vector<std::pair<std::string, double>> read;
  root.for_each(limits.series_per_source_max, [&](const Node& node) {
    std::string id = node["id"].text();
    const std::optional<double> value = node["value"].metric_value();
    if (value) read.emplace_back(std::move(id), *value);
  });
  if (fault) return *fault;
  return read;
}

Status parse_metrics(std::string_view body, EntityId entity, EntityTable& entities,
                     KeyedValues& values) {
  const Limits limits;
  const auto read = parse_metric_values(body, limits);
  if (!read.ok()) return read.error();
  const Level level = entities.at(entity).level;
  for (const auto& [id, value] : *read) {
    std::string_view star;
    const std::optional<Metric> metric = metric_of(id, level, star);
    const double meant = metric ? canonical(*metric, value) : kAbsent;
    if (!is_present(meant)) continue;
    EntityId owner = info(*metric).level == Level::cluster ? kClusterEntity : entity;
    if (!star.empty()) {
      owner = entities.intern(Level::collector, entity,
                              reporter_filtered(star.substr(0, limits.name_bytes_max)));
    }
    if (owner != kNoEntity) values.emplace_back(SeriesKey{*metric, owner}, meant);
  }
  return Done{};
}

Result<std::vector<std::string>> parse_metric_ids(std::string_view body, const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::vector<std::string> ids;
  root.for_each(limits.series_per_source_max, [&](const Node& node) {
    std::string id = node["id"].text();
    if (id.size() <= limits.name_bytes_max) ids.push_back(std::move(id));
  });
  if (fault) return *fault;
  return ids;
}

}  // namespace doctor::rest
