// A scenario case as data: what a drawn cluster does over time, and what the judge must say of it.
// Times are milliseconds from the case's start. The text form is documented in runner.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/detector.hpp"
#include "model/finding.hpp"
#include "model/metric.hpp"
#include "model/result.hpp"
#include "model/time.hpp"
#include "model/window.hpp"

namespace doctor::scenario {

inline constexpr DurationMs kForever = std::numeric_limits<DurationMs>::max();

struct Interval {
  DurationMs from{0};
  DurationMs to{kForever};  // exclusive
  bool holds(DurationMs at) const { return at >= from && at < to; }
};

/// How REST answers for a while.
struct Outage {
  Interval when;
  ClusterStatus status{ClusterStatus::unreachable};
  ErrorCode reason{ErrorCode::refused};
};

struct TaskManagerLine {
  std::string name, host;
  int slots{1};
  std::optional<double> managed, process, metaspace;  // bytes
  Interval alive;
};

/// `job`, or `submit` when `every` is set: then each submission is a job of its own id.
struct JobLine {
  std::string name, type{"STREAMING"}, state{"RUNNING"};
  Interval listed;
  std::optional<DurationMs> every;  // between submissions
  DurationMs lasts{20 * kSecondMs};
  std::vector<std::string> vertices;
  std::vector<std::pair<std::size_t, std::size_t>> edges;  // from, to: indexes into vertices
  std::vector<int> parallelism;                            // one, or one per vertex
  int max_parallelism{128};
  std::string ship_strategy{"HASH"};
  std::vector<std::string> on;  // TaskManagers in turn; empty = all
  std::string state_backend, strategy;
  std::optional<Checkpointing>
      checkpointing;  // unset: on when a checkpoint line or interval is there
  std::optional<DurationMs> interval;
  DurationMs timeout{10 * kMinuteMs};
  DurationMs min_pause{0};
  int tolerable{0};
  bool unaligned{false};
};

struct StateChange {
  DurationMs at{};
  std::string job, state;
  std::optional<int> tasks_running;  // fewer than all: scheduled, not running
};

struct CheckpointLine {
  std::string job;
  Interval when;
  std::optional<DurationMs> every;  // unset: one, at when.from
  double size{};                    // of the state, bytes
  double growth{};                  // per checkpoint
  double noise{};                   // share of the size, 0.1 = ±10 %
  std::optional<double> delta;      // written by each one; unset = size
  CheckpointRecord::Status status{CheckpointRecord::Status::completed};
  bool savepoint{false};
  std::optional<DurationMs> duration;
  DurationMs slower{};  // each than the one before
  std::string failure;
};

struct FaultLine {
  std::string job;
  Interval when;
  std::optional<DurationMs> every;
  std::string exception, cause, task, task_manager;
  std::vector<std::string> frames;
  bool restarts{true};
  DurationMs down{kSecondMs};  // from the fault to RUNNING again
};

struct ReporterLine {
  std::string process;
  Interval up;
};

enum class Steps { none, submits, restarts };

/// A value over time.
struct Expression {
  struct Term {
    std::optional<double> start;  // unset = absent
    double step{};                // per sample
    std::uint64_t samples{1};     // kEndless = until the end
  };
  static constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();
  std::vector<Term> terms;
  Steps steps{Steps::none};  // then terms hold one start value
  double step{};             // per `step_every` submissions
  std::uint64_t step_every{1};
  std::uint64_t back_every{0};  // 0 = never
  double back_to{};
  double noise{};  // absolute, ±
  double wave{};   // amplitude
  DurationMs wave_period{};
};

struct SeriesLine {
  int line{};
  Metric metric{};
  std::string process, job, vertex, operator_, column_family, collector;
  std::optional<int> subtask;  // unset: all
  Expression values;
};

enum class Expected { finding, finding_by, none, state };

struct Expectation {
  int line{};
  std::string text;  // as written
  Expected what{};
  DurationMs at{};   // of finding, finding_by, state
  Interval range{};  // of none
  std::string detector;
  std::map<std::string, std::string> labels;
  std::optional<Severity> severity;
  std::optional<Confidence> confidence;
  FindingState finding_state{FindingState::firing};
  DetectorState state{};
  std::map<std::string, std::string> with;  // says, why, remedy, explained_by
};

struct Case {
  std::string file, name;
  int line{};
  DurationMs every{15 * kSecondMs};
  DurationMs length{kHourMs};
  std::string version{"1.20.5"};
  bool one_shot{false};
  std::vector<std::string> expected_jobs;
  std::string namespace_;
  std::vector<Outage> outages;
  std::map<std::string, std::string> options;
  std::optional<double> job_manager_metaspace;
  std::vector<TaskManagerLine> task_managers;
  std::vector<JobLine> jobs;
  std::vector<StateChange> changes;
  std::vector<CheckpointLine> checkpoints;
  std::vector<FaultLine> faults;
  std::vector<ReporterLine> reporters;
  std::vector<SeriesLine> series;
  std::vector<Expectation> expectations;
};

}  // namespace doctor::scenario
