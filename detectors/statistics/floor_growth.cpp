#include "detectors/statistics/floor_growth.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace doctor {
namespace {

// Bins of a window: all that a ring holds but for the closes before the last, and the newest part
// of it alone, since a window that also holds what was before the growth shows a bend and no line.
constexpr std::array<std::int64_t, 2> kWindows{30, 18};
constexpr double kSampledShare = 0.75;  // a quarter may be gaps …
constexpr double kTellingShare = 0.5;   // … and half may have nothing to tell
constexpr std::size_t kTellingMin = 12;
constexpr std::int64_t kCloses = 3;
// How many times its own length a window may foresee: the short ones tell little of days.
constexpr std::array kSpansAhead{2.2, 3.0, 4.0, 6.0};
constexpr double kShortHistoryLeftMs = 12.0 * kHourMs;
// Rise to the range of the time before: beyond what even a random walk would do.
constexpr double kUnprecedentedRatio = 2;

struct Points {
  std::vector<double> t, x;  // ms before the end (negative), floors
  std::vector<std::int64_t> bins;
  std::int64_t sampled{0};  // bins that are no gap, whether they count or not
  bool suffice(std::int64_t of) const {
    const auto all = static_cast<double>(of);
    return static_cast<double>(sampled) >= kSampledShare * all && x.size() >= kTellingMin &&
           static_cast<double>(x.size()) >= kTellingShare * all;
  }
};

Points points_of(const Floors& floors, const BinFilter& counts, FloorScale scale, std::int64_t last,
                 std::int64_t bins) {
  Points points;
  for (std::int64_t bin = last - bins + 1; bin <= last; ++bin) {
    const std::optional<double> floor = floors.at(scale, bin);
    if (!floor) continue;
    ++points.sampled;
    if (counts && !counts(scale, bin)) continue;
    points.t.push_back(static_cast<double>((bin - last) * width_ms(scale)));
    points.x.push_back(*floor);
    points.bins.push_back(bin);
  }
  return points;
}

double median_of(std::span<const double> values) { return median(values).value(); }

struct MeanRange {
  double low{HUGE_VAL}, high{0};  // of nothing: low > high
};

/// The lowest and the highest mean of so many neighbours, of which half at least are known.
MeanRange range_of_means(std::span<const std::optional<double>> values, std::size_t length) {
  MeanRange range;
  double sum = 0;
  std::size_t known = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i].value_or(0);
    known += values[i] ? 1 : 0;
    if (i + 1 < length) continue;
    if (known > 0 && 2 * known >= length) {
      const double mean = sum / static_cast<double>(known);
      range.low = std::min(range.low, mean);
      range.high = std::max(range.high, mean);
    }
    sum -= values[i + 1 - length].value_or(0);
    known -= values[i + 1 - length] ? 1 : 0;
  }
  return range;
}

/// Gates in the order in which they cost; the weakest speaks.
class Gates {
 public:
  bool pass(std::string_view name, double value, double threshold) {
    const double score = threshold > 0 ? value / threshold : (value > 0 ? HUGE_VAL : 0);
    if (score < weakest_.score) weakest_ = {name, score};
    return score >= 1;
  }
  const Gate& weakest() const { return weakest_; }

 private:
  Gate weakest_{"", HUGE_VAL};
};

class GrowthTest {
 public:
  GrowthTest(const Floors& floors, const BinFilter& counts, const BinCovariate& load,
             const HourCovariate& hour_load, std::optional<double> limit, const GrowthRules& rules)
      : floors_(floors),
        counts_(counts),
        load_(load),
        hour_load_(hour_load),
        limit_(limit),
        rules_(rules) {}

