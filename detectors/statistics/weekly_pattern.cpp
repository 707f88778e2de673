#include "detectors/statistics/weekly_pattern.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr std::int64_t kDayHours = 24;
constexpr std::int64_t kThursday = 3;  // the first day of Unix' epoch, Monday being 0
constexpr std::int64_t kFlatHours = 72;
constexpr double kSampledShare = 0.75;
constexpr double kTailShare = 0.95;   // of the usual differences are smaller …
constexpr double kTailScales = 1.96;  // … than so many scales
constexpr double kGrowthMax = 0.06;   // a day, of what goes on as before: a doubling in two weeks
constexpr double kScaleMin = 1e-9;    // after days on which nothing moved, anything is far off

struct Hour {
  std::int64_t at{};  // since the Unix epoch
  double value{};
};

std::size_t phase_of(std::int64_t hour) {
  return static_cast<std::size_t>(((hour % kDayHours) + kDayHours) % kDayHours);
}

double days_between(std::int64_t from, std::int64_t to) {
  return static_cast<double>(to - from) / static_cast<double>(kDayHours);
}

/// Between Friday and Monday noon.
bool may_be_weekend(std::int64_t hour) {
  const std::int64_t of_week = (hour + kThursday * kDayHours) % (7 * kDayHours);
  return of_week >= 4 * kDayHours + 12 || of_week < 12;
}

/// Between Saturday and Sunday noon: everywhere.
bool is_weekend(std::int64_t hour) {
  const std::int64_t of_week = (hour + kThursday * kDayHours) % (7 * kDayHours);
  return of_week >= 5 * kDayHours + 12 && of_week < 6 * kDayHours + 12;
}

/// The days before: what they let expect, and how far they themselves were from that.
class Expectation {
 public:
  Expectation(std::vector<Hour> past, const PatternRules& rules) : past_(std::move(past)) {
    for (std::size_t i = 0; i < past_.size(); ++i) by_phase_[phase_of(past_[i].at)].push_back(i);
    const auto count = [&](auto is) {
      return std::count_if(past_.begin(), past_.end(),
                           [&](const Hour& hour) { return is(hour.at); });
    };
    knows_weekend_ = 2 * count(is_weekend) >= kDayHours;
    knows_workdays_ = count([](std::int64_t at) { return !may_be_weekend(at); }) >= 2 * kDayHours;
    growth_ = growth();
    for (std::size_t phase = 0; phase < by_phase_.size(); ++phase) {
      std::vector<Hour> known = workdays(phase);
      daily_[phase] = median_value(known);
      for (Hour& hour : known) hour.value = grown(hour, next(phase));
      grown_[phase] = median_value(known);
    }
    std::vector<Hour> newest;
    for (const Hour& hour : past_) {
      if (hour.at > past_.back().at - kFlatHours) newest.push_back(hour);
    }
    flat_ = median_value(newest).value_or(0);
    flat_grown_ = grown({past_.back().at - kFlatHours / 2, flat_}, past_.back().at + kDayHours / 2);
    choose(rules);
  }

  /// How far an hour usually is from that expectation.
  double scale(double expected) const {
    return std::max(scale_min_, is_relative_ ? scale_ * std::abs(expected) : scale_);
  }
  bool daily() const { return is_daily_; }

  /// The nearest of what may be expected then, with the day begun `later` hours later; nothing
  /// where that is not known.
  std::optional<double> nearest(const Hour& hour, std::int64_t later) const {
    std::optional<double> best;
    const std::size_t phase = phase_of(hour.at - later);
    if (may_be_weekend(hour.at)) {
      if (!knows_weekend_) return std::nullopt;
      for (const std::size_t i : by_phase_[phase]) {
        if (!may_be_weekend(past_[i].at)) continue;
        best = nearer(hour, past_[i].value, grown(past_[i], hour.at), best);
      }
    }
    if (!is_daily_) return nearer(hour, flat_, flat_grown_, best);
    if (daily_[phase]) best = nearer(hour, *daily_[phase], *grown_[phase], best);
    return best;
  }

