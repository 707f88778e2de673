// P10, one key that is far hotter than the others, and its healthy twins: keys of uneven weight as
// they always are, hot spots that wander, and key groups that cannot be dealt evenly (N14).
#include <algorithm>
#include <cmath>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"
#include "tests/detection/stage/flow.hpp"

namespace doctor::detection {
namespace {

constexpr Range kSkewRanges[] = {
    {"scrape_s", 10, 60, Scale::log, "", 1},
    {"parallelism", 2, 64, Scale::log, "of the keyed vertex", 2, 128},
    {"ratio", 2, 10, Scale::log, "records of the hot subtask to those of the others", 1.8},
    {"spread", 0.03, 0.15, Scale::linear, "of the records among the others", 0},
    {"busy", 0.85, 1.5, Scale::linear, "use that the hot subtask would need", 0.85},
    {"rate", 50, 1e5, Scale::log, "records/s of the vertex", 30},
    {"healthy_min", 20, 120, Scale::log, "before the onset", 16},
};

constexpr Range kEvenRanges[] = {
    {"scrape_s", 10, 60, Scale::log, "", 1},
    {"parallelism", 2, 64, Scale::log, "of the keyed vertex", 2, 128},
    {"spread", 0.03, 0.2, Scale::linear, "of the records among the subtasks", 0},
    {"keys", 30, 1e5, Scale::log, "of equal weight, that hash to subtasks", 20},
    {"wander", 1.5, 5, Scale::log, "records of a subtask that is hot for minutes", 1},
    {"wander_min", 2, 8, Scale::linear, "for so long", 1, 9},
    {"wanders_per_day", 1, 24, Scale::log, ""},
    {"busy", 0.3, 0.8, Scale::linear, "use of the fullest subtask", 0.1, 0.84},
    {"rate", 50, 1e5, Scale::log, "records/s of the vertex", 30},
    {"season", 0, 0.3, Scale::linear, "", 0, 0.4},
    {"hours", 12, 72, Scale::log, "", 2},
};

constexpr double kFull = 0.95;
constexpr std::size_t kKeyed = 1;  // Source → Aggregate → Sink

struct Spread {
  std::vector<double> shares;
  double fullest() const { return *std::max_element(shares.begin(), shares.end()); }
};

Spread normalised(std::vector<double> weights) {
  double sum = 0;
  for (const double weight : weights) sum += weight;
  for (double& weight : weights) weight /= sum;
  return {std::move(weights)};
}

FlowVertex vertex(std::vector<std::size_t> inputs, std::size_t subtasks, double capacity) {
  FlowVertex made;
  made.inputs = std::move(inputs);
  made.capacity = capacity;
  made.shares.assign(subtasks, 1 / static_cast<double>(subtasks));
  made.speeds.assign(subtasks, 1);
  return made;
}

/// Roomy but for the keyed vertex, whose fullest subtask is used by `busy`.
std::vector<FlowVertex> chain(const Spread& spread, double rate, double busy) {
  const std::size_t n = spread.shares.size();
  std::vector<FlowVertex> vertices{vertex({}, 2, 4 * rate),
                                   vertex({0}, n, rate * static_cast<double>(n) / busy),
                                   vertex({1}, 2, 4 * rate)};
  vertices[kKeyed].shares = spread.shares;
  vertices[kKeyed].capacity *= spread.fullest();
  return vertices;
}

JobPlan plan_of(const std::vector<FlowVertex>& vertices, Flow& flow) {
  static constexpr std::string_view kNames[] = {"Source", "Aggregate", "Sink"};
  JobPlan plan;
  plan.name = "orders";
  for (std::size_t v = 0; v < vertices.size(); ++v) {
    plan.vertices.push_back(
        {std::string(kNames[v]), static_cast<int>(vertices[v].shares.size()), vertices[v].inputs});
    plan.series.push_back(flow.series(v));
  }
  return plan;
}

Truth play_skew(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 4; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const auto n = static_cast<std::size_t>(ranges.draw_count("parallelism", random));
  const double ratio = ranges.draw("ratio", random);
  const double spread = ranges.draw("spread", random);
  const double rate = ranges.draw("rate", random);
  std::vector<double> weights;
  for (std::size_t i = 0; i < n; ++i) weights.push_back(random.around_one(spread));
  const Spread even = normalised(weights);
  const std::size_t hot = random.below(n);
  std::vector<double> sorted = weights;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(n / 2),
                   sorted.end());
  weights[hot] = ratio * sorted[n / 2];
  const Spread skewed = normalised(weights);
  const auto vertices = chain(skewed, rate, ranges.draw("busy", random));
  Flow flow(
      vertices, [rate](TimestampMs) { return rate; }, false, random.fork());
  cluster.submit(plan_of(vertices, flow));
  flow.deal(kKeyed, even.shares);
  const auto advance = [&](TimestampMs at) { flow.advance(at, true); };
  cluster.run_until(
      cluster.now() + static_cast<DurationMs>(ranges.draw("healthy_min", random) * kMinuteMs),
      advance);
  flow.deal(kKeyed, skewed.shares);
  Goal goal;
  goal.name = ratio >= 4 ? "data_skew/4× and more" : "data_skew/2× to 4×";
  goal.detector = "data_skew";
  goal.entity = "orders";
  goal.onset = cluster.now();
  goal.deadline = goal.onset + 20 * kMinuteMs + 2 * cluster.scrape_ms();
  goal.culprit = "Aggregate";
  cluster.run_until(goal.deadline + 5 * kMinuteMs, advance);
  Truth truth;
  truth.goals.push_back(std::move(goal));
  truth.entailed = {"backpressure"};
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * 5;
  return truth;
}

/// Keys of equal weight, dealt to subtasks by chance as a hash does.
Spread dealt(double keys, double spread, std::size_t n, Random& random) {
  std::vector<double> weights(n, 0);
  const auto count = std::max(static_cast<std::size_t>(keys), 8 * n);
  for (std::size_t k = 0; k < count; ++k) weights[random.below(n)] += 1;
  for (double& weight : weights) weight = std::max(weight, 0.1) * random.around_one(spread);
  return normalised(std::move(weights));
}

Truth play_even(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 4; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  const auto n = static_cast<std::size_t>(ranges.draw_count("parallelism", random));
  const Spread usual = dealt(ranges.draw("keys", random), ranges.draw("spread", random), n, random);
  const double rate = ranges.draw("rate", random);
  const double tide = ranges.draw("season", random);
  const double busy = ranges.draw("busy", random);
  const auto vertices = chain(usual, rate, busy / (1 + tide));
  Flow flow(
      vertices, [=](TimestampMs at) { return rate * season(at, tide, 0); }, false, random.fork());
  cluster.submit(plan_of(vertices, flow));
  Schedule wanders(ranges.draw("wanders_per_day", random), kDayMs, random);
  TimestampMs calm_at = 0;
  const auto length = static_cast<DurationMs>(ranges.draw("hours", random) * kHourMs);
  cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    flow.advance(at, true);
    if (calm_at > 0 && at >= calm_at) {
      flow.deal(kKeyed, usual.shares);
      calm_at = 0;
    }
    if (!wanders.due(at) || calm_at > 0) return;
    // Hot, and almost all its time busy, but not so that the source has to wait.
    std::vector<double> weights = usual.shares;
    double& hot = weights[random.below(n)];
    hot = std::min(hot * ranges.draw("wander", random), usual.fullest() * kFull / busy);
    flow.deal(kKeyed, normalised(std::move(weights)).shares);
    calm_at = at + static_cast<DurationMs>(ranges.draw("wander_min", random) * kMinuteMs);
  });
  Truth truth;
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * 5;
  return truth;
}

}  // namespace

namespace families {
extern const Family skews{"skews", "P10", Kind::positive, kSkewRanges, 1, play_skew};
extern const Family even_keys{"even_keys", "P10's twins, N14", Kind::negative, kEvenRanges,
                              2,           play_even};
}  // namespace families

}  // namespace doctor::detection
