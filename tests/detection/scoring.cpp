#include "tests/detection/scoring.hpp"

#include <algorithm>
#include <cmath>

namespace doctor::detection {
namespace {

constexpr DurationMs kRearmMs = 24 * kHourMs;

/// A TaskManager may also be named by its id alone, "host:port-hash".
bool is_about(const Subject& subject, const std::string& entity) {
  return entity == subject.job_name || entity == subject.host || entity == subject.process ||
         subject.task_manager.starts_with(entity + ":");
}

bool concerns(const Goal& goal, const Alarm& alarm) {
  return alarm.detector == goal.detector && is_about(alarm.subject, goal.entity);
}

bool satisfies(const Goal& goal, const Alarm& alarm) {
  return concerns(goal, alarm) && alarm.severity >= goal.severity &&
         alarm.confidence >= goal.confidence;
}

bool names(const Alarm& alarm, const Goal& goal) {
  const auto is_named = [&](const std::string& culprit) {
    return alarm.subject.vertex == culprit ||
           alarm.summary.find("\"" + culprit + "\"") != std::string::npos;
  };
  return is_named(goal.culprit) || std::any_of(goal.as_true.begin(), goal.as_true.end(), is_named);
}

void rate_forecast(const Goal& goal, const Alarm& alarm, GoalOutcome& outcome) {
  if (!goal.exhausted_at || !alarm.forecast) return;
  const Forecast& forecast = *alarm.forecast;
  const TimestampMs end = *goal.exhausted_at;
  outcome.forecast_holds =
      (!forecast.low || *forecast.low <= end) && (!forecast.high || *forecast.high >= end);
  if (forecast.low && end > alarm.at) {
    const double width =
        forecast.high ? static_cast<double>(*forecast.high - *forecast.low) : HUGE_VAL;
    outcome.forecast_width = width / static_cast<double>(end - alarm.at);
  }
  if (!forecast.exhausted_at || *forecast.exhausted_at <= alarm.at || end <= alarm.at) return;
  outcome.forecast_log_error =
      std::abs(std::log(static_cast<double>(*forecast.exhausted_at - alarm.at) /
                        static_cast<double>(end - alarm.at)));
}

/// Of all that hit at the first moment (one vertex is named, or several are): how many are right.
double share_named(const Goal& goal, const Alarm& first, const std::vector<Alarm>& alarms) {
  int named = 0;
  int right = 0;
  for (const Alarm& alarm : alarms) {
    if (alarm.at != first.at || !satisfies(goal, alarm)) continue;
    ++named;
    right += names(alarm, goal) ? 1 : 0;
  }
  return static_cast<double>(right) / named;
}

GoalOutcome outcome_of(const Goal& goal, const std::vector<Alarm>& alarms) {
  GoalOutcome outcome;
  outcome.goal = goal.name;
  outcome.detector = goal.detector;
  const auto first = std::find_if(alarms.begin(), alarms.end(), [&](const Alarm& alarm) {
    return alarm.at >= goal.onset && satisfies(goal, alarm);
  });
  if (first == alarms.end() || first->at > goal.deadline) return outcome;
  outcome.hit = true;
  outcome.delay_ms = first->at - goal.onset;
  if (goal.exhausted_at && *goal.exhausted_at > goal.onset) {
    outcome.life_share = static_cast<double>(outcome.delay_ms) /
                         static_cast<double>(*goal.exhausted_at - goal.onset);
  }
  if (!goal.culprit.empty()) outcome.named = share_named(goal, *first, alarms);
  rate_forecast(goal, *first, outcome);
  return outcome;
}

bool is_unscored(const Truth& truth, const Alarm& alarm) {
  return std::any_of(truth.unscored.begin(), truth.unscored.end(), [&](const auto& span) {
    return alarm.at >= span.first && alarm.at <= span.second;
  });
}

bool is_scored_advice(const Truth& truth, const Alarm& alarm) {
  return !alarm.is_pushed() && alarm.detector == truth.advice;
}

bool is_true(const Truth& truth, const Alarm& alarm) {
  if (is_scored_advice(truth, alarm)) {
    return std::any_of(truth.goals.begin(), truth.goals.end(), [&](const Goal& goal) {
      return satisfies(goal, alarm) && alarm.at >= goal.onset && alarm.at <= goal.deadline;
    });
  }
  const bool entailed = std::find(truth.entailed.begin(), truth.entailed.end(), alarm.detector) !=
                        truth.entailed.end();
  if (truth.goals.empty()) return entailed;
  return std::any_of(truth.goals.begin(), truth.goals.end(), [&](const Goal& goal) {
    return alarm.at >= goal.onset && (entailed || concerns(goal, alarm));
  });
}

}  // namespace

CaseScore score(const Truth& truth, const std::vector<Alarm>& alarms) {
  CaseScore score;
  for (const Goal& goal : truth.goals) score.goals.push_back(outcome_of(goal, alarms));
  std::map<std::string, FalseAlarm> latest;  // by incident
  for (const Alarm& alarm : alarms) {
    if (!is_scored_advice(truth, alarm) &&
        (!alarm.is_pushed() || alarm.explained || is_unscored(truth, alarm))) {
      continue;
    }
    if (is_true(truth, alarm)) continue;
    const auto before = latest.find(alarm.id);
    const FalseAlarm fresh{alarm.at, alarm.detector, alarm.is_certain(), alarm.summary};
    if (before == latest.end() || alarm.at - before->second.at >= kRearmMs) {
      score.false_alarms.push_back(fresh);
      latest[alarm.id] = fresh;
    } else if (fresh.certain && !before->second.certain) {
      // The same incident, grown certain.
      for (FalseAlarm& counted : score.false_alarms) {
        if (counted.at == before->second.at && counted.summary == before->second.summary) {
          counted.certain = true;
        }
      }
      before->second.certain = true;
    }
  }
  return score;
}

void Tally::add(const CaseScore& score) {
  for (const GoalOutcome& outcome : score.goals) {
    GoalTally& goal = goals[outcome.goal];
    goal.detector = outcome.detector;
    ++goal.n;
    if (!outcome.hit) continue;
    ++goal.hits;
    goal.delays_s.push_back(static_cast<double>(outcome.delay_ms) / 1000);
    if (outcome.life_share) goal.life_shares.push_back(*outcome.life_share);
    if (outcome.named) {
      ++goal.named_n;
      goal.named += *outcome.named;
    }
    if (outcome.forecast_holds) {
      ++goal.forecasts;
      goal.forecasts_hold += *outcome.forecast_holds ? 1U : 0U;
    }
    if (outcome.forecast_log_error) {
      goal.forecast_log_errors.push_back(*outcome.forecast_log_error);
    }
    if (outcome.forecast_width) goal.forecast_widths.push_back(*outcome.forecast_width);
  }
  for (const FalseAlarm& alarm : score.false_alarms) {
    FalseTally& tally = false_alarms[alarm.detector];
    ++tally.pushed;
    tally.certain += alarm.certain ? 1U : 0U;
  }
}

std::uint64_t Tally::false_pushed() const {
  std::uint64_t sum = 0;
  for (const auto& [detector, tally] : false_alarms) sum += tally.pushed;
  return sum;
}

double Tally::precision(const GoalTally& goal) const {
  const auto of_detector = false_alarms.find(goal.detector);
  const std::uint64_t wrong = of_detector == false_alarms.end() ? 0 : of_detector->second.pushed;
  const std::uint64_t said = goal.hits + wrong;
  return said == 0 ? 0 : static_cast<double>(goal.hits) / static_cast<double>(said);
}

double Tally::f1(const GoalTally& goal) const {
  const double right = precision(goal);
  const double recall =
      goal.n == 0 ? 0 : static_cast<double>(goal.hits) / static_cast<double>(goal.n);
  return right + recall == 0 ? 0 : 2 * right * recall / (right + recall);
}

double Tally::macro_f1() const {
  double sum = 0;
  for (const auto& [name, goal] : goals) sum += f1(goal);
  return goals.empty() ? 0 : sum / static_cast<double>(goals.size());
}

std::optional<double> quantile(std::vector<double> values, double share) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[rank];
}

}  // namespace doctor::detection