  std::optional<FloorGrowth> at(FloorScale scale, std::int64_t last, std::int64_t bins) const {
    Points points = points_of(floors_, counts_, scale, last, bins);
    if (!points.suffice(bins)) return std::nullopt;
    FloorGrowth growth;
    growth.scale = scale;
    growth.from = points.bins.front() * width_ms(scale);
    growth.to = (points.bins.back() + 1) * width_ms(scale);
    const std::span<const double> x(points.x);
    growth.first = median_of(x.first(3));
    growth.level = median_of(x.last(3));
    // A floor that rises is the level as its bin began.
    growth.level_at = points.bins.at(points.bins.size() - 2) * width_ms(scale);
    growth.seen_at = seen_at(scale, last);
    Gates gates;
    if (!rises(growth, gates) || !is_new(growth, x, gates)) return std::nullopt;
    if (load_) take_out_load(points, scale);
    if (!trends(growth, points, gates) || !ends_soon(growth, gates)) return std::nullopt;
    growth.weakest = gates.weakest();
    return growth;
  }

 private:
  /// When what a window ending with this bin tells was first known.
  TimestampMs seen_at(FloorScale scale, std::int64_t last) const {
    constexpr FloorScale kFinest = FloorScale::five_minutes;
    const bool is_newest = last == floors_.newest(scale);
    return is_newest ? (floors_.newest(kFinest) + 1) * width_ms(kFinest)
                     : (last + 1) * width_ms(scale);
  }

  bool rises(const FloorGrowth& growth, Gates& gates) const {
    const double of = limit_.value_or(growth.first);
    return gates.pass("rise", growth.rise(), rules_.rise_ratio_min * of);
  }

  bool is_new(FloorGrowth& growth, std::span<const double> x, Gates& gates) const {
    const FloorPast past = floor_past(floors_, growth.from, growth.to);
    growth.history_ms = past.history_ms;
    growth.before_range = past.before_range;
    growth.before_ms = past.before_ms;
    growth.is_unprecedented =
        past.quiet_range && growth.rise() >= kUnprecedentedRatio * *past.quiet_range;
    if (!past.peak) return false;
    growth.past_peak = *past.peak;
    double margin = std::max(rules_.margin_limit_ratio * limit_.value_or(0),
                             rules_.margin_level_ratio * growth.past_peak);
    if (growth.history_ms < kShortHistoryMs) margin *= 2;
    // An hourly floor hides up to an hour of a ramp such as this one, if there were any.
    const double hourly = growth.rise() / growth.span_ms() * static_cast<double>(kHourMs);
    margin += std::min(hourly, growth.before_range);
    const double low = *std::min_element(x.end() - 3, x.end());
    if (!gates.pass("above the past week", low - growth.past_peak, margin)) return false;
    const double slowed = rules_.late_slope_ratio_min * past.pace_since_start.value_or(0);
    return slowed <= 0 ||
           gates.pass("pace since the start", growth.rise() / growth.span_ms(), slowed);
  }

  bool trends(FloorGrowth& growth, const Points& points, Gates& gates) const {
    const std::optional<RobustTrend> trend = robust_trend(points.t, points.x);
    if (!trend || !(trend->slope.low > 0)) return false;
    growth.trend = *trend;
    // Neighbours that resemble each other leave a short window no significance, however steep.
    if ((!growth.is_unprecedented && !gates.pass("significance", trend->z, rules_.z_min)) ||
        !gates.pass("steadiness", trend->tau, rules_.tau_min)) {
      return false;
    }
    if (trend->sd > 0 &&
        !gates.pass("rise over noise", growth.rise(), rules_.rise_sd_min * trend->sd))
      return false;
    const std::size_t third = points.x.size() / 3;
    const auto late = theil_sen(std::span(points.t).last(third), std::span(points.x).last(third));
    if (!late || !gates.pass("pace at the end", late->value,
                             rules_.late_slope_ratio_min * trend->slope.value)) {
      return false;
    }
    take_present_pace(growth, points);
    widen_to_the_tide(growth, points);
    return true;
  }

