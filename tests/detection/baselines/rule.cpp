#include "tests/detection/baselines/rule.hpp"

#include <algorithm>
#include <cmath>

#include "model/text.hpp"

namespace doctor::detection {

void Rule::absorb(const StreamItem& item) {
  if (const auto* batch = std::get_if<Batch>(&item.what)) {
    for (std::size_t i = 0; i < batch->values.size(); ++i) {
      if (is_present(batch->values[i])) take(batch->layout->keys[i], batch->values[i], batch->at);
    }
  } else if (const auto* cluster = std::get_if<ClusterFactsPtr>(&item.what)) {
    for (const TaskManagerFacts& tm : (*cluster)->task_managers) {
      hosts_[reporter_filtered(tm.id)] = tm.host;
    }
  } else if (const auto* job = std::get_if<JobFactsPtr>(&item.what)) {
    if ((*job)->is_terminal()) {
      jobs_.erase((*job)->id);
    } else {
      jobs_[(*job)->id] = *job;
    }
    take(**job, item.at);
  } else if (std::holds_alternative<Tick>(item.what)) {
    judge(item.at);
  }
}

void Rule::state(const Subject& subject, bool holds, TimestampMs now, DurationMs hold_ms) {
  const std::string id =
      detector_ + "/" + subject.job_name + "/" + subject.vertex + "/" + subject.host;
  if (!holds) {
    conditions_.erase(id);
    return;
  }
  Condition& condition = conditions_.try_emplace(id, Condition{now}).first->second;
  if (condition.told || now - condition.since < hold_ms) return;
  condition.told = true;
  Alarm alarm;
  alarm.at = now;
  alarm.id = id;
  alarm.detector = detector_;
  alarm.subject = subject;
  alarm.severity = Severity::warning;
  alarm.confidence = Confidence::imminent;  // a rule knows no doubt
  alarms_.push_back(std::move(alarm));
}

Subject Rule::subject_of_process(EntityId process) const {
  Subject subject;
  subject.process = entities_.name(process) == "jobmanager" ? "jobmanager" : "taskmanager";
  if (const auto host = hosts_.find(entities_.name(process)); host != hosts_.end()) {
    subject.host = host->second;
  }
  return subject;
}

void Recent::add(TimestampMs at, double value) {
  const auto old = std::find_if(values_.begin(), values_.end(),
                                [&](const auto& entry) { return entry.first > at - span_ms_; });
  // Dropped in lumps, so that a long window costs no move per sample.
  if (old - values_.begin() > 64) values_.erase(values_.begin(), old);
  values_.emplace_back(at, value);
}

bool Recent::covers() const {
  return values_.size() > 2 && values_.back().first - values_.front().first >= span_ms_ * 9 / 10;
}

double Recent::mean() const {
  double sum = 0;
  for (const auto& [at, value] : values_) sum += value;
  return values_.empty() ? 0 : sum / static_cast<double>(values_.size());
}

double Recent::deviation() const {
  const double center = mean();
  double sum = 0;
  for (const auto& [at, value] : values_) sum += (value - center) * (value - center);
  return values_.empty() ? 0 : std::sqrt(sum / static_cast<double>(values_.size()));
}

double Recent::slope_per_ms() const {
  const double center = mean();
  const auto first = values_.front().first;
  const double middle = static_cast<double>(values_.back().first - first) / 2;
  double up = 0;
  double across = 0;
  for (const auto& [at, value] : values_) {
    const double x = static_cast<double>(at - first) - middle;
    up += x * (value - center);
    across += x * x;
  }
  return across > 0 ? up / across : 0;
}

double Recent::rise() const {
  double sum = 0;
  for (std::size_t i = 1; i < values_.size(); ++i) {
    const double delta = values_[i].second - values_[i - 1].second;
    sum += delta < 0 ? values_[i].second : delta;
  }
  return sum;
}

}  // namespace doctor::detection
