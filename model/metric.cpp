#include "model/metric.hpp"

#include <array>
#include <cmath>

#include "model/batch.hpp"

namespace doctor {
namespace {

constexpr auto kCatalogue = std::to_array<MetricInfo>({
#define M(identifier, unit, kind, none, level, since, until, reporter_name, rest_id, help) \
  MetricInfo{Metric::identifier,                                                           \
             #identifier,                                                                  \
             Unit::unit,                                                                   \
             Kind::kind,                                                                   \
             None::none,                                                                   \
             Level::level,                                                                 \
             since,                                                                        \
             until,                                                                        \
             reporter_name,                                                                \
             rest_id,                                                                      \
             {},                                                                           \
             {},                                                                           \
             {},                                                                           \
             help},
#define H(identifier, unit, kind, level, family, label, label_value, help) \
  MetricInfo{Metric::identifier,                                           \
             #identifier,                                                  \
             Unit::unit,                                                   \
             Kind::kind,                                                   \
             None::negative,                                               \
             Level::level,                                                 \
             0,                                                            \
             0,                                                            \
             {},                                                           \
             {},                                                           \
             family,                                                       \
             label,                                                        \
             label_value,                                                  \
             help},
#include "model/metric_catalogue.inc"
#undef H
#undef M
});

}  // namespace

std::span<const MetricInfo> metric_catalogue() { return kCatalogue; }

const MetricInfo& info(Metric metric) { return kCatalogue.at(static_cast<std::size_t>(metric)); }

double canonical(Metric metric, double value) {
  constexpr double kLongRange = 9.22e18;
  if (!std::isfinite(value) || std::abs(value) >= kLongRange) return kAbsent;
  switch (info(metric).none) {
    case None::extremes:
      return value;
    case None::negative:
      return value < 0 ? kAbsent : value;
    case None::zero:
      return value <= 0 ? kAbsent : value;
  }
  return value;
}

bool is_in_version(const MetricInfo& metric, int major, int minor) {
  const int version = major * 100 + minor;
  return version >= metric.since && (metric.until == 0 || version <= metric.until);
}

std::string_view to_string(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return "bytes";
    case Unit::bytes_per_second:
      return "bytes/s";
    case Unit::count:
      return "count";
    case Unit::per_second:
      return "1/s";
    case Unit::nanoseconds:
      return "nanoseconds";
    case Unit::microseconds:
      return "microseconds";
    case Unit::milliseconds:
      return "milliseconds";
    case Unit::seconds:
      return "seconds";
    case Unit::epoch_milliseconds:
      return "epoch milliseconds";
    case Unit::ms_per_second:
      return "ms/s";
    case Unit::percent:
      return "percent";
    case Unit::ratio:
      return "ratio";
  }
  return "unknown";
}

}  // namespace doctor
