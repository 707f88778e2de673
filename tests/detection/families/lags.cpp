// Jobs that are behind their input: too slow for what comes, or for a day's worth of it, and jobs
// that only look so: they read what a restart, a savepoint or a batch of the night left, or what
// waits for a commit. A job here is a reader with a highest pace; its sources tell what waits.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kSlowRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 5},
    {"parallelism", 1, 8, Scale::log, "", 1},
    {"rate", 30, 1e5, Scale::log, "records/s that come, on average", 20},
    {"tide", 0, 0.3, Scale::linear, "of the day, share of the rate", 0, 0.35},
    {"noise", 0.02, 0.2, Scale::linear, "of what comes", 0, 0.25},
    {"headroom", 1.4, 3, Scale::log, "highest pace / highest tide before the onset", 1.3},
    {"overload", 1.1, 2, Scale::log, "what comes / highest pace from then on", 1.08},
    {"stays_h", 1, 6, Scale::log, "of input that a job that keeps pace stays behind", 0.75},
    {"healthy_h", 2, 72, Scale::log, "before the onset", 1},
    {"stay_share", 0.3, 0.3, Scale::linear, "of jobs that stay behind instead", 0, 1},
    {"kafka_share", 0.4, 0.4, Scale::linear, "that tell a consumer's lag only", 0, 1},
    {"kinesis_share", 0.2, 0.2, Scale::linear, "that tell time instead of records", 0, 1},
};

constexpr Range kPeaceRanges[] = {
    {"scrape_s", 30, 60, Scale::log, "", 5},
    {"parallelism", 1, 8, Scale::log, "", 1},
    {"rate", 0.5, 1e5, Scale::log, "records/s that come, on average", 0.1},
    {"tide", 0, 0.9, Scale::linear, "of the day, share of the rate", 0, 0.95},
    {"noise", 0.02, 0.2, Scale::linear, "of what comes", 0, 0.25},
    {"headroom", 1.3, 3, Scale::log, "highest pace / highest tide", 1.2},
    {"batch_h", 0.25, 2, Scale::log, "that the batch of the night comes for", 0.1, 2.6},
    {"batch_load", 1.2, 4, Scale::log, "of a batch / highest pace", 1},
    {"batch_share", 0.5, 0.5, Scale::linear, "of jobs that have one", 0, 1},
    {"restarts_per_week", 0.5, 6, Scale::log, ""},
    {"down_min", 0.5, 4, Scale::log, "of a restart", 0.1, 4.5},
    {"rewind_h", 0.02, 8, Scale::log, "of input that a restart reads again", 0.01},
    {"savepoint_h", 1, 24, Scale::log, "of input that an old savepoint leaves, at the start", 0.5},
    {"savepoint_share", 0.3, 0.3, Scale::linear, "of jobs that begin so", 0, 1},
    {"commit_min", 1, 20, Scale::log, "between commits of what the job may read", 0.5},
    {"commit_share", 0.3, 0.3, Scale::linear, "of jobs that read what is committed", 0, 1},
    {"markers", 0, 20, Scale::linear, "records that never go away", 0, 50},
    {"kafka_share", 0.4, 0.4, Scale::linear, "that tell a consumer's lag only", 0, 1},
    {"kinesis_share", 0.2, 0.2, Scale::linear, "that tell time instead of records", 0, 1},
    {"days", 5, 9, Scale::linear, "", 1},
};

/// Reads what comes, at most `pace` records a second, and tells what waits.
class Reader {
 public:
  Reader(const Ranges& ranges, Random random)
      : random_(random), noise_(ranges.draw("noise", random_)) {
    parallelism_ = ranges.draw_count("parallelism", random_);
    const double kind = random_.uniform();
    const double kafka = ranges.draw("kafka_share", random_);
    if (kind < kafka) {
      metric_ = Metric::kafka_records_lag_max;
    } else if (kind < kafka + ranges.draw("kinesis_share", random_)) {
      metric_ = Metric::kinesis_millis_behind;
    }
  }

  double waits{0}, markers{0};
  double pace{0};
  std::function<double(TimestampMs)> comes;     // records/s
  std::function<double(TimestampMs)> hidden{};  // not committed yet: records that wait

  void advance(TimestampMs to, bool running) {
    const double seconds = at_ == 0 ? 0 : static_cast<double>(to - at_) / kSecondMs;
    at_ = to;
    const double came = comes(to) * random_.around_one(noise_) * seconds;
    const double read = running ? std::min(waits + came, pace * seconds) : 0;
    waits += came - read;
    read_ += read;
    rate_ = 0.9 * rate_ + 0.1 * (seconds > 0 ? came / seconds : 0);
  }
  void begin_again() { read_ = 0; }

  /// A Kinesis reader's series stand below its operator; here all are the operator's.
  std::vector<SubtaskSeries> series() const {
    SubtaskSeries lag{0, "Source", "", {metric_}, {}};
    lag.fill = [this](int, TimestampMs at, double* values) {
      const double records = waits + (hidden ? hidden(at) : 0);
      values[0] = metric_ == Metric::kinesis_millis_behind
                      ? std::floor(1000 * records / std::max(rate_, 1e-3))
                      : std::floor(records / parallelism_ + markers);
    };
    SubtaskSeries sent{0, "", "", {Metric::task_records_out}, {}};
    sent.fill = [this](int, TimestampMs, double* values) {
      values[0] = std::floor(read_ / parallelism_);
    };
    return {lag, sent};
  }
  int parallelism() const { return parallelism_; }
  bool tells_time() const { return metric_ == Metric::kinesis_millis_behind; }

 private:
  Random random_;
  double noise_;
  int parallelism_{1};
  Metric metric_{Metric::source_pending_records};
  TimestampMs at_{0};
  double read_{0}, rate_{1};
};

