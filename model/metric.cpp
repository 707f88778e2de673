#include "model/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <vector>

#include "model/batch.hpp"
#include "model/text.hpp"

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
#define Q(identifier, unit, level, since, until, reporter_name, rest_id, quantile, help) \
  MetricInfo{Metric::identifier,                                                         \
             #identifier,                                                                \
             Unit::unit,                                                                 \
             Kind::gauge,                                                                \
             None::negative,                                                             \
             Level::level,                                                               \
             since,                                                                      \
             until,                                                                      \
             reporter_name,                                                              \
             rest_id,                                                                    \
             {},                                                                         \
             {},                                                                         \
             {},                                                                         \
             help,                                                                       \
             quantile},
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
#undef Q
#undef M
});

/// The lines above, and the user's with the texts they point into.
struct Catalogue {
  std::vector<MetricInfo> metrics{kCatalogue.begin(), kCatalogue.end()};
  std::deque<std::string> texts;
};

Catalogue& catalogue() {
  static Catalogue all;
  return all;
}

bool is_identifier(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), fits);
}

Error unusable(const UserMetric& metric, const std::string& why) {
  return {ErrorCode::invalid_argument, "metric \"" + printable(metric.name, 60) + "\" " + why};
}

/// Null for what is none.
const Quantile* quantile_of(const UserMetric& metric) {
  const auto* const found =
      std::find_if(std::begin(kQuantiles), std::end(kQuantiles),
                   [&](const Quantile& quantile) { return quantile.label == metric.quantile; });
  return found == std::end(kQuantiles) ? nullptr : found;
}

Status check(const UserMetric& metric) {
  if (!is_identifier(metric.name)) {
    return unusable(metric, "is no name: lower-case letters, digits and '_', 100 at most");
  }
  const bool registrable = metric.level == Level::process || metric.level == Level::job ||
                           metric.level == Level::subtask || metric.level == Level::operator_;
  if (!registrable) return unusable(metric, "has a level at which jobs register nothing");
  if (metric.flink.empty() || metric.flink.size() > 200 ||
      metric.flink.find('*') != std::string::npos) {
    return unusable(metric, "needs Flink's name for it, such as orders.late");
  }
  if (!metric.quantile.empty() && quantile_of(metric) == nullptr) {
    return unusable(
        metric, "has a quantile that Flink does not tell: 0.5, 0.75, 0.95, 0.98, 0.99 or 0.999");
  }
  if (!metric.quantile.empty() && metric.kind != Kind::gauge) {
    return unusable(metric, "is a quantile, which is a gauge");
  }
  return Done{};
}

}  // namespace

std::span<const MetricInfo> metric_catalogue() { return catalogue().metrics; }

const MetricInfo& info(Metric metric) {
  return catalogue().metrics.at(static_cast<std::size_t>(metric));
}

bool is_user_metric(Metric metric) { return static_cast<std::size_t>(metric) >= kCatalogue.size(); }

Status add_user_metrics(std::span<const UserMetric> metrics) {
  Catalogue& all = catalogue();
  if (all.metrics.size() - kCatalogue.size() + metrics.size() > kUserMetricsMax) {
    return Error{ErrorCode::invalid_argument,
                 "more than " + std::to_string(kUserMetricsMax) + " metrics of one's own"};
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    if (Status ok = check(metrics[i]); !ok) return ok;
    const bool twice =
        std::any_of(metrics.begin(), metrics.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const UserMetric& m) { return m.name == metrics[i].name; });
    const bool taken =
        std::any_of(all.metrics.begin(), all.metrics.end(),
                    [&](const MetricInfo& m) { return m.name == "user_" + metrics[i].name; });
    if (twice || taken) return unusable(metrics[i], "is there twice");
  }
  for (const UserMetric& metric : metrics) {
    const auto keep = [&](std::string text) -> std::string_view {
      return all.texts.emplace_back(std::move(text));
    };
    MetricInfo line{};
    line.metric = static_cast<Metric>(all.metrics.size());
    line.name = keep("user_" + metric.name);
    line.unit = metric.unit;
    line.kind = metric.kind;
    line.none = None::extremes;
    line.level = metric.level;
    line.reporter_name = keep(reporter_filtered(metric.flink));
    const Quantile* quantile = quantile_of(metric);
    line.quantile = quantile == nullptr ? std::string_view{} : quantile->label;
    line.rest_id =
        keep(metric.flink + std::string(quantile == nullptr ? "" : quantile->rest_suffix));
    line.help = keep("The job's own metric " + printable(metric.flink, 200));
    all.metrics.push_back(line);
  }
  return Done{};
}

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
