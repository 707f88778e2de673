// N11, long: a job was stopped for long and reads for an hour and more what came meanwhile, held up
// all the time, while its pendingRecords fall. And its twin: after a restart more comes than the
// job can bear, and pendingRecords rise.
#include <algorithm>

#include "tests/detection/families/graphs.hpp"
#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kDrainRanges[] = {
    {"scrape_s", 10, 30, Scale::log, "", 1},
    {"vertices", 3, 12, Scale::log, "", 3},
    {"parallelism", 1, 8, Scale::log, "", 1},
    {"sources", 1, 2, Scale::linear, "", 1},
    {"spread", 0.03, 0.15, Scale::linear, "of the records among healthy subtasks"},
    {"rate", 1e3, 1e5, Scale::log, "records/s that come"},
    {"load", 0.4, 0.8, Scale::linear, "arrivals / capacity of the fullest vertex", 0.05, 0.85},
    {"drain_min", 20, 80, Scale::log, "that reading the backlog takes", 15, 90},
    {"calm_min", 30, 60, Scale::linear, "before the restart and after the backlog", 10},
};

constexpr Range kOverloadRanges[] = {
    {"scrape_s", 10, 30, Scale::log, "", 1},
    {"vertices", 3, 12, Scale::log, "", 3},
    {"parallelism", 1, 8, Scale::log, "", 1},
    {"sources", 1, 2, Scale::linear, "", 1},
    {"spread", 0.03, 0.15, Scale::linear, "of the records among healthy subtasks"},
    {"rate", 1e3, 1e5, Scale::log, "records/s that come"},
    {"rho", 1.05, 3, Scale::log, "arrivals / capacity of the fullest vertex after the restart",
     1.03},
    {"down_s", 10, 240, Scale::log, "of the restart", 1},
    {"calm_min", 30, 60, Scale::linear, "before the restart", 10},
};

/// A job whose sources tell what waits before them.
class Drain {
 public:
  Drain(std::uint64_t seed, const Ranges& ranges, Stage& stage, double load)
      : random_(seed),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        rate_(ranges.draw("rate", random_)),
        arriving_(rate_),
        graph_(sized_graph(ranges, load)),
        flow_(
            graph_.vertices, [this](TimestampMs) { return arriving_; }, true, random_.fork()) {
    for (int i = 0; i < 2; ++i) cluster_.add_task_manager(plain_task_manager(), host_name(i));
    submit(false);
    pass(static_cast<DurationMs>(ranges.draw("calm_min", random_) * kMinuteMs));
  }

  Cluster& cluster() { return cluster_; }
  Random& random() { return random_; }
  const std::string& culprit() const { return graph_.names[fullest_]; }

  void pass(DurationMs ms) {
    cluster_.run_until(cluster_.now() + ms,
                       [this](TimestampMs at) { flow_.advance(at, job_->is_running()); });
  }
  void stop_for(DurationMs ms) {
    flow_.reset();
    cluster_.end(*job_, "FINISHED");
    const TimestampMs until = cluster_.now() + ms;
    cluster_.run_until(until, [this](TimestampMs at) { flow_.advance(at, false); });
    submit(true);
  }
  /// After it `factor` times as much comes as before.
  void restart(DurationMs down_ms, double factor) {
    flow_.reset();
    arriving_ = factor * rate_;
    job_->restart(cluster_.now(),
                  task_fault(*job_, "java.io.IOException: reset", "org.acme.Read.next"), down_ms);
  }

 private:
  void submit(bool again) {
    JobPlan plan = plan_of("orders", graph_, flow_);
    for (std::size_t v = 0; v < graph_.vertices.size(); ++v) {
      if (graph_.vertices[v].inputs.empty()) plan.series.push_back(flow_.pending(v));
    }
    plan.from_savepoint = again;
    job_ = &cluster_.submit(std::move(plan));
  }

  /// One vertex behind the sources is used by `load`, the others by less.
  Graph sized_graph(const Ranges& ranges, double load) {
    Graph graph = random_graph(ranges, random_);
    const std::vector<double> demand = demands(graph);
    do {
      fullest_ = random_.below(demand.size());
    } while (graph.vertices[fullest_].inputs.empty());
    for (std::size_t v = 0; v < demand.size(); ++v) {
      const double used = v == fullest_ ? load : load * random_.uniform(0.05, 0.8);
      size_for(graph.vertices[v], rate_ * demand[v], used);
    }
    return graph;
  }

  Random random_;
  Cluster cluster_;
  double rate_, arriving_;
  std::size_t fullest_{0};
  Graph graph_;
  Flow flow_;
  Job* job_{nullptr};
};

Truth play_drain(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random draws(seed ^ 0x5eed);
  const double load = ranges.draw("load", draws);
  Drain drain(seed, ranges, stage, load);
  const double drain_ms = ranges.draw("drain_min", drain.random()) * kMinuteMs;
  const auto down_ms = static_cast<DurationMs>(drain_ms * (1 - load) / load);
  drain.stop_for(down_ms);
  const double calm_ms = ranges.draw("calm_min", drain.random()) * kMinuteMs;
  drain.pass(static_cast<DurationMs>(drain_ms + calm_ms));
  Truth truth;
  truth.job_weeks = drain.cluster().weeks();
  truth.process_weeks = drain.cluster().weeks() * 3;
  return truth;
}

Truth play_overload(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Drain drain(seed, ranges, stage, 0.7);
  const auto down_ms = static_cast<DurationMs>(1000 * ranges.draw("down_s", drain.random()));
  drain.restart(down_ms, ranges.draw("rho", drain.random()) / 0.7);
  Goal goal;
  goal.name = "backpressure/after a restart";
  goal.detector = "backpressure";
  goal.entity = "orders";
  goal.onset = drain.cluster().now() + down_ms;
  goal.deadline = goal.onset + 20 * kMinuteMs;
  goal.culprit = drain.culprit();
  drain.pass(down_ms + 30 * kMinuteMs);
  Truth truth;
  truth.goals.push_back(std::move(goal));
  truth.job_weeks = drain.cluster().weeks();
  truth.process_weeks = drain.cluster().weeks() * 3;
  return truth;
}

}  // namespace

namespace families {
extern const Family drains{"drains", "N11", Kind::negative, kDrainRanges, 1, play_drain};
extern const Family overloads{"overloads", "P9", Kind::positive, kOverloadRanges, 1, play_overload};
}  // namespace families

}  // namespace doctor::detection
