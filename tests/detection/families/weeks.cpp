// P13 and N12: weeks of a job's life, by day and night, with weekends somewhere on earth. In one
// family the pattern changes one day, in its twin nothing does but what is usual: growth, weekends,
// wild hours, restarts. Advice is scored here as if it were pushed.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "tests/detection/families/plans.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {
namespace {

constexpr Range kUsualRanges[] = {
    {"scrape_s", 60, 120, Scale::log, "", 30, 140},
    {"rate", 30, 1e5, Scale::log, "records/s, on average", 20},
    {"tide", 0.2, 0.8, Scale::linear, "of the day, share of the rate", 0.1, 0.9},
    {"weekend", 0, 0.5, Scale::linear, "by which weekends are lower", 0, 0.6},
    {"zone_h", -8, 9, Scale::linear, "east of Greenwich", -11, 12},
    {"noise", 0.02, 0.12, Scale::linear, "from hour to hour", 0.01, 0.15},
    {"growth", -0.1, 0.3, Scale::linear, "a week", -0.2, 0.4},
    {"peak_h", 4, 6, Scale::linear, "of a busy time each day", 3.5, 8},
    {"peak_share", 0.5, 0.5, Scale::linear, "of jobs that have one", 0, 1},
    {"wild_per_week", 0.5, 3, Scale::log, "hours of twice to four times as much, or of a quarter"},
    {"restarts_per_week", 0.5, 4, Scale::log, ""},
    {"days", 14, 21, Scale::linear, "", 10},
};

constexpr Range kChangeRanges[] = {
    {"scrape_s", 60, 120, Scale::log, "", 30, 140},
    {"rate", 30, 1e5, Scale::log, "records/s, on average", 20},
    {"tide", 0.2, 0.8, Scale::linear, "of the day, share of the rate", 0.1, 0.9},
    {"weekend", 0, 0.5, Scale::linear, "by which weekends are lower", 0, 0.6},
    {"zone_h", -8, 9, Scale::linear, "east of Greenwich", -11, 12},
    {"noise", 0.02, 0.12, Scale::linear, "from hour to hour", 0.01, 0.15},
    {"growth", -0.1, 0.3, Scale::linear, "a week", -0.2, 0.4},
    {"peak_h", 4, 6, Scale::linear, "of a busy time each day", 3.5, 8},
    {"factor", 1.6, 2.5, Scale::log, "of a level that rises, or its inverse", 1.5},
    {"shift_h", 5, 10, Scale::linear, "of a day that is shifted", 4, 12},
    {"wild_per_week", 0.5, 3, Scale::log, "hours of twice to four times as much, or of a quarter"},
    {"restarts_per_week", 0.5, 4, Scale::log, ""},
    {"usual_days", 7, 12, Scale::linear, "before the change", 6},
};

constexpr std::array kChanges{"level up",   "level down", "shifted day",
                              "lost night", "lost peak",  "new peak"};
constexpr double kPeak = 2.5;  // times the rate of the hour

/// What comes, by the hour.
class Weeks {
 public:
  Weeks(std::uint64_t seed, const Ranges& ranges, Stage& stage)
      : random_(seed),
        cluster_(stage, random_.fork(), scrape_of(ranges, random_)),
        hours_(random_.fork()),
        rate_(ranges.draw("rate", random_)),
        tide_(ranges.draw("tide", random_)),
        weekend_(ranges.draw("weekend", random_)),
        zone_ms_(std::lround(ranges.draw("zone_h", random_)) * kHourMs),
        noise_(ranges.draw("noise", random_)),
        growth_(ranges.draw("growth", random_)),
        peak_at_(static_cast<DurationMs>(random_.uniform(0, 24) * kHourMs)),
        peak_ms_(static_cast<DurationMs>(ranges.draw("peak_h", random_) * kHourMs)),
        wild_(ranges.draw("wild_per_week", random_), kWeekMs, random_),
        restarts_(ranges.draw("restarts_per_week", random_), kWeekMs, random_) {
    cluster_.add_task_manager(plain_task_manager(), host_name(0));
    submit(stage.entities());
  }

  bool has_peak{false};
  double factor{1};
  DurationMs shift_ms{0};
  bool lost_night{false};

  void run_until(TimestampMs until) {
    cluster_.run_until(until, [this](TimestampMs at) {
      if (job_->is_running()) sent_ += comes(at) * static_cast<double>(cluster_.scrape_ms()) / 1000;
      if (!restarts_.due(at) || !job_->is_running()) return;
      sent_ = 0;
      job_->restart(cluster_.now(),
                    task_fault(*job_, "java.io.IOException: reset", "org.acme.Read"), kMinuteMs);
    });
  }
  Truth truth() const {
    Truth truth;
    truth.advice = "pattern_change";
    truth.job_weeks = cluster_.weeks();
    truth.process_weeks = cluster_.weeks() * 2;
    return truth;
  }
  Random& random() { return random_; }
  double tide() const { return tide_; }
  TimestampMs now() const { return cluster_.now(); }

