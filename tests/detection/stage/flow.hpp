// A fluid model of a job's flow: rates through the graph, limited by the slowest subtask on each
// way, with backpressure before it and idleness behind it. In units of records per second.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "model/time.hpp"
#include "tests/detection/random.hpp"
#include "tests/detection/stage/job.hpp"

namespace doctor::detection {

struct FlowVertex {
  std::vector<std::size_t> inputs{};  // earlier vertices; none: a source
  double out_ratio{1};                // records out to each output per record in
  double capacity{};                  // records/s when the load is even
  std::vector<double> shares{};       // of the records, by subtask; sums to 1
  std::vector<double> speeds{};       // of the subtasks; 1: as planned
  double busy_floor{0};  // looks at least this busy while nothing holds it up (generators, polling)
  /// Capacity factor at a moment, of `slowed_subtask` or of all; none: always 1.
  std::function<double(TimestampMs)> slowed{};
  std::optional<std::size_t> slowed_subtask{};
};

class Flow {
 public:
  /// `arrivals`: records/s that come to each source. With `keeps_backlog` what a source could not
  /// take waits for it, and is read as fast as possible later.
  Flow(std::vector<FlowVertex> vertices, std::function<double(TimestampMs)> arrivals,
       bool keeps_backlog, Random random);

  /// Time passes; the tasks run (or not: records then pile up).
  void advance(TimestampMs to, bool running);
  /// From now on the records of that vertex are spread so over its subtasks.
  void deal(std::size_t vertex, const std::vector<double>& shares);
  /// A new attempt: its counters begin anew.
  void reset();

  /// The series of that vertex, for a job's plan. The flow must outlive the job.
  SubtaskSeries series(std::size_t vertex);
  /// What waits before a source, as its pendingRecords tell it; for a flow that keeps its backlog.
  SubtaskSeries pending(std::size_t source);
  /// Vertices that limited somebody in the last step.
  bool limits(std::size_t vertex) const { return vertices_[vertex].binding; }
  bool limited() const;
  /// Records that wait, in seconds of the present arrivals.
  double backlog_seconds() const;

 private:
  struct Counters {
    double busy_ms{}, backpressured_ms{}, idle_ms{}, records{};
  };
  struct Vertex {
    FlowVertex plan;
    std::vector<double> per_source;  // records here per record of each source
    std::vector<Counters> counters;
    double fullest{};  // use of its fullest subtask per record/s, now
    double factor{1};
    bool binding{false};
    bool held_up{false};
  };

  void step(TimestampMs at, double seconds);
  void share_out(std::vector<double>& rates);
  void mark_held_up();
  void count(double seconds, const std::vector<double>& rates);
  static double load(const Vertex& vertex, const std::vector<double>& rates);
  static double capacity(const Vertex& vertex, std::size_t subtask);
  static void find_fullest(Vertex& vertex);

  std::vector<Vertex> vertices_;
  std::vector<std::size_t> sources_;
  std::vector<double> backlog_;  // records, by source
  std::function<double(TimestampMs)> arrivals_;
  bool keeps_backlog_;
  Random random_;
  TimestampMs at_{0};
  double arriving_{0};
};

}  // namespace doctor::detection
