// Steady growth of a series' floors: many gates that must all hold, at several closes of a bin in a
// row, on any of the four scales. Significance alone is a false-alarm machine, since tides, slow
// collections and warm-up are significant too; what remains must also leave behind everything that
// was seen in a week, keep its pace, and meet its limit within a few times the window it was seen
// in.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "detectors/statistics/floor_past.hpp"
#include "detectors/statistics/robust_trend.hpp"
#include "detectors/statistics/time_to_exhaustion.hpp"
#include "model/detector.hpp"
#include "model/finding.hpp"
#include "model/floors.hpp"

namespace doctor {

struct GrowthRules {
  double z_min{}, tau_min{};
  double rise_ratio_min{};        // of the limit; of the first level where there is no limit
  double rise_sd_min{};           // of the noise about the line
  double late_slope_ratio_min{};  // slope of the newest third to the whole: warm-up slows down
  double margin_limit_ratio{};    // above the highest floor of the past week …
  double margin_level_ratio{};    // … or this share of that floor, whichever is more
  double early_level_ratio{};     // on the first day only what is this full …
  double early_left_ms{};         // … and ends this soon
  double full_ratio{1};           // of the limit, at which the end may come already
};

/// What all who use this declare: the gates, and how near an end is how urgent.
inline constexpr std::array<Param, 11> kGrowthParams{{
    {"z_min", 3.5, "significance of the trend, with the noise's autocorrelation taken out"},
    {"tau_min", 0.6, "share of pairs that rise less those that fall"},
    {"rise_ratio_min", 0.03, "smallest rise within a window, as a share of the limit"},
    {"rise_sd_min", 4, "the same, in standard deviations of the noise"},
    {"late_slope_ratio_min", 0.6, "slope of the newest third to the whole; what only fills slows"},
    {"margin_limit_ratio", 0.05, "how far above the past week's highest floor, of the limit"},
    {"margin_level_ratio", 0.1, "the same, of that floor; the larger counts"},
    {"early_level_ratio", 0.8, "on a JVM's first day, how full it must be"},
    {"early_left_ms", 4.0 * kHourMs, "and how soon full"},
    {"page_ms", 6.0 * kHourMs, "the end may be this near: critical"},
    {"ticket_ms", 7.0 * kDayMs, "the end may be this near, in the week: warning"},
}};
GrowthRules growth_rules(const Params& params);
/// By the soonest end.
Severity urgency_of(const Exhaustion& end, const Params& params);

/// A gate's value as a share of what it must reach: 1 and above passes.
struct Gate {
  std::string_view name;
  double score{};
};

struct FloorGrowth {
  FloorScale scale{};
  TimestampMs from{}, to{};  // the window
  double first{}, level{};   // medians of its first and last three floors
  TimestampMs level_at{};    // when it stood there …
  TimestampMs seen_at{};     // … as was known at this time
  double past_peak{};        // highest floor of the week before its newest half
  DurationMs history_ms{};   // how far back that week reaches
  double before_range{};     // highest less lowest floor before the window …
  DurationMs before_ms{};    // … and over how long
  bool is_unprecedented{};   // twice the range of the three spans before the window, or more
  double leap{};             // largest rise from one bin to the next beyond the trend's
  /// Per ms, t = 0 at `to`; of the newest half where that is steeper. Its interval holds the paces
  /// of both halves, since what changed within the window may change again, and the load's tides.
  RobustTrend trend;
  std::optional<Exhaustion> end;  // with a limit
  Gate weakest;
  double rise() const { return level - first; }
  double span_ms() const { return static_cast<double>(to - from); }
  double age_ms() const { return static_cast<double>(seen_at - level_at); }
};

/// Which bins count; all where this is empty.
using BinFilter = std::function<bool(FloorScale, std::int64_t)>;

/// A tide to be taken out: its level in a bin, where known.
using BinCovariate = std::function<std::optional<double>(FloorScale, std::int64_t)>;
/// The same by hour since the Unix epoch, for a week.
using HourCovariate = std::function<std::optional<double>(std::int64_t)>;

/// The clearest of the scales; nothing when no scale passes every gate. `load`: what follows
/// it is taken out before a trend is looked for, and the interval of the pace holds what it was at
/// least and at most over as long as is left; `hour_load` tells that beyond a day.
std::optional<FloorGrowth> floor_growth(const Floors& floors, const BinFilter& counts,
                                        const BinCovariate& load, std::optional<double> limit,
                                        const GrowthRules& rules,
                                        const HourCovariate& hour_load = {});

inline constexpr DurationMs kFirstDayMs = kDayMs;          // only what is urgent is said before
inline constexpr DurationMs kShortHistoryMs = 3 * kDayMs;  // and with double margin until then

}  // namespace doctor
