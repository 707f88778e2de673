// Event-level scoring: an incident is right or wrong once. No point-adjust, no thresholds per
// series.
//   hit    the first alarm of the right kind on the right entity within [onset, deadline]
//   free   later alarms on what a goal is about, and what the fault entails
//   late   the right alarm after the deadline: a miss, but not false
//   false  every other pushed alarm: too early, wrong entity (also a miss), other kind. The same
//          incident again within 24 h is one; so is an alarm with the one that explains it.
// Advice (severity info) is never pushed: it may hit a goal that asks for no more, and is not
// false, unless the case scores it (Truth::advice).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/detection/family.hpp"
#include "tests/detection/watch.hpp"

namespace doctor::detection {

struct GoalOutcome {
  std::string goal;
  std::string detector;
  bool hit{false};
  DurationMs delay_ms{};             // from the onset
  std::optional<double> life_share;  // delay / life of the leak
  /// 1 when the culprit was named, 1/k when it was one of k named at once.
  std::optional<double> named;
  std::optional<bool> forecast_holds;        // the interval of the forecast holds the end
  std::optional<double> forecast_log_error;  // |ln(forecast / true time left)|
  std::optional<double> forecast_width;  // of the interval to the true time left; ∞: unbounded
};

struct FalseAlarm {
  TimestampMs at{};
  std::string detector;
  bool certain{false};
  std::string summary;
};

struct CaseScore {
  std::vector<GoalOutcome> goals;
  std::vector<FalseAlarm> false_alarms;
};

CaseScore score(const Truth& truth, const std::vector<Alarm>& alarms);

/// What is known of one detector's goal, or of all false alarms of a detector, over many cases.
struct GoalTally {
  std::string detector;
  std::uint64_t n{0}, hits{0};
  std::vector<double> delays_s, life_shares, forecast_log_errors, forecast_widths;
  std::uint64_t named_n{0}, forecasts{0}, forecasts_hold{0};
  double named{0};
};
struct FalseTally {
  std::uint64_t pushed{0}, certain{0};
};

struct Tally {
  std::map<std::string, GoalTally> goals;          // by goal
  std::map<std::string, FalseTally> false_alarms;  // by detector

  void add(const CaseScore& score);
  std::uint64_t false_pushed() const;
  double precision(const GoalTally& goal) const;
  double f1(const GoalTally& goal) const;
  double macro_f1() const;
};

/// Value below which that share lies; nothing when empty.
std::optional<double> quantile(std::vector<double> values, double share);

}  // namespace doctor::detection