  /// A tide hides a trend as well as it feigns one: what follows the load (Theil-Sen of the changes
  /// over three bins) is taken out of the points.
  void take_out_load(Points& points, FloorScale scale) const {
    constexpr std::size_t kLag = 3;
    std::vector<double> loads, dx, dl;
    for (const std::int64_t bin : points.bins) {
      const std::optional<double> level = load_(scale, bin);
      if (!level) return;
      loads.push_back(*level);
    }
    for (std::size_t i = kLag; i < loads.size(); ++i) {
      dx.push_back(points.x[i] - points.x[i - kLag]);
      dl.push_back(loads[i] - loads[i - kLag]);
    }
    const std::optional<Slope> follows = theil_sen(dl, dx);
    if (!follows || follows->value <= 0) return;
    for (std::size_t i = 0; i < loads.size(); ++i) points.x[i] -= follows->value * loads[i];
  }

  /// A window that also holds what was before the growth tells too slow a pace. And a pace that
  /// may have changed within the window is known no better than its newest half tells.
  static void take_present_pace(FloorGrowth& growth, const Points& points) {
    const std::span<const double> t(points.t), x(points.x);
    const std::size_t half = x.size() / 2;
    const auto recent = robust_trend(t.last(half), x.last(half));
    if (recent && recent->slope.low > 0 && recent->slope.value > growth.trend.slope.high) {
      growth.trend = *recent;
    }
    Slope& slope = growth.trend.slope;
    if (recent) {
      slope.low = std::min(slope.low, recent->slope.low);
      slope.high = std::max(slope.high, recent->slope.high);
    }
    widen(slope, t.first(half), x.first(half));
    growth.leap = largest_leap(points, slope.value);
  }

  static double largest_leap(const Points& points, double pace) {
    double leap = 0;
    for (std::size_t i = 1; i < points.x.size(); ++i) {
      if (points.bins[i] != points.bins[i - 1] + 1) continue;
      const double expected = pace * (points.t[i] - points.t[i - 1]);
      leap = std::max(leap, points.x[i] - points.x[i - 1] - expected);
    }
    return leap;
  }

  /// What grows with the load goes on as that will: over as much time as is left it was, in the
  /// past days, at least and at most so much, and the next ones may be like any of these.
  void widen_to_the_tide(FloorGrowth& growth, const Points& points) const {
    if (!load_) return;
    Slope& slope = growth.trend.slope;
    const double left_ms =
        limit_ ? std::max(0.0, *limit_ - growth.level) / slope.value : 1.0 * kDayMs;
    const std::optional<double> now = mean_load(growth.scale, points.bins);
    if (!now || *now <= 0) return;
    const MeanRange tide = left_ms < kDayMs ? tide_of_day(left_ms) : tide_of_week(left_ms);
    if (tide.low > tide.high) return;
    slope.low = std::min(slope.low, slope.value * tide.low / *now);
    slope.high = std::max(slope.high, slope.value * tide.high / *now);
  }

  MeanRange tide_of_day(double left_ms) const {
    constexpr FloorScale kCoarse = FloorScale::three_hours;
    std::vector<std::optional<double>> loads;
    for (std::int64_t i = kFloorsPerScale; i > 0; --i) {
      loads.push_back(load_(kCoarse, floors_.newest(kCoarse) - i + 1));
    }
    const double bins = std::round(left_ms / static_cast<double>(width_ms(kCoarse)));
    return range_of_means(loads, static_cast<std::size_t>(std::max(1.0, bins)));
  }

  /// Of a week, or of its days where fewer are known than are left.
  MeanRange tide_of_week(double left_ms) const {
    std::vector<std::optional<double>> loads;
    for (std::int64_t i = kHourlyFloors; hour_load_ && i > 0; --i) {
      const std::optional<double> load = hour_load_(floors_.newest_hour() - i + 1);
      if (load || !loads.empty()) loads.push_back(load);
    }
    const double hours = std::min(left_ms / kHourMs, static_cast<double>(kHourlyFloors));
    constexpr std::size_t kDay = 24;
    const auto wanted = static_cast<std::size_t>(hours);
    return range_of_means(loads, wanted + kDay <= loads.size() ? wanted : kDay);
  }

