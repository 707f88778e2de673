#include "detectors/statistics/record_spread.hpp"

#include <algorithm>
#include <cmath>

#include "detectors/statistics/task_load.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

/// Counts are compared by their logarithm, whose variance is that of counting: 1 / n.
Peer peer_of(double count, double weight) {
  return {std::log1p(count) - std::log(weight), 1 / (1 + count)};
}

/// Of each subtask the counts per window, absent where it was not seen, oldest window first.
struct Counts {
  SubtaskRecords subtask;
  std::vector<std::optional<double>> counts;
};

std::vector<Counts> counts_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                              Metric metric, const MinuteWindows& windows) {
  std::vector<Counts> all;
  const DurationMs width = windows.minutes * kMinuteMs;
  for (const EntityId entity : subtasks_of(window, job, vertex)) {
    const MinuteRises* rises = window.features->minutes(metric, entity);
    if (rises == nullptr) continue;
    Counts& counts = all.emplace_back();
    counts.subtask.index = static_cast<int>(window.entities->at(entity).index);
    counts.subtask.entity = entity;
    for (std::size_t i = 0; i < windows.count; ++i) {
      const TimestampMs to = windows.end - static_cast<DurationMs>(windows.count - 1 - i) * width;
      std::optional<double> rate;
      if (to - width >= windows.not_before) rate = rises->per_second(to - width, to);
      if (rate) *rate *= static_cast<double>(width) / kSecondMs;
      counts.counts.push_back(rate);
    }
  }
  return all;
}

/// A window counts when most subtasks were seen in it.
bool is_seen(const std::vector<Counts>& all, std::size_t window, int parallelism) {
  const auto seen = std::count_if(all.begin(), all.end(), [&](const Counts& counts) {
    return counts.counts[window].has_value();
  });
  return seen >= 2 && 2 * seen > parallelism;
}

}  // namespace

MinuteWindows minute_windows(TimestampMs newest, int minutes, std::size_t count,
                             TimestampMs not_before) {
  return {newest / kMinuteMs * kMinuteMs, minutes, count, not_before};
}

double RecordSpread::total() const {
  double sum = 0;
  for (const SubtaskRecords& subtask : subtasks) sum += subtask.total;
  return sum;
}

double RecordSpread::typical_but(std::size_t subtask) const {
  std::vector<double> others;
  for (std::size_t i = 0; i < subtasks.size(); ++i) {
    if (i != subtask) others.push_back(subtasks[i].total);
  }
  return median(others).value_or(0);
}

RecordSpread records_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                        Metric metric, const MinuteWindows& windows) {
  std::vector<Counts> all = counts_of(window, job, vertex, metric, windows);
  RecordSpread spread;
  while (spread.windows < windows.count &&
         is_seen(all, windows.count - 1 - spread.windows, vertex.parallelism)) {
    ++spread.windows;
  }
  spread.seconds = static_cast<double>(spread.windows) * 60 * windows.minutes;
  const std::size_t first = windows.count - spread.windows;
  for (Counts& counts : all) {
    for (std::size_t i = first; i < windows.count && counts.counts[i]; ++i) {
      counts.subtask.counts.push_back(*counts.counts[i]);
      counts.subtask.total += *counts.counts[i];
    }
    if (spread.windows == 0 || counts.subtask.counts.size() < spread.windows) continue;
    spread.subtasks.push_back(std::move(counts.subtask));
  }
  const auto parallelism = static_cast<std::size_t>(std::max(0, vertex.parallelism));
  spread.unseen = parallelism - std::min(parallelism, spread.subtasks.size());
  return spread;
}

RecordSpread life_records_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                             Metric metric) {
  RecordSpread spread;
  spread.of_life = true;
  spread.windows = 1;
  spread.seconds = static_cast<double>(window.now - job.start) / kSecondMs;
  for (const EntityId entity : subtasks_of(window, job, vertex)) {
    const std::optional<double> count = window.latest(metric, entity);
    if (!count) continue;
    const auto index = static_cast<int>(window.entities->at(entity).index);
    spread.subtasks.push_back({index, entity, {*count}, *count});
  }
  const auto parallelism = static_cast<std::size_t>(std::max(0, vertex.parallelism));
  spread.unseen = parallelism - std::min(parallelism, spread.subtasks.size());
  if (2 * spread.subtasks.size() <= parallelism) spread.windows = 0;
  return spread;
}

std::vector<std::size_t> overloaded(const RecordSpread& spread,
                                    const std::vector<double>& weights) {
  std::vector<Peer> whole;
  std::vector<std::vector<Peer>> parts(spread.windows);
  for (const SubtaskRecords& subtask : spread.subtasks) {
    const auto index = static_cast<std::size_t>(subtask.index);
    const double weight = index < weights.size() && weights[index] > 0 ? weights[index] : 1;
    whole.push_back(peer_of(subtask.total, weight));
    for (std::size_t i = 0; i < spread.windows; ++i) {
      parts[i].push_back(peer_of(subtask.counts[i], weight));
    }
  }
  std::vector<std::size_t> hot = persistent_outliers(whole, parts);
  std::sort(hot.begin(), hot.end(), [&](std::size_t a, std::size_t b) {
    return spread.subtasks[a].total > spread.subtasks[b].total;
  });
  return hot;
}

}  // namespace doctor
