// P9, one vertex of a random graph holds up the others: steadily, with look-alikes beside it, or on
// and off; N11, a backlog that is read after a restart, and graphs that are busy without harm.
#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/detection/families/graphs.hpp"
#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kBottleneckRanges[] = {
    {"scrape_s", 5, 30, Scale::log, "", 1},
    {"vertices", 4, 40, Scale::log, "", 3},
    {"parallelism", 1, 16, Scale::log, "", 1},
    {"sources", 1, 3, Scale::linear, "", 1},
    {"spread", 0.03, 0.15, Scale::linear, "of the records among healthy subtasks"},
    {"rho", 1.1, 4, Scale::log, "demand / capacity of the culprit", 1.08},
    {"skewed_share", 0.4, 0.4, Scale::linear, "of culprits slow by one subtask", 0, 1},
    {"distractor_share", 0.5, 0.5, Scale::linear, "of cases with busy look-alikes", 0, 1},
    {"distractor_busy", 0.8, 0.97, Scale::linear, "of look-alikes at the rate held up to", 0, 0.98},
    {"intermittent_share", 0.34, 0.34, Scale::linear, "of cases that come and go", 0, 1},
    {"duty", 0.25, 0.6, Scale::linear, "share of the time it does", 0.15, 0.9},
    {"duty_period_s", 20, 150, Scale::log, "", 10},
    {"healthy_min", 20, 60, Scale::linear, "before the onset", 6},
};

constexpr Range kCatchUpRanges[] = {
    {"scrape_s", 10, 30, Scale::log, "", 1},
    {"vertices", 3, 20, Scale::log, "", 3},
    {"parallelism", 1, 8, Scale::log, "", 1},
    {"sources", 1, 2, Scale::linear, "", 1},
    {"spread", 0.03, 0.15, Scale::linear, "of the records among healthy subtasks"},
    {"load", 0.3, 0.85, Scale::linear, "arrivals / capacity of the fullest vertex", 0.05, 0.9},
    {"season", 0, 0.1, Scale::linear, "", 0, 0.11},
    {"hours", 12, 72, Scale::log, "", 1},
    {"restarts_per_day", 1, 6, Scale::log, ""},
    {"down_s", 10, 240, Scale::log, "of a restart or deploy: what comes meanwhile waits", 1, 280},
    {"deploy_share", 0.5, 0.5, Scale::linear, "of restarts that are deploys", 0, 1},
    {"burst_s", 20, 120, Scale::log, "of arrivals beyond capacity", 1, 150},
    {"bursts_per_day", 1, 10, Scale::log, ""},
};

struct Bottleneck {
  std::size_t culprit{};
  bool distractors{false}, intermittent{false};
  std::function<double(TimestampMs)> arrivals;
};

/// 1 while it is on, from the onset on.
std::function<bool(TimestampMs)> pulses(const Ranges& ranges, Random& random, bool intermittent,
                                        TimestampMs onset) {
  const double duty = intermittent ? ranges.draw("duty", random) : 1;
  const double period = 1000 * ranges.draw("duty_period_s", random);
  return [=](TimestampMs at) {
    if (at < onset) return false;
    return std::fmod(static_cast<double>(at - onset), period) < duty * period;
  };
}

/// Sizes all vertices so that one alone limits the job while the pulse is on: it becomes slow, or
/// more comes than it can bear. Sizes are for arrivals of 1.
Bottleneck plant(Graph& graph, const Ranges& ranges, Random& random, TimestampMs onset) {
  Bottleneck planted;
  planted.distractors = random.chance(ranges.draw("distractor_share", random));
  planted.intermittent = random.chance(ranges.draw("intermittent_share", random));
  const double rho = ranges.draw("rho", random);
  const bool slows = random.chance(0.5);
  const auto on = pulses(ranges, random, planted.intermittent, onset);
  const std::vector<double> demand = demands(graph);
  do {
    planted.culprit = random.below(graph.vertices.size());
  } while (graph.vertices[planted.culprit].inputs.empty());
  for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
    FlowVertex& vertex = graph.vertices[v];
    const bool rival = planted.distractors && random.chance(0.25);
    size_for(vertex, demand[v], random.uniform(0.05, 0.75));
    if (!rival) continue;
    if (vertex.inputs.empty()) {
      vertex.busy_floor = 1;  // a source that polls all the time
    } else {
      size_for(vertex, demand[v], ranges.draw("distractor_busy", random));
    }
  }
  FlowVertex& culprit = graph.vertices[planted.culprit];
  if (!slows) {
    const double before = random.uniform(0.4, 0.85);
    size_for(culprit, demand[planted.culprit], 0.995);
    planted.arrivals = [=](TimestampMs at) { return on(at) ? rho : before; };
    return planted;
  }
  const double used = random.uniform(0.4, 0.85);
  size_for(culprit, demand[planted.culprit], used);
  if (culprit.shares.size() > 1 && random.chance(ranges.draw("skewed_share", random))) {
    culprit.slowed_subtask = static_cast<std::size_t>(
        std::max_element(culprit.shares.begin(), culprit.shares.end()) - culprit.shares.begin());
  }
  culprit.slowed = [=](TimestampMs at) { return on(at) ? used / rho : 1.0; };
  planted.arrivals = [](TimestampMs) { return 1.0; };
  return planted;
}

