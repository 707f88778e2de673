// What waits before a job's sources, and whether it becomes less: a job that catches up and one
// that is overloaded are held up alike, and only this tells them apart.
#pragma once

#include <optional>

#include "model/window.hpp"

namespace doctor {

struct Backlog {
  Metric metric{};  // who tells: pendingRecords, or the consumer's records-lag-max
  TimestampMs from{}, to{};
  double records{};               // that wait now, summed over the sources' subtasks
  double per_ms{};                // by which it grows; below 0 it drains
  bool drains{false};             // it falls beyond doubt, or hardly anything is left of it
  std::optional<double> left_ms;  // until it has drained at the slowest pace that its fall allows
};

/// Nothing unless every source of the job tells, for two minutes at least: what waits before a
/// source that is not seen may be anything.
std::optional<Backlog> backlog_of(const Window& window, const JobFacts& job);

}  // namespace doctor
