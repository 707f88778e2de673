#include "model/metric.hpp"

#include <array>

namespace doctor {
namespace {

constexpr auto kCatalogue = std::to_array<MetricInfo>({
#define M(identifier, unit, kind, level, reporter_name, rest_id, help)  \
  MetricInfo{Metric::identifier, #identifier,   Unit::unit, Kind::kind, \
             Level::level,       reporter_name, rest_id,    help},
#include "model/metric_catalogue.inc"
#undef M
});

}  // namespace

std::span<const MetricInfo> metric_catalogue() { return kCatalogue; }

const MetricInfo& info(Metric metric) { return kCatalogue.at(static_cast<std::size_t>(metric)); }

std::string_view to_string(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return "bytes";
    case Unit::count:
      return "count";
    case Unit::milliseconds:
      return "milliseconds";
    case Unit::nanoseconds:
      return "nanoseconds";
    case Unit::ratio:
      return "ratio";
  }
  return "unknown";
}

}  // namespace doctor
