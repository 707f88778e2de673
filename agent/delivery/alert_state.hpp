// AlertState: what one Alertmanager member should know, and what it has been told. State, not a
// queue: while a member is away only the newest truth is kept, so memory stays flat.
// Contract: Alertmanager keeps a firing alert until its endsAt and merges repeats by labels.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "agent/delivery/alert.hpp"
#include "agent/view.hpp"

namespace doctor {

struct AlertPace {
  DurationMs resend_ms = 60 * kSecondMs;
  int ends_after_resends = 4;  // three lost sends do not end an alert; a dead agent does
  DurationMs resolved_keep_ms = 15 * kMinuteMs;
  std::size_t alerts_per_detector_max = 20;
  std::size_t entries_max = 1000;
};

class AlertState {
 public:
  explicit AlertState(AlertPace pace = {}) : pace_(pace) {}

  /// The newest truth. What fired before and is not in it has resolved.
  void absorb(const View& view);
  /// What to send now: changes at once, the rest when its repeat is due. Ordered by labels.
  std::vector<Alert> due(TimestampMs now);
  /// The member took them.
  void sent(std::span<const Alert> alerts, TimestampMs now);
  /// The member calls this one invalid: not sent again until its content changes, and then no
  /// faster than repeats are. True the first time, which is worth a log line.
  bool rejected(const Alert& alert, TimestampMs now);

  TimestampMs firing_ends_at(TimestampMs now) const {
    return now + pace_.ends_after_resends * pace_.resend_ms;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Alert alert;
    bool changed{true};  // began or resolved since it was last told
    std::optional<TimestampMs> told_at;
    std::optional<Alert> refused;
    bool refusal_logged{false};
  };

  void take(Alert alert);
  void forget_oldest();
  bool is_due(const Entry& entry, TimestampMs now) const;

  AlertPace pace_;
  std::map<AlertLabels, Entry> entries_;
};

/// Waits between attempts on a member that fails: 1 s doubling to a minute, each with jitter.
class Backoff {
 public:
  explicit Backoff(std::uint64_t seed) : random_(seed) {}
  DurationMs next_ms();
  void reset() { failures_ = 0; }

 private:
  std::mt19937_64 random_;
  int failures_{0};
};

}  // namespace doctor
