// P11, event time that stands still: one partition without records, one subtask whose time does not
// get on, one that never had any, or timestamps that all stand. N13, its healthy twins: nights,
// batches, partitions that are marked idle, thin ones, restarts.
#include <algorithm>
#include <memory>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kStallRanges[] = {
    {"scrape_s", 5, 60, Scale::log, "", 1},
    {"sources", 1, 2, Scale::linear, "", 1, 3},
    {"parallelism", 2, 32, Scale::log, "of each source", 2},
    {"rate", 5, 1e4, Scale::log, "records/s of a subtask", 2},
    {"batch_s", 0.2, 30, Scale::log, "between two batches of records, which move time", 0.2, 40},
    {"lateness_s", 0.1, 60, Scale::log, "bounded out-of-orderness"},
    {"healthy_min", 10, 120, Scale::log, "before the onset", 8},
    {"never_share", 0.15, 0.15, Scale::linear, "of cases in which one has no time at all", 0, 1},
};

constexpr Range kPeaceRanges[] = {
    {"scrape_s", 10, 60, Scale::log, "", 1},
    {"sources", 1, 2, Scale::linear, "", 1, 3},
    {"parallelism", 2, 16, Scale::log, "of each source", 2},
    {"rate", 5, 1e4, Scale::log, "records/s of a subtask", 2},
    {"batch_s", 0.2, 900, Scale::log, "between two batches, of all at once", 0.2},
    {"lateness_s", 0.1, 60, Scale::log, "bounded out-of-orderness"},
    {"thin_s", 1, 120, Scale::log, "between two records of the thinnest partition", 1, 150},
    {"night_share", 0, 0.4, Scale::linear, "of the day without any record", 0, 0.6},
    {"idle_share", 0, 0.5, Scale::linear, "of partitions that are empty and marked idle", 0, 0.8},
    {"restarts_per_day", 0.2, 6, Scale::log, ""},
    {"days", 1, 3, Scale::linear, "", 0.5},
};

constexpr double kBusy = 0.3;

/// What the subtasks of a job's sources do, and the minimum that all behind them wait for.
class EventTime {
 public:
  struct Partition {
    double records{0}, busy_ms{0}, waiting_ms{0};
    double watermark{kAbsent};
    TimestampMs last_record{kCaseStart};
    double every_ms{1000};  // between its batches
    bool flows{true}, moves{true};
    bool marked_idle{false};  // and nobody waits for it
  };

  EventTime(const Ranges& ranges, Random& random)
      : rate_(ranges.draw("rate", random)),
        batch_ms_(1000 * ranges.draw("batch_s", random)),
        lateness_ms_(1000 * ranges.draw("lateness_s", random)),
        random_(random.fork()) {
    const int sources = ranges.draw_count("sources", random);
    for (int s = 0; s < sources; ++s) {
      sources_.emplace_back(static_cast<std::size_t>(ranges.draw_count("parallelism", random)));
      for (Partition& partition : sources_.back()) partition.every_ms = batch_ms_;
    }
  }

  std::vector<std::vector<Partition>>& sources() { return sources_; }
  double batch_ms() const { return batch_ms_; }

  void advance(TimestampMs to, bool running, bool night) {
    const auto span = static_cast<double>(to - at_);
    for (auto& source : sources_) {
      for (Partition& partition : source) step(partition, to, span, running && !night);
    }
    at_ = to;
  }
  /// New tasks have no time until their first record; what they had counted is gone.
  void reset() {
    for (auto& source : sources_) {
      for (Partition& partition : source) {
        partition.watermark = kAbsent;
        partition.records = partition.busy_ms = partition.waiting_ms = 0;
      }
    }
    received_ = kAbsent;
    sent_ = 0;
  }

  JobPlan plan() {
    JobPlan plan;
    plan.name = "orders";
    const std::size_t n = sources_.size();
    std::vector<std::size_t> inputs;
    for (std::size_t s = 0; s < n; ++s) {
      plan.vertices.push_back({name(s), static_cast<int>(sources_[s].size()), {}});
      add_source(plan, s);
      inputs.push_back(s);
    }
    plan.vertices.push_back({"Window", 2, inputs});
    plan.vertices.push_back({"Sink", 1, {n}});
    for (std::size_t v = n; v < n + 2; ++v) {
      SubtaskSeries series;
      series.vertex = v;
      series.metrics = {Metric::task_input_watermark, Metric::task_records_out};
      series.fill = [this](int, TimestampMs, double* values) {
        values[0] = received();
        values[1] = std::floor(sent_);
      };
      plan.series.push_back(std::move(series));
    }
    return plan;
  }
  static std::string name(std::size_t source) { return "Source-" + std::to_string(source); }

 private:
  void step(Partition& partition, TimestampMs to, double span, bool flows) {
    const bool batch = std::floor(static_cast<double>(to) / partition.every_ms) >
                       std::floor(static_cast<double>(at_) / partition.every_ms);
    const bool gets = flows && partition.flows && batch;
    partition.busy_ms += gets ? kBusy * span : 0;
    partition.waiting_ms += gets ? (1 - kBusy) * span : span;
    if (!gets) return;
    const double records = std::max(1.0, rate_ * std::max(span, partition.every_ms) / 1000);
    partition.records += records * random_.around_one(0.1);
    sent_ += records;
    partition.last_record = to;
    if (!partition.moves) return;
    const double watermark = static_cast<double>(to) - lateness_ms_ * random_.around_one(0.1);
    if (!is_present(partition.watermark) || watermark > partition.watermark) {
      partition.watermark = std::floor(watermark);
    }
  }