  /// Nothing when it is unknown for more than half of them.
  std::optional<double> mean_load(FloorScale scale, std::span<const std::int64_t> bins) const {
    double sum = 0;
    std::size_t known = 0;
    for (const std::int64_t bin : bins) {
      const std::optional<double> level = load_(scale, bin);
      if (!level) continue;
      sum += *level;
      ++known;
    }
    if (known == 0 || 2 * known < bins.size()) return std::nullopt;
    return sum / static_cast<double>(known);
  }

  static void widen(Slope& slope, std::span<const double> t, std::span<const double> x) {
    const std::optional<Slope> part = theil_sen(t, x);
    if (!part || part->value <= 0) return;
    slope.low = std::min(slope.low, part->value);
    slope.high = std::max(slope.high, part->value);
  }

  bool ends_soon(FloorGrowth& growth, Gates& gates) const {
    const bool first_day = growth.history_ms < kFirstDayMs;
    if (!limit_) return !first_day;
    growth.end = time_to_exhaustion(growth.trend, growth.level, *limit_, growth.span_ms(),
                                    {rules_.full_ratio, growth.age_ms(), growth.leap});
    if (!growth.end) return false;
    const double left = std::max(growth.end->expected_ms, 1.0);
    const double ahead = kSpansAhead.at(static_cast<std::size_t>(growth.scale));
    if (!gates.pass("end within sight", ahead * growth.span_ms() / left, 1)) return false;
    if (first_day) {
      return gates.pass("nearly full on the first day", growth.level / *limit_,
                        rules_.early_level_ratio) &&
             gates.pass("end on the first day", rules_.early_left_ms / left, 1);
    }
    return growth.history_ms >= kShortHistoryMs ||
           gates.pass("end soon for a short past", kShortHistoryLeftMs / left, 1);
  }

  const Floors& floors_;
  const BinFilter& counts_;
  const BinCovariate& load_;
  const HourCovariate& hour_load_;
  std::optional<double> limit_;
  const GrowthRules& rules_;
};

}  // namespace

GrowthRules growth_rules(const Params& params) {
  GrowthRules rules;
  rules.z_min = params["z_min"];
  rules.tau_min = params["tau_min"];
  rules.rise_ratio_min = params["rise_ratio_min"];
  rules.rise_sd_min = params["rise_sd_min"];
  rules.late_slope_ratio_min = params["late_slope_ratio_min"];
  rules.margin_limit_ratio = params["margin_limit_ratio"];
  rules.margin_level_ratio = params["margin_level_ratio"];
  rules.early_level_ratio = params["early_level_ratio"];
  rules.early_left_ms = params["early_left_ms"];
  return rules;
}

Severity urgency_of(const Exhaustion& end, const Params& params) {
  if (end.low_ms < params["page_ms"]) return Severity::critical;
  return end.low_ms < params["ticket_ms"] ? Severity::warning : Severity::info;
}

std::optional<FloorGrowth> floor_growth(const Floors& floors, const BinFilter& counts,
                                        const BinCovariate& load, std::optional<double> limit,
                                        const GrowthRules& rules, const HourCovariate& hour_load) {
  std::optional<FloorGrowth> clearest;
  if (floors.empty()) return clearest;
  const GrowthTest test(floors, counts, load, hour_load, limit, rules);
  for (const FloorScale scale : kFloorScales) {
    for (const std::int64_t bins : kWindows) {
      std::optional<FloorGrowth> growth = test.at(scale, floors.newest(scale), bins);
      for (std::int64_t before = 1; growth && before < kCloses; ++before) {
        if (!test.at(scale, floors.newest(scale) - before, bins)) growth.reset();
      }
      if (growth && (!clearest || growth->weakest.score > clearest->weakest.score)) {
        clearest = std::move(growth);
      }
    }
  }
  return clearest;
}

}  // namespace doctor
