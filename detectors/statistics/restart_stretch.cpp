#include "detectors/statistics/restart_stretch.hpp"

#include <algorithm>

#include "detectors/statistics/poisson.hpp"

namespace doctor {
namespace {

constexpr DurationMs kBurstMaxMs = 6 * kHourMs;
constexpr std::size_t kFlinkRemembers = 16;  // web.exception-history-size
constexpr double kPriorRestarts = 0.5;
constexpr DurationMs kPriorMs = 12 * kHourMs;

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

RestartRates rates_of(std::span<const Restart> restarts, TimestampMs now) {
  RestartRates rates;
  for (const Restart& restart : restarts) {
    if (restart.kind != FaultKind::cause) continue;
    const DurationMs age = now - restart.at;
    rates.in_10_min += age <= 10 * kMinuteMs ? 1 : 0;
    rates.in_1_h += age <= kHourMs ? 1 : 0;
  }
  return rates;
}

TimestampMs known_since(std::span<const Restart> restarts, TimestampMs job_start,
                        std::size_t remembered, TimestampMs now) {
  const TimestampMs from = std::max(job_start, now - kKnownMaxMs);
  const bool full = remembered >= kFlinkRemembers && !restarts.empty();
  return full ? std::max(from, restarts.front().at) : from;
}

std::optional<RestartBurst> burst_of(std::span<const Restart> restarts,
                                     const ExceptionRecord& fault, std::size_t at_least,
                                     TimestampMs known_since) {
  std::vector<TimestampMs> same;
  for (const Restart& restart : restarts) {
    const bool counts = restart.kind == FaultKind::cause && restart.at >= known_since;
    if (counts && same_cause(*restart.fault, fault)) same.push_back(restart.at);
  }
  std::optional<RestartBurst> least;
  DurationMs gap_max = 0;
  for (std::size_t count = 2; count <= same.size(); ++count) {
    const std::size_t first = same.size() - count;
    gap_max = std::max(gap_max, same[first + 1] - same[first]);
    RestartBurst burst{count, same.back() - same[first], gap_max};
    if (burst.span > kBurstMaxMs) break;
    if (count < at_least) continue;
    const double before = kPriorRestarts + static_cast<double>(first);
    const auto past = static_cast<double>(kPriorMs + same[first] - known_since);
    const auto span = static_cast<double>(burst.span);
    burst.expected = span * before / past;
    burst.chance = gamma_poisson_tail(count - 1, before, past, span);
    if (!least || burst.chance < least->chance) least = burst;
  }
  return least;
}

}  // namespace doctor
