#include "agent/backfill/depth.hpp"

#include <algorithm>

#include "agent/backfill/settings.hpp"

namespace doctor {
namespace {

DurationMs memory_ms(Feature feature) {
  switch (feature) {
    case Feature::plateaus:
    case Feature::floors:
    case Feature::source_floors:
      return BackfillSettings::kWindowMaxMs;
    case Feature::moves:
      return 2 * kHourMs;  // usual_pause_ms()
    case Feature::latest:
    case Feature::raw:
    case Feature::minutes:
      break;
  }
  return 20 * kMinuteMs;  // MinuteRises::kMinutes, and a little
}

constexpr Feature kFeatures[] = {Feature::latest,       Feature::raw,     Feature::plateaus,
                                 Feature::floors,       Feature::minutes, Feature::moves,
                                 Feature::source_floors};

}  // namespace

std::vector<MetricDepth> depths(const FeaturePlan& plan) {
  std::vector<MetricDepth> all;
  for (const Metric metric : plan.metrics()) {
    if (info(metric).reporter_name.empty() && info(metric).probe_family.empty()) continue;
    if (!info(metric).quantile.empty()) continue;  // of a user's histogram: nobody judges it
    MetricDepth depth{metric, 0};
    for (const Feature feature : kFeatures) {
      if (plan.keeps(metric, feature))
        depth.depth_ms = std::max(depth.depth_ms, memory_ms(feature));
    }
    if (metric == Metric::job_restarts) depth.depth_ms = BackfillSettings::kWindowMaxMs;
    all.push_back(depth);
  }
  return all;
}

std::vector<Metric> worth_asking(const std::vector<MetricDepth>& depths, TimestampMs until,
                                 TimestampMs now) {
  std::vector<Metric> metrics;
  for (const auto& [metric, depth_ms] : depths) {
    if (until > now - depth_ms) metrics.push_back(metric);
  }
  return metrics;
}

}  // namespace doctor