 private:
  /// Of what lies between two values, and the best so far.
  static double nearer(const Hour& hour, double a, double b, std::optional<double> best) {
    const double expected = std::clamp(hour.value, std::min(a, b), std::max(a, b));
    return !best || std::abs(hour.value - expected) < std::abs(hour.value - *best) ? expected
                                                                                   : *best;
  }

  static std::optional<double> median_value(const std::vector<Hour>& hours) {
    std::vector<double> values;
    for (const Hour& hour : hours) values.push_back(hour.value);
    return median(values);
  }

  /// Of that hour of the day. Weekends differ from the days around them by their nature: they are
  /// among them only where there is little else.
  std::vector<Hour> workdays(std::size_t phase) const {
    std::vector<Hour> all, working;
    for (const std::size_t i : by_phase_[phase]) {
      all.push_back(past_[i]);
      if (!may_be_weekend(past_[i].at)) working.push_back(past_[i]);
    }
    return knows_workdays_ && !working.empty() ? working : all;
  }

  /// The first hour after the past at that hour of the day.
  std::int64_t next(std::size_t phase) const {
    const std::int64_t first = past_.back().at + 1;
    return first + static_cast<std::int64_t>((phase + kDayHours - phase_of(first)) % kDayHours);
  }

  /// By which share an hour differs from the same one of the day before: the median over all pairs.
  double growth() const {
    std::vector<double> slopes;
    for (std::size_t phase = 0; phase < by_phase_.size(); ++phase) {
      const std::vector<Hour> known = workdays(phase);
      for (std::size_t b = 1; b < known.size(); ++b) {
        for (std::size_t a = 0; a < b; ++a) {
          const double both = known[a].value + known[b].value;
          if (both <= 0) continue;
          slopes.push_back((known[b].value - known[a].value) / (both / 2) /
                           days_between(known[a].at, known[b].at));
        }
      }
    }
    const bool is_little = slopes.size() < static_cast<std::size_t>(kDayHours);
    return is_little ? 0 : std::clamp(median_reordering(slopes), -kGrowthMax, kGrowthMax);
  }

  double grown(const Hour& hour, std::int64_t until) const {
    return hour.value * std::max(0.0, 1 + growth_ * days_between(hour.at, until));
  }

  /// What fits the days before: the hour of the day or one level, and whether they differ from it
  /// by as much at any level or by a share of it (the greater likelihood of their median distance).
  void choose(const PatternRules& rules) {
    std::vector<double> daily, flat, shares;
    double logarithms = 0;
    for (const Hour& hour : past_) {
      if (knows_workdays_ && may_be_weekend(hour.at)) continue;
      flat.push_back(hour.value - flat_);
      std::vector<Hour> others = workdays(phase_of(hour.at));
      std::erase_if(others, [&](const Hour& other) { return other.at == hour.at; });
      const std::optional<double> expected = median_value(others);
      if (!expected) continue;
      daily.push_back(hour.value - *expected);
      if (*expected <= 0) continue;
      shares.push_back(daily.back() / *expected);
      logarithms += std::log(*expected);
    }
    is_daily_ = !daily.empty() && mad_sd(daily, 0) <= mad_sd(flat, 0);
    scale_ = scale_of(is_daily_ ? daily : flat);
    scale_min_ = std::max(rules.level_ratio * std::abs(flat_) / 3, kScaleMin);
    if (!is_daily_ || shares.size() < daily.size()) return;
    const double by_share = std::log(std::max(kScaleMin, mad_sd(shares, 0))) +
                            logarithms / static_cast<double>(shares.size());
    is_relative_ = by_share < std::log(std::max(kScaleMin, mad_sd(daily, 0)));
    if (is_relative_) scale_ = std::max(scale_of(std::move(shares)), rules.level_ratio / 3);
  }

  static double scale_of(std::vector<double> distances) {
    const double usual = mad_sd(distances, 0);
    for (double& distance : distances) distance = std::abs(distance);
    std::sort(distances.begin(), distances.end());
    const auto tail = static_cast<std::size_t>(kTailShare * static_cast<double>(distances.size()));
    return std::max(usual, distances[std::min(tail, distances.size() - 1)] / kTailScales);
  }