Truth play_bottleneck(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 4; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const TimestampMs onset =
      kCaseStart + static_cast<DurationMs>(ranges.draw("healthy_min", random) * kMinuteMs);
  Graph graph = random_graph(ranges, random);
  Bottleneck planted = plant(graph, ranges, random, onset);
  Flow flow(graph.vertices, std::move(planted.arrivals), false, random.fork());
  cluster.submit(plan_of("orders", graph, flow));
  Goal goal;
  goal.name = planted.intermittent  ? "backpressure/intermittent"
              : planted.distractors ? "backpressure/distractors"
                                    : "backpressure/steady";
  goal.detector = "backpressure";
  goal.entity = "orders";
  goal.onset = onset;
  goal.deadline = onset + 5 * kMinuteMs + 2 * cluster.scrape_ms();
  goal.culprit = graph.names[planted.culprit];
  std::vector<int> limits(graph.vertices.size(), 0);
  cluster.run_until(goal.deadline + 10 * kMinuteMs, [&](TimestampMs at) {
    flow.advance(at, true);
    for (std::size_t v = 0; v < limits.size(); ++v) limits[v] += flow.limits(v) ? 1 : 0;
  });
  // Arrivals beyond what the culprit bears may be too much for other sources' ways as well.
  for (std::size_t v = 0; v < limits.size(); ++v) {
    const bool as_often = 2 * limits[v] >= limits[planted.culprit] && limits[v] > 0;
    if (v != planted.culprit && as_often) goal.as_true.push_back(graph.names[v]);
  }
  Truth truth;
  truth.goals.push_back(std::move(goal));
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * 5;
  return truth;
}

/// A job that keeps its backlog, is restarted and deployed, and is never overloaded for long.
class CatchUp {
 public:
  CatchUp(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        ranges_(ranges),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        load_(ranges.draw("load", random_)),
        season_(ranges.draw("season", random_)),
        graph_(sized_graph()),
        flow_(
            graph_.vertices, [this](TimestampMs at) { return arrivals(at); }, true,
            random_.fork()) {
    for (int i = 0; i < 4; ++i) cluster_.add_task_manager(plain_task_manager(), host_name(i));
    job_ = &cluster_.submit(plan_of("orders", graph_, flow_));
  }

  Truth run() {
    Schedule restarts(ranges_.draw("restarts_per_day", random_), kDayMs, random_);
    Schedule bursts(ranges_.draw("bursts_per_day", random_), kDayMs, random_);
    const auto length = static_cast<DurationMs>(ranges_.draw("hours", random_) * kHourMs);
    cluster_.run_until(kCaseStart + length, [&](TimestampMs at) {
      flow_.advance(at, job_ != nullptr && job_->is_running());
      const bool calm = flow_.backlog_seconds() < 1;
      if (restarts.due(at) && calm && job_ != nullptr) interrupt();
      if (bursts.due(at) && calm) burst();
      if (job_ == nullptr && at >= back_at_) submit_again();
    });
    Truth truth;
    truth.job_weeks = cluster_.weeks();
    truth.process_weeks = cluster_.weeks() * 5;
    return truth;
  }

 private:
  Graph sized_graph() {
    Graph graph = random_graph(ranges_, random_);
    const std::vector<double> demand = demands(graph);
    const std::size_t fullest = random_.below(demand.size());
    for (std::size_t v = 0; v < demand.size(); ++v) {
      size_for(graph.vertices[v], demand[v], v == fullest ? 1 : random_.uniform(0.05, 0.9));
    }
    return graph;
  }

  double arrivals(TimestampMs at) const {
    if (at < burst_until_) return kBurst;
    return load_ * season(at, season_, 0);
  }

  void interrupt() {
    const auto down = static_cast<DurationMs>(1000 * ranges_.draw("down_s", random_));
    flow_.reset();
    if (random_.chance(ranges_.draw("deploy_share", random_))) {
      cluster_.end(*job_, "FINISHED");
      job_ = nullptr;
      back_at_ = cluster_.now() + std::min(down, 2 * kMinuteMs);
      return;
    }
    job_->restart(cluster_.now(),
                  task_fault(*job_, "java.io.IOException: reset", "org.acme.Read.next"), down);
  }

  void submit_again() {
    JobPlan plan = plan_of("orders", graph_, flow_);
    plan.from_savepoint = true;
    job_ = &cluster_.submit(std::move(plan));
  }

  /// With what it leaves behind it holds the job up for less than two and a half minutes.
  void burst() {
    const double harm = 1 + (kBurst - 1) / (1 - load_ * (1 + season_));
    const double seconds = std::min(ranges_.draw("burst_s", random_), 150 / harm);
    burst_until_ = cluster_.now() + static_cast<DurationMs>(1000 * seconds);
  }

  static constexpr double kBurst = 1.2;

  Random random_;
  const Ranges& ranges_;
  Cluster cluster_;
  double load_;
  double season_;
  Graph graph_;
  Flow flow_;
  Job* job_{nullptr};
  TimestampMs back_at_{0};
  TimestampMs burst_until_{0};
};

Truth play_catch_up(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  return CatchUp(seed, ranges, stage).run();
}

}  // namespace

namespace families {
extern const Family bottlenecks{"bottlenecks",     "P9", Kind::positive,
                                kBottleneckRanges, 1,    play_bottleneck};
extern const Family catch_ups{"catch_ups", "N11", Kind::negative, kCatchUpRanges, 2, play_catch_up};
}  // namespace families

}  // namespace doctor::detection
