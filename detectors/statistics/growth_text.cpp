#include "detectors/statistics/growth_text.hpp"

#include <cmath>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

std::string amount(double value, const std::string& unit) {
  return unit == "bytes" ? format_bytes(value) : format_number(value, 3);
}

std::string per_hour(double slope_per_ms, const std::string& unit) {
  if (!std::isfinite(slope_per_ms)) return "unbounded";
  const double hourly = slope_per_ms * static_cast<double>(kHourMs);
  const std::string sign = hourly < 0 ? "-" : "";
  return sign + amount(std::abs(hourly), unit) + "/h";
}

std::string duration(TimestampMs from, TimestampMs to) {
  return format_duration_ms(static_cast<double>(to - from));
}

}  // namespace

std::string rate_text(const Slope& slope_per_ms, const std::string& unit) {
  return "+" + per_hour(slope_per_ms.value, unit) + " (" + per_hour(slope_per_ms.low, unit) +
         " to " + per_hour(slope_per_ms.high, unit) + ")";
}

std::string growth_summary(const FloorGrowth& growth, const GrowthText& text,
                           std::optional<double> limit) {
  std::string summary = text.noun + " floor " + amount(growth.first, text.unit) + " → " +
                        amount(growth.level, text.unit) + " in " +
                        duration(growth.from, growth.to) + ", " +
                        rate_text(growth.trend.slope, text.unit);
  if (limit && growth.end) {
    summary +=
        ", at the limit of " + amount(*limit, text.unit) + " " + exhaustion_text(*growth.end);
  }
  return summary;
}

Evidence growth_evidence(const FloorGrowth& growth, const GrowthText& text,
                         std::optional<double> limit, const MetricInfo& metric) {
  Evidence evidence;
  evidence.metric = metric.name;
  evidence.from = growth.from;
  evidence.to = growth.to;
  evidence.value = growth.level;
  evidence.unit = text.unit;
  evidence.limit = limit;
  evidence.limit_source = text.limit_source;
  evidence.sentence =
      text.subject + " rose from " + amount(growth.first, text.unit) + " to " +
      amount(growth.level, text.unit) + " in " + duration(growth.from, growth.to) + ", " +
      rate_text(growth.trend.slope, text.unit) + ", and stands " +
      amount(growth.level - growth.past_peak, text.unit) + " above every floor of the " +
      format_duration_ms(static_cast<double>(growth.history_ms)) + " before; " +
      (limit ? "the limit is " + amount(*limit, text.unit) + " (" + text.limit_source + ")"
             : std::string("no limit is known")) +
      "; weakest of its gates: " + std::string(growth.weakest.name) + ", " +
      format_number(growth.weakest.score, 2) + " times what it takes.";
  return evidence;
}

std::string learning_text(DurationMs left_ms) {
  return format_duration_ms(static_cast<double>(left_ms)) +
         " left until growth can be told from the day's tide; until then only what is nearly full "
         "is said";
}

void learn(Verdict& verdict, std::string why) {
  if (verdict.state == DetectorState::ok) verdict.state = DetectorState::learning;
  verdict.why = std::move(why);
}

}  // namespace doctor
