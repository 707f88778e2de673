// The catalogue of canonical metrics: the one place that knows names, units and which values are
// cumulative, whatever Flink's exposition says.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "model/entity.hpp"
#include "model/result.hpp"

namespace doctor {

enum class Metric : std::uint16_t {
#define M(identifier, unit, kind, none, level, since, until, reporter_name, rest_id, help) \
  identifier,
#define Q(identifier, unit, level, since, until, reporter_name, rest_id, quantile, help) identifier,
#define H(identifier, unit, kind, level, family, label, label_value, help) identifier,
#include "model/metric_catalogue.inc"
#undef H
#undef Q
#undef M
};

enum class Unit : std::uint8_t {
  bytes,
  bytes_per_second,
  count,
  per_second,
  nanoseconds,
  microseconds,
  milliseconds,
  seconds,
  epoch_milliseconds,  // a point in time
  ms_per_second,       // a share of the time
  percent,
  ratio
};
enum class Kind : std::uint8_t { gauge, counter };
/// Which finite values say "there is none". NaN, ±Inf and ±9.22e18 (Long.MIN_VALUE, MAX_VALUE) do
/// for every metric.
enum class None : std::uint8_t {
  extremes,  // no other
  negative,  // below 0, mostly −1
  zero       // 0 too: what a reporter makes of null
};

std::string_view to_string(Unit unit);
inline constexpr Unit kUnitLast = Unit::ratio;

struct MetricInfo {
  Metric metric;
  std::string_view name;
  Unit unit;
  Kind kind;
  None none;
  Level level;
  int since, until;                // 116 = Flink 1.16; 0 = no bound within 1.13 … 2.3
  std::string_view reporter_name;  // one '*' stands for a collector or column family
  std::string_view rest_id;        // in that of a split each '*' for a value
  std::string_view probe_family, probe_label, probe_label_value;
  std::string_view help;
  std::string_view quantile{};  // of a histogram, as reporters label it; empty for all else
};

/// kAbsent for what Flink exposes to say "none"; else the value.
double canonical(Metric metric, double value);

/// Whether that Flink has the metric, given that its feature is on.
bool is_in_version(const MetricInfo& metric, int major, int minor);

/// All metrics, in order of their enumerators; then those that users added.
std::span<const MetricInfo> metric_catalogue();

/// A metric of the user's own, as the job registers it:
/// MetricGroup.addGroup("orders").counter("late") on an operator is "orders.late" at
/// Level::operator_. Reporters write it with '_' for what they filter, REST as it is.
struct UserMetric {
  std::string name;               // ours: a lower-case identifier, "user_" is put before it
  std::string flink;              // Flink's, below the level's scope
  Level level{Level::operator_};  // process, job, subtask or operator_
  Unit unit{Unit::count};
  Kind kind{Kind::gauge};
  /// Of a histogram: one of kQuantiles, as its label is written. Empty for all else.
  std::string quantile{};
};

/// What both tell of a histogram: reporters by the label `quantile`, REST by the end of the id
/// (PrometheusReporter.java, MetricStore.java).
struct Quantile {
  std::string_view label, rest_suffix;
};
inline constexpr Quantile kQuantiles[] = {{"0.5", "_median"}, {"0.75", "_p75"}, {"0.95", "_p95"},
                                          {"0.98", "_p98"},   {"0.99", "_p99"}, {"0.999", "_p999"}};

inline constexpr std::size_t kUserMetricsMax = 256;

/// Extends the catalogue. Once, at the start of the program: before anything has read it and while
/// there is one thread. invalid_argument for a name that is none or is taken, for a level that
/// users cannot register at, and past kUserMetricsMax; then nothing is added.
Status add_user_metrics(std::span<const UserMetric> metrics);
bool is_user_metric(Metric metric);
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
