// The catalogue of canonical metrics: the one place that knows names, units and which values are
// cumulative, whatever Flink's exposition says.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "model/entity.hpp"

namespace doctor {

enum class Metric : std::uint16_t {
#define M(identifier, unit, kind, level, reporter_name, rest_id, help) identifier,
#include "model/metric_catalogue.inc"
#undef M
};

enum class Unit : std::uint8_t { bytes, count, milliseconds, nanoseconds, ratio };
enum class Kind : std::uint8_t { gauge, counter };

std::string_view to_string(Unit unit);

struct MetricInfo {
  Metric metric;
  std::string_view name;
  Unit unit;
  Kind kind;
  Level level;
  std::string_view reporter_name;  // one '*' stands for a collector or column family
  std::string_view rest_id;
  std::string_view help;
};

/// All metrics, in order of their enumerators.
std::span<const MetricInfo> metric_catalogue();
const MetricInfo& info(Metric metric);

/// What identifies a series within one cluster.
struct SeriesKey {
  Metric metric;
  EntityId entity;
  auto operator<=>(const SeriesKey&) const = default;
};

struct SeriesKeyHash {
  std::size_t operator()(const SeriesKey& key) const {
    return std::hash<std::uint64_t>{}((static_cast<std::uint64_t>(key.metric) << 32U) | key.entity);
  }
};

}  // namespace doctor
