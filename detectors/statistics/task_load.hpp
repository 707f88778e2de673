// How the tasks of a job spent their time: busy, backpressured or idle, from the accumulated times
// that Flink keeps since 1.16. Ratios normalise themselves (busy + idle + backpressured is all the
// time there was), so late, uneven or repeated samples do no harm; wall time is not used where busy
// is known.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/window.hpp"

namespace doctor {

/// Windows side by side, the newest ending at `end`.
struct WindowSpec {
  TimestampMs end{};
  DurationMs width_ms{kMinuteMs};
  std::size_t count{5};
  TimestampMs not_before{};  // windows that begin earlier are not looked at
  bool each_task{true};      // VertexLoad::subtasks is wanted, too
  bool each_rate{false};     // and what each of them receives
};

struct TaskShares {
  std::optional<double> busy;  // absent for legacy sources, whose busy time is not measured
  double backpressured{};
};

struct SubtaskLoad {
  int index{};
  EntityId entity{kNoEntity};
  std::optional<TaskShares> shares;    // over all windows
  std::optional<double> records_in_s;  // over the same time
};

struct VertexLoad {
  const VertexFacts* vertex{nullptr};
  /// Of the busiest subtask per window, oldest first; where subtasks were not read one by one, of
  /// all of them together.
  std::vector<std::optional<double>> busy_max, backpressured_max;
  std::vector<SubtaskLoad> subtasks;  // those with any data, where each task is wanted
  std::optional<TaskShares> life;     // since the tasks started; the largest of the subtasks

  std::optional<double> busy() const;           // mean over the windows
  std::optional<double> backpressured() const;  // mean over the windows
  std::size_t windows_with(double backpressured_min) const;
  std::size_t windows_seen() const;
};

/// Entities of the subtasks that the vertex has now.
std::vector<EntityId> subtasks_of(const Window& window, const JobFacts& job,
                                  const VertexFacts& vertex);

/// One entry per vertex, in the job's order.
std::vector<VertexLoad> loads_of(const Window& window, const JobFacts& job, const WindowSpec& spec);

/// The same for each spec; each task's times are read but once.
std::vector<std::vector<VertexLoad>> loads_of_each(const Window& window, const JobFacts& job,
                                                   std::span<const WindowSpec> specs);

VertexLoad load_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                   const WindowSpec& spec);

/// One entry per spec; each task's times are read but once.
std::vector<VertexLoad> load_of_each(const Window& window, const JobFacts& job,
                                     const VertexFacts& vertex, std::span<const WindowSpec> specs);

struct SampleSpan {
  TimestampMs oldest{}, newest{};
  DurationMs spacing_ms{};  // of those that reach to the newest; 0: there is only one
};
/// How long the newest counts as the present: until one reading and a half did not come.
inline DurationMs fresh_ms(const SampleSpan& span) {
  return std::max(90 * kSecondMs, span.spacing_ms * 3 / 2);
}
/// And until when. 0 by a clock ahead of ours: each moment sees a little more of what was told.
inline TimestampMs fresh_until(const SampleSpan& span, TimestampMs now) {
  return span.newest > now ? 0 : span.newest + fresh_ms(span);
}
/// From the oldest to the newest sample of the job's accumulated times; nothing when there are
/// none.
std::optional<SampleSpan> sample_span(const Window& window, const JobFacts& job);
/// The same, where times of all tasks of a vertex together do as well.
std::optional<SampleSpan> sample_span_or_screened(const Window& window, const JobFacts& job);

/// Share of the time a process spent in garbage collection, over the last minutes of its samples.
std::optional<double> gc_share(const Window& window, EntityId process);
/// Processor cores that a process used in the same time.
std::optional<double> cores_used(const Window& window, EntityId process);

}  // namespace doctor
