#include "agent/delivery/alert_state.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace doctor {

void AlertState::absorb(const View& view) {
  std::set<AlertLabels> told;
  for (Alert& alert : alerts_of(view, pace_.alerts_per_detector_max)) {
    told.insert(alert.labels);
    take(std::move(alert));
  }
  for (auto& [labels, entry] : entries_) {
    if (entry.alert.resolved_at || told.contains(labels)) continue;
    entry.alert.resolved_at = view.generated_at;
    entry.changed = true;
  }
  while (entries_.size() > pace_.entries_max) forget_oldest();
}

std::vector<Alert> AlertState::due(TimestampMs now) {
  std::erase_if(entries_, [&](const auto& item) {
    const auto& resolved_at = item.second.alert.resolved_at;
    return resolved_at && now - *resolved_at > pace_.resolved_keep_ms;
  });
  std::vector<Alert> alerts;
  for (const auto& [labels, entry] : entries_) {
    if (is_due(entry, now)) alerts.push_back(entry.alert);
  }
  return alerts;
}

void AlertState::sent(std::span<const Alert> alerts, TimestampMs now) {
  for (const Alert& alert : alerts) {
    const auto known = entries_.find(alert.labels);
    if (known == entries_.end()) continue;
    known->second.told_at = now;
    known->second.changed = false;
    known->second.refused.reset();
  }
}

bool AlertState::rejected(const Alert& alert, TimestampMs now) {
  const auto known = entries_.find(alert.labels);
  if (known == entries_.end()) return false;
  Entry& entry = known->second;
  entry.told_at = now;
  entry.changed = false;
  entry.refused = alert;
  return !std::exchange(entry.refusal_logged, true);
}

void AlertState::take(Alert alert) {
  Entry& entry = entries_[alert.labels];
  const bool known = !entry.alert.labels.empty();
  const bool was_resolved = entry.alert.resolved_at.has_value();
  if (known && was_resolved == alert.resolved_at.has_value()) {
    alert.starts_at = std::min(alert.starts_at, entry.alert.starts_at);
    if (was_resolved) alert.resolved_at = entry.alert.resolved_at;
  } else {
    entry.changed = true;
  }
  entry.alert = std::move(alert);
}

void AlertState::forget_oldest() {
  const auto worth = [](const auto& item) {  // resolved ones go first, the oldest of them
    const Alert& alert = item.second.alert;
    return std::pair(!alert.resolved_at, alert.resolved_at.value_or(-alert.starts_at));
  };
  entries_.erase(
      std::min_element(entries_.begin(), entries_.end(),
                       [&](const auto& a, const auto& b) { return worth(a) < worth(b); }));
}

bool AlertState::is_due(const Entry& entry, TimestampMs now) const {
  if (entry.refused && entry.refused->annotations == entry.alert.annotations &&
      entry.refused->resolved_at == entry.alert.resolved_at) {
    return false;
  }
  if (entry.changed || !entry.told_at) return true;
  // A clock that was set back must not silence the repeats.
  return now - *entry.told_at >= pace_.resend_ms || now < *entry.told_at;
}

DurationMs Backoff::next_ms() {
  const DurationMs full = std::min(kSecondMs << std::min(failures_, 6), kMinuteMs);
  ++failures_;
  return std::uniform_int_distribution<DurationMs>(full / 2, full)(random_);
}

}  // namespace doctor
