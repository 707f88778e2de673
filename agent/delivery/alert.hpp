// Alerts: findings in the words of Prometheus and Alertmanager. The label set is the identity, so
// it is made of names that survive restarts; everything measured is an annotation.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/view.hpp"

namespace doctor {

using AlertLabels = std::map<std::string, std::string>;

struct Alert {
  AlertLabels labels;
  std::map<std::string, std::string> annotations;
  std::string generator_url;                 // the cluster, in a browser; may be empty
  TimestampMs starts_at{};                   // unchanged for the life of the alert
  std::optional<TimestampMs> resolved_at{};  // absent while it fires
};

/// "metaspace_leak" → "FlinkMetaspaceLeak".
std::string alert_name(std::string_view detector);

/// Valid label names, valid UTF-8, capped, no empty values; ours win over the owner's.
AlertLabels alert_labels(const ReportedFinding& finding);

/// summary, description and what identity may not hold (ids, confidence, links).
std::map<std::string, std::string> alert_annotations(const ReportedFinding& finding,
                                                     std::string_view cluster_url);

/// What the outside should know now: critical and warning findings that fire or have resolved.
/// Of one cluster, detector and severity at most `alerts_max` fire by name; the rest is one alert
/// "and N more". No two have equal labels. Ordered by labels.
std::vector<Alert> alerts_of(const View& view, std::size_t alerts_max);

/// The body of POST /api/v2/alerts. Firing ones end at `firing_ends_at` unless they are sent again.
std::string alerts_json(std::span<const Alert> alerts, TimestampMs firing_ends_at);

}  // namespace doctor
