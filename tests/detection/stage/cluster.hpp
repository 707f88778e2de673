// A simulated Flink cluster in virtual time: processes with reporters, jobs, and a scrape that
// tells everything the way the collectors do. Series are added by those who simulate them.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/facts.hpp"
#include "model/source.hpp"
#include "tests/detection/random.hpp"
#include "tests/detection/stage/job.hpp"
#include "tests/detection/stage/stage.hpp"

namespace doctor::detection {

/// Series of one process that come and go together. `fill` writes one value per key.
struct Block {
  std::vector<SeriesKey> keys;
  std::function<void(TimestampMs at, double* values)> fill;
  const Job* owner{nullptr};  // they go with it
};

/// A JobManager or TaskManager with its reporter.
class Process {
 public:
  TaskManagerFacts facts;  // of a TaskManager
  EntityId entity{kNoEntity};
  bool answers{true};  // its reporter

  void add(Block block) {
    blocks_.push_back(std::move(block));
    layout_.reset();
  }
  /// What happens to each value on its way.
  void spoil(std::function<void(double&)> spoiler) { spoiler_ = std::move(spoiler); }

 private:
  friend class Cluster;
  std::list<Block> blocks_;
  std::function<void(double&)> spoiler_;
  SourceHealth health_;
  bool told_up_{false};
  std::shared_ptr<const Layout> layout_;
  std::vector<bool> kept_;      // of all keys: those that are selected
  std::vector<double> values_;  // of all keys
};

class Cluster {
 public:
  Cluster(Stage& stage, Random random, DurationMs scrape_ms);

  /// Version and configuration; before the first scrape.
  ClusterFacts& facts() { return facts_; }
  TimestampMs now() const { return now_; }
  DurationMs scrape_ms() const { return scrape_ms_; }
  double weeks() const;

  Process& job_manager() { return processes_.front(); }
  /// `sizes`: slots and memory; id, host and free slots are filled in.
  Process& add_task_manager(TaskManagerFacts sizes, const std::string& host);
  /// It is gone, and nobody says so but the list and its reporter. Jobs are the caller's business.
  void remove(Process& task_manager);
  std::vector<Process*> task_managers();

  /// Runs at once, its subtasks spread over the TaskManagers in turn, beginning with `first`.
  Job& submit(JobPlan plan, std::size_t first = 0);
  void end(Job& job, const std::string& state);
  /// The JobManager was replaced by one that knows nothing of its jobs: nobody runs or lists them.
  void lose_jobs();
  /// Subtasks of that job (again) onto the TaskManagers there are.
  void place(Job& job, std::size_t first = 0);
  std::list<Job>& jobs() { return jobs_; }
  /// Fails because that TaskManager is lost, which is removed, and a new one on the same host takes
  /// its place.
  Process& replace(Process& task_manager, DurationMs down_ms);

  /// The JobManager's clock steps, for all that is stamped from now on.
  void set_clock_skew(DurationMs skew_ms);
  /// REST and reporters are not asked: our side is cut off. Time passes.
  void skip_scrape();
  /// Time passes until the next scrape, then everything is told and judged.
  void scrape();
  /// Scrapes until then; `before_each` is called with the time of the scrape to come.
  void run_until(TimestampMs until, const std::function<void(TimestampMs)>& before_each = {});

 private:
  void send(decltype(StreamItem::what) what);
  void tell_facts();
  void tell(Process& process);
  void lay_out(Process& process);
  void add_series(Process& process, const Job& job, EntityId subtask, const SubtaskSeries& series,
                  int index);
  void remove_series(const Job& job);
  void expire_jobs();
  std::string hex_id();

  Stage& stage_;
  Random random_;
  DurationMs scrape_ms_;
  TimestampMs now_{kCaseStart};
  DurationMs skew_ms_{0};
  ClusterFacts facts_;
  ClusterFactsPtr told_;  // null: what is known has changed
  ClusterFactsPtr seen_;  // the last that was told
  std::uint64_t layouts_{0};
  std::list<Process> processes_;  // the JobManager first
  std::list<Job> jobs_;
  SourceId next_source_{1};
};

/// An exception as Flink's history shows it, of a task's first subtask.
ExceptionRecord task_fault(const Job& job, const std::string& root_cause, const std::string& frame);
ExceptionRecord lost_task_manager_fault(const std::string& task_manager);

}  // namespace doctor::detection