 private:
  void submit(EntityTable& entities) {
    JobPlan plan = chain_plan("orders", 2, 1);
    SubtaskSeries sent{0, "", "", {Metric::task_records_out}, {}};
    sent.fill = [this](int, TimestampMs, double* values) { values[0] = std::floor(sent_); };
    plan.series = {sent};
    job_ = &cluster_.submit(std::move(plan));
    const EntityId entity = entities.find(Level::job, kClusterEntity, job_->id());
    cluster_.job_manager().add({{{Metric::checkpoint_full_size, entity}},
                                [this](TimestampMs at, double* values) {
                                  values[0] = 1e9 * (1 + 0.02 * random_.normal()) * grown(at);
                                },
                                job_});
  }

  double grown(TimestampMs at) const {
    return std::pow(1 + growth_, static_cast<double>(at - kCaseStart) / kWeekMs);
  }

  double comes(TimestampMs at) {
    if (at / kHourMs != hour_) {
      hour_ = at / kHourMs;
      of_hour_ = hours_.around_one(noise_);
      if (wild_.due(at)) of_hour_ *= hours_.chance(0.5) ? hours_.uniform(2, 4) : 0.25;
    }
    const TimestampMs local = at + zone_ms_ - shift_ms;
    double tide = season(local, tide_, weekend_);
    if (lost_night) tide = std::max(tide, season(kCaseStart + 15 * kHourMs, tide_, 0));
    const DurationMs since_peak = ((local - kCaseStart - peak_at_) % kDayMs + kDayMs) % kDayMs;
    if (has_peak && since_peak < peak_ms_) tide *= kPeak;
    return rate_ * factor * tide * of_hour_ * grown(at);
  }

  Random random_;
  Cluster cluster_;
  Random hours_;
  double rate_, tide_, weekend_;
  DurationMs zone_ms_;
  double noise_, growth_;
  DurationMs peak_at_, peak_ms_;
  Schedule wild_, restarts_;
  Job* job_{nullptr};
  double sent_{0};
  TimestampMs hour_{0};
  double of_hour_{1};
};

Truth play_usual(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Weeks weeks(seed, ranges, stage);
  weeks.has_peak = weeks.random().chance(ranges.draw("peak_share", weeks.random()));
  weeks.run_until(kCaseStart +
                  static_cast<DurationMs>(ranges.draw("days", weeks.random()) * kDayMs));
  return weeks.truth();
}

Truth play_change(std::uint64_t seed, const Ranges& ranges, Stage& stage) {
  Weeks weeks(seed, ranges, stage);
  Random& random = weeks.random();
  std::size_t change = random.below(kChanges.size());
  // A tide that is hardly there cannot be shifted, or lose its night.
  if ((change == 2 || change == 3) && weeks.tide() < 0.5) change = 0;
  const double factor = ranges.draw("factor", random);
  const double shift_h = ranges.draw("shift_h", random);
  weeks.has_peak = change == 4;
  weeks.run_until(kCaseStart + static_cast<DurationMs>(ranges.draw("usual_days", random) * kDayMs));
  if (change == 0) weeks.factor = factor;
  if (change == 1) weeks.factor = 1 / factor;
  if (change == 2) weeks.shift_ms = static_cast<DurationMs>(shift_h * kHourMs);
  weeks.lost_night = change == 3;
  weeks.has_peak = change == 5;
  Goal goal;
  goal.name = std::string("pattern_change/") + kChanges.at(change);
  goal.detector = "pattern_change";
  goal.entity = "orders";
  goal.onset = weeks.now();
  goal.deadline = goal.onset + 32 * kHourMs;  // the hours in question have come once, and are over
  goal.severity = Severity::info;
  weeks.run_until(goal.deadline + 2 * kHourMs);
  Truth truth = weeks.truth();
  truth.goals.push_back(std::move(goal));
  return truth;
}

}  // namespace

namespace families {
extern const Family weeks_change{"weeks_change", "P13", Kind::positive,
                                 kChangeRanges,  1,     play_change};
extern const Family weeks_as_usual{"weeks_as_usual", "N1, N4, N12", Kind::negative, kUsualRanges, 1,
                                   play_usual};
}  // namespace families

}  // namespace doctor::detection
