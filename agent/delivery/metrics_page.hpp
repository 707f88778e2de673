// /metrics: the View, the agent's own cost and health, and a curated part of Flink's own series
// with the types and units that Flink's exposition does not tell. Text format 0.0.4.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/delivery/notifier_stats.hpp"
#include "agent/delivery/process_stats.hpp"
#include "agent/view.hpp"

namespace doctor {

struct MetricsInput {
  const View* view{nullptr};  // null before the first judgement
  std::string version;
  std::vector<MemberStats> members;
  ProcessStats process;
  std::size_t series_max{2000};  // findings and health come first, Flink's series fill the rest
};

std::string metrics_page(const MetricsInput& input);

}  // namespace doctor
