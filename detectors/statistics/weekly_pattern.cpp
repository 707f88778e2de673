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
constexpr double kScaleMin = 1e-9;    // after days on which nothing moved, anything is far off

struct Hour {
  std::int64_t at{};  // since the Unix epoch
  double value{};
};

std::size_t phase_of(std::int64_t hour) {
  return static_cast<std::size_t>(((hour % kDayHours) + kDayHours) % kDayHours);
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
    weekend_hours_ = std::count_if(past_.begin(), past_.end(),
                                   [](const Hour& hour) { return is_weekend(hour.at); });
    for (std::size_t phase = 0; phase < by_phase_.size(); ++phase) {
      daily_[phase] = median(at(phase, {}));
    }
    std::vector<double> newest;
    for (const Hour& hour : past_) {
      if (hour.at > past_.back().at - kFlatHours) newest.push_back(hour.value);
    }
    flat_ = median(newest).value_or(0);
    choose(rules);
  }

  double scale() const { return scale_; }
  bool daily() const { return is_daily_; }

  /// The nearest of what may be expected then, with the day begun `later` hours later; nothing
  /// where that is not known.
  std::optional<double> nearest(const Hour& hour, std::int64_t later) const {
    std::optional<double> best;
    const std::size_t phase = phase_of(hour.at - later);
    if (may_be_weekend(hour.at)) {
      if (2 * weekend_hours_ < kDayHours) return std::nullopt;
      for (const std::size_t next : neighbours(phase)) {
        for (const std::size_t i : by_phase_[next]) {
          if (may_be_weekend(past_[i].at)) best = nearer(hour, past_[i].value, best);
        }
      }
    }
    if (!is_daily_) return nearer(hour, flat_, best);
    if (daily_[phase]) best = nearer(hour, *daily_[phase], best);
    return best;
  }

 private:
  static double nearer(const Hour& hour, double expected, std::optional<double> best) {
    return !best || std::abs(hour.value - expected) < std::abs(hour.value - *best) ? expected
                                                                                   : *best;
  }

  static std::array<std::size_t, 3> neighbours(std::size_t phase) {
    return {(phase + 23) % 24, phase, (phase + 1) % 24};
  }

  /// Of that hour of the day, but for the day of `except`.
  std::vector<double> at(std::size_t phase, std::optional<Hour> except) const {
    std::vector<double> values;
    for (const std::size_t i : by_phase_[phase]) {
      if (except && std::abs(past_[i].at - except->at) <= kDayHours / 2) continue;
      values.push_back(past_[i].value);
    }
    return values;
  }

  void choose(const PatternRules& rules) {
    // Weekends differ from the days around them by their nature, not by noise.
    const auto working = std::count_if(past_.begin(), past_.end(),
                                       [](const Hour& hour) { return !may_be_weekend(hour.at); });
    std::vector<double> daily, flat;
    for (const Hour& hour : past_) {
      if (working >= 2 * kDayHours && may_be_weekend(hour.at)) continue;
      flat.push_back(hour.value - flat_);
      const auto others = median(at(phase_of(hour.at), hour));
      if (others) daily.push_back(hour.value - *others);
    }
    is_daily_ = !daily.empty() && mad_sd(daily, 0) <= mad_sd(flat, 0);
    std::vector<double> sizes = is_daily_ ? daily : flat;
    const double usual = mad_sd(sizes, 0);
    for (double& size : sizes) size = std::abs(size);
    std::sort(sizes.begin(), sizes.end());
    const auto tail = static_cast<std::size_t>(kTailShare * static_cast<double>(sizes.size()));
    scale_ = std::max({usual, sizes[std::min(tail, sizes.size() - 1)] / kTailScales,
                       rules.level_ratio * std::abs(flat_) / 3, kScaleMin});
  }

  std::vector<Hour> past_;
  std::array<std::vector<std::size_t>, kDayHours> by_phase_;
  std::array<std::optional<double>, kDayHours> daily_;
  std::int64_t weekend_hours_{0};
  double flat_{0};
  double scale_{0};
  bool is_daily_{false};
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
    const double z =
        std::clamp((hour.value - *expected) / expectation.scale(), -rules.clip, rules.clip);
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
  shift.scale = expectation.scale();
  shift.by_hour_of_day = expectation.daily();
  return shift;
}

}  // namespace doctor