class LagCase {
 public:
  LagCase(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        reader_(ranges, random_.fork()),
        rate_(ranges.draw("rate", random_)),
        tide_(ranges.draw("tide", random_)) {
    for (int i = 0; i < 2; ++i) cluster_.add_task_manager(plain_task_manager(), host_name(i));
    reader_.pace = rate_ * (1 + tide_) * ranges.draw("headroom", random_);
    reader_.comes = [this](TimestampMs at) { return rate_ * season(at, tide_, 0); };
  }

  void submit(bool from_savepoint) {
    JobPlan plan = chain_plan("orders", 3, reader_.parallelism());
    plan.series = reader_.series();
    plan.from_savepoint = from_savepoint;
    job_ = &cluster_.submit(std::move(plan));
  }
  void run_until(TimestampMs until, const std::function<void(TimestampMs)>& before_each = {}) {
    cluster_.run_until(until, [&](TimestampMs at) {
      reader_.advance(at, job_->is_running());
      if (before_each) before_each(at);
    });
  }
  void restart(DurationMs down_ms) {
    reader_.begin_again();
    job_->restart(cluster_.now(),
                  task_fault(*job_, "java.io.IOException: reset", "org.acme.Read.next"), down_ms);
  }
  Truth truth() const {
    Truth truth;
    truth.job_weeks = cluster_.weeks();
    truth.process_weeks = cluster_.weeks() * 3;
    return truth;
  }

  Random& random() { return random_; }
  Reader& reader() { return reader_; }
  Cluster& cluster() { return cluster_; }
  Job& job() { return *job_; }
  double rate() const { return rate_; }
  double tide() const { return tide_; }

 private:
  Random random_;
  Cluster cluster_;
  Reader reader_;
  double rate_, tide_;
  Job* job_{nullptr};
};

Truth play_slow(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  LagCase lag(seed, ranges, stage);
  Random& random = lag.random();
  const TimestampMs onset =
      kCaseStart + static_cast<DurationMs>(ranges.draw("healthy_h", random) * kHourMs);
  const bool stays = random.chance(ranges.draw("stay_share", random));
  const double overload = ranges.draw("overload", random);
  const double behind_h = ranges.draw("stays_h", random);
  lag.submit(false);
  lag.run_until(onset);
  Goal goal;
  goal.detector = "catch_up";
  goal.entity = "orders";
  goal.onset = onset;
  if (stays) {
    // It has no pace to spare any more: what waits, waits.
    goal.name = "catch_up/stays behind";
    goal.deadline = onset + 30 * kHourMs;
    const double waits = behind_h * kHourMs / kSecondMs * lag.rate();
    lag.run_until(goal.deadline, [&](TimestampMs at) {
      lag.reader().pace = lag.reader().comes(at) * 1.5;
      lag.reader().waits = waits;
    });
  } else {
    goal.name = "catch_up/grows";
    goal.deadline = onset + 5 * kHourMs;
    const double least = lag.rate() * (1 - lag.tide());
    const double came = lag.rate() * season(onset, lag.tide(), 0);
    lag.reader().pace = std::max(least, came) / overload;
    lag.reader().comes = [came](TimestampMs) { return came; };
    lag.run_until(goal.deadline);
  }
  Truth truth = lag.truth();
  truth.goals.push_back(std::move(goal));
  return truth;
}

Truth play_peace(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  LagCase lag(seed, ranges, stage);
  Random& random = lag.random();
  Reader& reader = lag.reader();
  const auto batch_ms = static_cast<DurationMs>(ranges.draw("batch_h", random) * kHourMs);
  const double batch = ranges.draw("batch_load", random) * reader.pace;
  const auto batch_at = static_cast<DurationMs>(random.uniform(0, 20) * kHourMs);
  if (random.chance(ranges.draw("batch_share", random))) {
    reader.comes = [&lag, batch, batch_at, batch_ms](TimestampMs at) {
      const DurationMs of_day = (at - kCaseStart) % kDayMs;
      const bool comes = of_day >= batch_at && of_day < batch_at + batch_ms;
      return lag.rate() * season(at, lag.tide(), 0) + (comes ? batch : 0);
    };
  }
  const auto commit_ms = static_cast<DurationMs>(ranges.draw("commit_min", random) * kMinuteMs);
  if (random.chance(ranges.draw("commit_share", random))) {
    reader.hidden = [&lag, commit_ms](TimestampMs at) {
      return lag.rate() * static_cast<double>((at - kCaseStart) % commit_ms) / kSecondMs;
    };
  }
  reader.markers = std::floor(ranges.draw("markers", random));
  const bool old = random.chance(ranges.draw("savepoint_share", random));
  if (old) reader.waits = ranges.draw("savepoint_h", random) * kHourMs / kSecondMs * lag.rate();
  lag.submit(old);
  Schedule restarts(ranges.draw("restarts_per_week", random), kWeekMs, random);
  const auto until = kCaseStart + static_cast<DurationMs>(ranges.draw("days", random) * kDayMs);
  lag.run_until(until, [&](TimestampMs at) {
    if (restarts.due(at) && lag.job().is_running()) {
      lag.restart(static_cast<DurationMs>(ranges.draw("down_min", random) * kMinuteMs));
      reader.waits += ranges.draw("rewind_h", random) * kHourMs / kSecondMs * lag.rate();
    }
  });
  return lag.truth();
}

}  // namespace

namespace families {
extern const Family lags_grow{"lags_grow", "catch_up", Kind::positive, kSlowRanges, 1, play_slow};
extern const Family lags_in_peace{"lags_in_peace", "N11, N12, N13", Kind::negative, kPeaceRanges, 1,
                                  play_peace};
}  // namespace families

}  // namespace doctor::detection
