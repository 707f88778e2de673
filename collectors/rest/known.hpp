// What a RestSource knows of its cluster between two polls, and which part of it was asked for
// when.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/rest/task_times.hpp"
#include "model/facts.hpp"

namespace doctor::rest {

/// One answer that makes up a part of the facts. Rounds (polls) and changes count from 1; 0 =
/// never.
struct Part {
  std::int64_t asked_round{0};
  TimestampMs asked_at{0};
  std::int64_t change{0};  // which of its job's changes the last good answer tells of
  int tries{0};            // in a row without a good answer

  void ask(std::int64_t round, TimestampMs now) {
    tries = have() ? 0 : tries + 1;
    asked_round = round;
    asked_at = now;
  }
  bool asked() const { return asked_round != 0; }
  bool have() const { return change != 0; }
};

/// From one answer to a request to the next of the same. Calls come unevenly: the slowest lately
/// counts, or what is between two turns looks old.
class Pace {
 public:
  void take(DurationMs passed_ms) { ms_ = std::max(passed_ms, ms_ - ms_ / 8); }
  DurationMs ms() const { return ms_; }

 private:
  DurationMs ms_{0};
};

struct KnownProcess {
  Part metric_ids, metrics;
  Pace pace;
  std::vector<std::string> collectors;  // garbage collectors, as REST names them
};

/// In place of reporters: the ids that this vertex has and somebody wants, in requests that take
/// turns.
struct KnownVertex {
  Part page, metric_ids, metrics;
  std::optional<TaskTimes> times;  // of all its tasks together, as the job's page told them last
  double backpressured{0};         // the share of them between the last two looks
  std::vector<std::string> queries;
  std::size_t next_query{0};
  bool tells_state{false};  // metrics of column families are among them
  int barren{0};            // lists of ids in a row without any, or without those
  Pace pace;
  bool tells_little{false};         // nothing of event time, of state or of a lag, the last time
  std::optional<double> watermark;  // the lowest of its subtasks' …
  TimestampMs watermark_at{0};      // … first seen then …
  bool stands_still{false};         // … and again since

  void take_watermark(double lowest, TimestampMs now) {
    stands_still = watermark == lowest;
    if (!stands_still) watermark_at = now;
    watermark = lowest;
  }
};

inline constexpr int kRestlessChange = 2;
inline constexpr int kRestlessMax = 20;

struct KnownJob {
  JobSummary summary;
  /// Grows whenever state, start or last modification in the overview differ.
  std::int64_t changes{0};
  std::int64_t changed_round{0};
  int restless{0};             // twice the polls with a change less those without, lately
  std::int64_t gone_round{0};  // when a call was answered with "not found"
  JobFacts facts;
  JobFactsPtr published;
  Part job, config, checkpoints, checkpoint_config, exceptions, metrics;
  std::map<std::int64_t, Part> checkpoint_details, checkpoint_subtasks;  // by checkpoint
  std::map<std::string, KnownVertex> vertices;

  /// Since when event time may stand still; 0: it goes on. A source has splits that are marked idle
  /// and hold back nobody: what comes after it tells, if anything does.
  TimestampMs still_since() const;
  bool event_time_stands_still() const { return still_since() != 0; }
  /// Of a poll.
  void note_change(bool changed) {
    restless =
        changed ? std::min(restless + kRestlessChange, kRestlessMax) : std::max(restless - 1, 0);
  }
  bool ended() const { return is_terminal_state(summary.state); }
  bool all_tasks_run() const {
    return summary.state == "RUNNING" && summary.tasks_total > 0 &&
           summary.tasks_running == summary.tasks_total;
  }
};

struct KnownCluster {
  ClusterFacts facts;  // `jobs` of the last good overview
  Part configuration, jvm_options, task_managers;
  KnownProcess job_manager;
  std::map<std::string, KnownProcess> processes;  // by TaskManager id
  std::map<std::string, KnownJob> jobs;           // by job id
};

}  // namespace doctor::rest