  /// The least of all that are not marked idle; it never goes back.
  double received() {
    double least = kAbsent;
    for (const auto& source : sources_) {
      for (const Partition& partition : source) {
        if (partition.marked_idle) continue;
        if (!is_present(partition.watermark)) return received_;
        if (!is_present(least) || partition.watermark < least) least = partition.watermark;
      }
    }
    if (is_present(least) && (!is_present(received_) || least > received_)) received_ = least;
    return received_;
  }

  void add_source(JobPlan& plan, std::size_t source) {
    const auto of = [this, source](int subtask) -> Partition& {
      return sources_[source][static_cast<std::size_t>(subtask)];
    };
    SubtaskSeries tasks;
    tasks.vertex = source;
    tasks.metrics = {Metric::task_records_out, Metric::task_accumulated_busy,
                     Metric::task_accumulated_idle, Metric::task_accumulated_backpressured};
    tasks.fill = [of](int subtask, TimestampMs, double* values) {
      const Partition& partition = of(subtask);
      values[0] = std::floor(partition.records);
      values[1] = std::floor(partition.busy_ms);
      values[2] = std::floor(partition.waiting_ms);
      values[3] = 0;
    };
    plan.series.push_back(std::move(tasks));
    SubtaskSeries operators;
    operators.vertex = source;
    operators.operator_ = "Source";
    operators.metrics = {Metric::operator_output_watermark, Metric::source_idle_time};
    operators.fill = [of](int subtask, TimestampMs at, double* values) {
      const Partition& partition = of(subtask);
      values[0] = partition.watermark;
      values[1] = static_cast<double>(at - partition.last_record);
    };
    plan.series.push_back(std::move(operators));
  }

  double rate_, batch_ms_, lateness_ms_;
  Random random_;
  std::vector<std::vector<Partition>> sources_;
  TimestampMs at_{kCaseStart};
  double received_{kAbsent};
  double sent_{0};
};

Truth truth_of(const Cluster& cluster) {
  Truth truth;
  truth.job_weeks = cluster.weeks();
  truth.process_weeks = cluster.weeks() * 3;
  return truth;
}

enum class Fault { idle, stuck, frozen, never };
constexpr std::string_view kGoals[] = {"idle partition", "time that stands", "all stand",
                                       "never any time"};

Truth play_stall(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 2; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  EventTime time(ranges, random);
  const bool never = random.chance(ranges.draw("never_share", random));
  const Fault fault = never ? Fault::never : static_cast<Fault>(random.below(3));
  const auto healthy = static_cast<DurationMs>(ranges.draw("healthy_min", random) * kMinuteMs);
  const std::size_t source = random.below(time.sources().size());
  auto& partitions = time.sources()[source];
  EventTime::Partition& hit = partitions[random.below(partitions.size())];
  if (never) hit.flows = false;
  Job& job = cluster.submit(time.plan());
  const auto pass = [&](DurationMs ms) {
    cluster.run_until(cluster.now() + ms,
                      [&](TimestampMs at) { time.advance(at, job.is_running(), false); });
  };
  if (!never) pass(healthy);
  if (fault == Fault::idle) hit.flows = false;
  if (fault == Fault::stuck) hit.moves = false;
  for (auto& all : time.sources()) {
    for (EventTime::Partition& one : all) one.moves = one.moves && fault != Fault::frozen;
  }
  Goal goal;
  goal.name = "watermark_stalled/" + std::string(kGoals[static_cast<std::size_t>(fault)]);
  goal.detector = "watermark_stalled";
  goal.entity = "orders";
  goal.onset = cluster.now();
  goal.deadline = goal.onset + 5 * kMinuteMs + 2 * cluster.scrape_ms();
  if (fault != Fault::frozen) goal.culprit = EventTime::name(source);
  pass(15 * kMinuteMs);
  Truth truth = truth_of(cluster);
  truth.goals.push_back(std::move(goal));
  return truth;
}

Truth play_peace(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Random random(seed);
  Cluster cluster(stage, random.fork(), scrape_of(ranges, random));
  for (int i = 0; i < 2; ++i) cluster.add_task_manager(plain_task_manager(), host_name(i));
  EventTime time(ranges, random);
  const double idle = ranges.draw("idle_share", random);
  for (auto& source : time.sources()) {
    for (std::size_t i = 1; i < source.size(); ++i) {
      if (random.chance(idle)) source[i].flows = !(source[i].marked_idle = true);
    }
    source[0].every_ms = std::max(time.batch_ms(), 1000 * ranges.draw("thin_s", random));
  }
  Schedule restarts(ranges.draw("restarts_per_day", random), kDayMs, random);
  const double night = ranges.draw("night_share", random);
  const auto length = static_cast<DurationMs>(ranges.draw("days", random) * kDayMs);
  Job& job = cluster.submit(time.plan());
  cluster.run_until(kCaseStart + length, [&](TimestampMs at) {
    const double of_day = static_cast<double>((at - kCaseStart) % kDayMs) / kDayMs;
    time.advance(at, job.is_running(), of_day > 1 - night);
    if (!restarts.due(at) || !job.is_running()) return;
    job.restart(cluster.now(), task_fault(job, "java.io.IOException: reset", "org.acme.Read.next"),
                20 * kSecondMs);
    time.reset();
  });
  return truth_of(cluster);
}

}  // namespace

namespace families {
extern const Family watermark_stalls{"watermark_stalls", "P11", Kind::positive,
                                     kStallRanges,       1,     play_stall};
extern const Family watermarks_in_peace{"watermarks_in_peace", "N13", Kind::negative,
                                        kPeaceRanges,          2,     play_peace};
}  // namespace families

}  // namespace doctor::detection
