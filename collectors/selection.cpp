#include "collectors/selection.hpp"

#include <cassert>
#include <cstring>

namespace doctor {
namespace {

constexpr std::string_view kSumOfCollectors = "All";

/// Where the reporter puts metrics of a level: the logical scope, joined with '_'.
std::vector<std::string_view> scopes(Level level) {
  switch (level) {
    case Level::process:
    case Level::collector:
      return {"flink_jobmanager_", "flink_taskmanager_"};
    case Level::job:
      return {"flink_jobmanager_job_"};
    case Level::subtask:
      return {"flink_taskmanager_job_task_"};
    case Level::operator_:
    case Level::column_family:
    case Level::split:
      return {"flink_taskmanager_job_task_operator_"};
    case Level::cluster:
      return {"flink_jobmanager_"};
    case Level::job_process:
      return {"flink_taskmanager_job_"};
    case Level::vertex:  // of the coordinator of one of its operators
      return {"flink_jobmanager_job_"};
    case Level::directory:
      break;  // no reporter has metrics of these
  }
  return {};
}

/// The last four characters of a name, which leave few patterns to compare.
std::uint32_t ending(std::string_view name) {
  std::uint32_t last = 0;
  if (name.size() >= sizeof last) {
    std::memcpy(&last, name.data() + name.size() - sizeof last, sizeof last);
  }
  return last;
}

}  // namespace

std::vector<std::string> reporter_families(Metric metric) {
  std::vector<std::string> families;
  const MetricInfo& about = info(metric);
  if (about.reporter_name.empty()) return families;  // only REST has it
  for (const std::string_view scope : scopes(about.level)) {
    families.push_back(std::string(scope).append(about.reporter_name));
  }
  return families;
}

Selection::Selection(std::vector<Metric> metrics) : selected_(metric_catalogue().size(), false) {
  for (const Metric metric : metrics) {
    const auto index = static_cast<std::size_t>(metric);
    if (selected_.at(index)) continue;
    selected_[index] = true;
    for (const std::string& family : reporter_families(metric)) add(metric, family);
  }
}

void Selection::add(Metric metric, std::string_view family) {
  const std::size_t star = family.find('*');
  if (star == std::string_view::npos) {
    const auto [first, fresh] = exact_.emplace(family, metric);
    if (!fresh) others_[first->second].push_back(metric);
  } else {
    const std::string_view suffix = family.substr(star + 1);
    assert(suffix.size() >= sizeof(std::uint32_t));
    patterns_[ending(suffix)].push_back(
        {std::string(family.substr(0, star)), std::string(suffix), metric});
  }
}

std::optional<Selection::Match> Selection::match(std::string_view family) const {
  if (const auto known = exact_.find(family); known != exact_.end()) {
    return Match{known->second, {}};
  }
  const auto candidates = patterns_.find(ending(family));
  if (candidates == patterns_.end()) return std::nullopt;
  for (const Pattern& pattern : candidates->second) {
    if (family.size() <= pattern.prefix.size() + pattern.suffix.size()) continue;
    if (!family.ends_with(pattern.suffix) || !family.starts_with(pattern.prefix)) continue;
    const std::string_view star = family.substr(
        pattern.prefix.size(), family.size() - pattern.prefix.size() - pattern.suffix.size());
    if (info(pattern.metric).level == Level::collector && star == kSumOfCollectors) continue;
    return Match{pattern.metric, star};
  }
  return std::nullopt;
}

std::optional<Metric> Selection::of_series(Metric matched, std::string_view quantile) const {
  if (info(matched).quantile == quantile) return matched;
  const auto others = others_.find(matched);
  if (others == others_.end()) return std::nullopt;
  for (const Metric metric : others->second) {
    if (info(metric).quantile == quantile) return metric;
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

}  // namespace doctor
