#include "agent/backfill/settings.hpp"

#include "model/text.hpp"

namespace doctor {
namespace {

std::string bounds(const char* key, DurationMs value, DurationMs from, DurationMs to) {
  if (value >= from && value <= to) return {};
  return std::string(key) + ": must be between " + format_duration_ms(static_cast<double>(from)) +
         " and " + format_duration_ms(static_cast<double>(to));
}

}  // namespace

std::string problem_of(const BackfillSettings& settings) {
  std::string problem = bounds("window", settings.window_ms, BackfillSettings::kWindowMinMs,
                               BackfillSettings::kWindowMaxMs);
  if (problem.empty()) {
    problem = bounds("step", settings.step_ms, BackfillSettings::kStepMinMs,
                     BackfillSettings::kStepMaxMs);
  }
  if (problem.empty()) problem = bounds("patience", settings.patience_ms, kSecondMs, kHourMs);
  return problem;
}

}  // namespace doctor