  std::vector<Hour> past_;
  std::array<std::vector<std::size_t>, kDayHours> by_phase_;
  std::array<std::optional<double>, kDayHours> daily_, grown_;
  bool knows_weekend_{false}, knows_workdays_{false};
  double growth_{0};  // a day, as a share
  double flat_{0}, flat_grown_{0};
  double scale_{0};  // of the expectation where it is relative
  double scale_min_{0};
  bool is_daily_{false}, is_relative_{false};
};

/// One side of the CUSUM, and what it adds up since it was last zero.
struct Side {
  double sum{0}, expected{0}, seen{0};
  std::int64_t from{0}, hours{0};

  void add(const Hour& hour, double at_expected, double step) {
    if (sum + step <= 0) {
      *this = {};
      return;
    }
    if (hours == 0) from = hour.at;
    sum += step;
    expected += at_expected;
    seen += hour.value;
    ++hours;
  }
};

struct Sides {
  Side more, less;
  double misfit{0};
};

Sides sides_of(const Expectation& expectation, const std::vector<Hour>& day, std::int64_t later,
               const PatternRules& rules) {
  Sides sides;
  for (const Hour& hour : day) {
    const std::optional<double> expected = expectation.nearest(hour, later);
    if (!expected) continue;
    const double z = std::clamp((hour.value - *expected) / expectation.scale(*expected),
                                -rules.clip, rules.clip);
    sides.more.add(hour, *expected, z - rules.drift);
    sides.less.add(hour, *expected, -z - rules.drift);
    sides.misfit += std::abs(z);
  }
  return sides;
}

/// A clock change shifts a day by an hour: it goes as it fits best.
std::pair<Side, Side> best_fit(const Expectation& expectation, const std::vector<Hour>& day,
                               const PatternRules& rules) {
  Sides best = sides_of(expectation, day, 0, rules);
  for (const std::int64_t later : {-1, 1}) {
    const Sides other = sides_of(expectation, day, later, rules);
    if (other.misfit < best.misfit) best = other;
  }
  return {best.more, best.less};
}

}  // namespace

std::size_t hours_known(std::span<const std::optional<double>> hours) {
  return static_cast<std::size_t>(
      std::count_if(hours.begin(), hours.end(), [](const auto& hour) { return hour.has_value(); }));
}

std::optional<PatternShift> pattern_shift(std::span<const std::optional<double>> hours,
                                          std::int64_t newest, const PatternRules& rules) {
  const auto tested = static_cast<std::size_t>(kPatternTestedHours);
  if (hours.size() <= tested || !hours.back()) return std::nullopt;
  std::vector<Hour> past, day;
  const std::size_t split = hours.size() - tested;
  for (std::size_t i = 0; i < hours.size(); ++i) {
    if (!hours[i]) continue;
    const auto back = static_cast<std::int64_t>(hours.size() - 1 - i);
    (i < split ? past : day).push_back({newest - back, *hours[i]});
  }
  if (past.empty() || static_cast<double>(past.size()) < kSampledShare * rules.hours_min ||
      static_cast<double>(newest - kPatternTestedHours - past.front().at + 1) < rules.hours_min) {
    return std::nullopt;
  }
  const Expectation expectation(std::move(past), rules);
  const auto [more, less] = best_fit(expectation, day, rules);
  const Side& side = more.sum >= less.sum ? more : less;
  PatternShift shift;
  shift.score = side.sum / rules.sum_min;
  shift.up = &side == &more;
  shift.from = side.hours > 0 ? side.from : newest;
  shift.to = newest;
  const auto count = static_cast<double>(std::max<std::int64_t>(1, side.hours));
  shift.expected = side.expected / count;
  shift.seen = side.seen / count;
  shift.scale = expectation.scale(shift.expected);
  shift.by_hour_of_day = expectation.daily();
  return shift;
}

}  // namespace doctor
