#include "detectors/statistics/restart_stretch.hpp"

#include <algorithm>

namespace doctor {
namespace {

constexpr DurationMs kWeekMs = 7 * kDayMs;
constexpr DurationMs kPresentMs = 6 * kHourMs;
constexpr std::size_t kFlinkRemembers = 16;  // web.exception-history-size
constexpr double kPriorRestarts = 0.5;

/// The largest group of one cause; `restarts` newest first.
std::vector<Restart> most_frequent(const std::vector<Restart>& causes) {
  std::vector<std::vector<Restart>> groups;
  for (const Restart& restart : causes) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& members) {
      return same_cause(*members.front().fault, *restart.fault);
    });
    if (group == groups.end()) {
      groups.push_back({restart});
    } else {
      group->push_back(restart);
    }
  }
  const auto largest =
      std::max_element(groups.begin(), groups.end(),
                       [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (largest == groups.end()) return {};
  std::reverse(largest->begin(), largest->end());
  return *largest;
}

}  // namespace

RestartStretch stretch_of(std::span<const Restart> restarts, std::optional<TimestampMs> completed,
                          DurationMs gap_limit_ms) {
  RestartStretch stretch;
  stretch.completed = completed;
  std::vector<Restart> causes;
  for (std::size_t i = restarts.size(); i-- > 0;) {
    const Restart& restart = restarts[i];
    if (completed && restart.at <= *completed) break;
    if (stretch.restarts == 0) {
      stretch.end = restart.at;
    } else {
      const DurationMs gap = restarts[i + 1].at - restart.at;
      if (gap > gap_limit_ms) break;
      stretch.gap_max = std::max(stretch.gap_max, gap);
    }
    ++stretch.restarts;
    stretch.begin = restart.at;
    if (restart.kind == FaultKind::cause) {
      causes.push_back(restart);
    } else {
      ++stretch.consequences;
      if (restart.kind == FaultKind::lost_task_manager) ++stretch.lost;
    }
  }
  stretch.same = most_frequent(causes);
  return stretch;
}

double RestartRates::expected_in(DurationMs span) const {
  return static_cast<double>(span) * (kPriorRestarts + static_cast<double>(before)) /
         static_cast<double>(kWeekMs + past);
}

RestartRates rates_of(std::span<const Restart> restarts, TimestampMs job_start,
                      std::size_t remembered, TimestampMs now) {
  RestartRates rates;
  TimestampMs from = std::max(job_start, now - kWeekMs);
  if (remembered >= kFlinkRemembers && !restarts.empty()) {
    from = std::max(from, restarts.front().at);
  }
  rates.past = std::max<DurationMs>(0, now - kPresentMs - from);
  for (const Restart& restart : restarts) {
    const DurationMs age = now - restart.at;
    if (restart.kind != FaultKind::cause || age > kWeekMs) continue;
    rates.in_10_min += age <= 10 * kMinuteMs ? 1 : 0;
    rates.in_30_min += age <= 30 * kMinuteMs ? 1 : 0;
    rates.in_1_h += age <= kHourMs ? 1 : 0;
    rates.in_6_h += age <= kPresentMs ? 1 : 0;
    rates.before += age > kPresentMs ? 1 : 0;
  }
  return rates;
}

}  // namespace doctor
