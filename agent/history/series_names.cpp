#include "agent/history/series_names.hpp"

#include <charconv>
#include <cstdint>
#include <unordered_map>

namespace doctor {
namespace {

constexpr int kLevelLast = static_cast<int>(Level::job_process);
constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_plain(char c) { return c > ' ' && c != '%' && c != '/' && c != '=' && c != '\x7f'; }

std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto code = static_cast<unsigned char>(c);
    if (is_plain(c) || code >= 0x80U) {
      text.push_back(c);
    } else {
      text.append(1, '%').append(1, kHex[code >> 4U]).append(1, kHex[code & 0xFU]);
    }
  }
  return text;
}

std::string unescaped(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* const end = text.data() + std::min(i + 3, text.size());
    const bool is_code = text[i] == '%' && i + 2 < text.size() &&
                         std::from_chars(text.data() + i + 1, end, code, 16).ptr == end;
    name.push_back(is_code ? static_cast<char>(code) : text[i]);
    if (is_code) i += 2;
  }
  return name;
}

std::optional<Level> level_of(std::string_view name) {
  for (int level = 1; level <= kLevelLast; ++level) {
    if (to_string(static_cast<Level>(level)) == name) return static_cast<Level>(level);
  }
  return std::nullopt;
}

const std::unordered_map<std::string_view, Metric>& metrics_by_name() {
  static const auto kAll = [] {
    std::unordered_map<std::string_view, Metric> all;
    for (const MetricInfo& metric : metric_catalogue()) all.emplace(metric.name, metric.metric);
    return all;
  }();
  return kAll;
}

}  // namespace

std::string entity_path(const EntityTable& entities, EntityId entity) {
  std::string path;
  while (entity != kClusterEntity && entity != kNoEntity) {
    const Entity& node = entities.at(entity);
    std::string part = std::string(to_string(node.level)) + "=";
    part +=
        node.level == Level::subtask ? std::to_string(node.index) : escaped(entities.name(entity));
    path = path.empty() ? part : part + "/" + path;
    entity = node.parent;
  }
  return path;
}

EntityId intern_path(EntityTable& entities, std::string_view path) {
  EntityId entity = kClusterEntity;
  while (!path.empty() && entity != kNoEntity) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    const std::size_t equals = part.find('=');
    const std::optional<Level> level = level_of(part.substr(0, equals));
    if (equals == std::string_view::npos || !level) return kNoEntity;
    const std::string_view name = part.substr(equals + 1);
    if (*level != Level::subtask) {
      entity = entities.intern(*level, entity, unescaped(name));
      continue;
    }
    std::uint32_t index = 0;
    const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (fault != std::errc{} || end != name.data() + name.size()) return kNoEntity;
    entity = entities.intern(*level, entity, "", index);
  }
  return entity;
}

std::string series_name(const EntityTable& entities, const SeriesKey& key) {
  return std::string(info(key.metric).name) + " " + entity_path(entities, key.entity);
}

std::optional<SeriesKey> intern_series(EntityTable& entities, std::string_view name) {
  const std::size_t blank = name.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto metric = metrics_by_name().find(name.substr(0, blank));
  if (metric == metrics_by_name().end()) return std::nullopt;
  const EntityId entity = intern_path(entities, name.substr(blank + 1));
  if (entity == kNoEntity) return std::nullopt;
  return SeriesKey{metric->second, entity};
}

}  // namespace doctor
