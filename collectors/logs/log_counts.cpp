#include "collectors/logs/log_counts.hpp"

#include <utility>

#include "model/text.hpp"

namespace doctor {

LogCounts::LogCounts(std::string file, LogProcess process, std::size_t line_bytes_max)
    : file_(std::move(file)), process_(process), line_bytes_max_(line_bytes_max) {}

void LogCounts::add(const LogMatches& matches, std::string_view line, TimestampMs now) {
  if (matches.none()) return;
  for (std::size_t i = 0; i < log_patterns().size(); ++i) {
    if (!matches[i]) continue;
    LogEvent& event = counts_[i].event;
    if (event.count == 0) {
      event.pattern = log_patterns()[i].identifier;
      event.severity = log_patterns()[i].severity;
      event.process = to_string(process_);
      event.file = file_;
      event.line = printable(line, line_bytes_max_);
      event.first = now;
    }
    ++event.count;
    event.last = now;
  }
}

std::vector<LogEvent> LogCounts::due(TimestampMs now) { return take(false, now); }

std::vector<LogEvent> LogCounts::rest() { return take(true, 0); }

std::vector<LogEvent> LogCounts::take(bool all, TimestampMs now) {
  std::vector<LogEvent> events;
  for (auto& [pattern, count] : counts_) {
    if (count.event.count == 0) continue;
    const bool waits = count.told_at != 0 && now - count.told_at < kMinuteMs;
    if (!all && waits) continue;
    if (!all) count.told_at = now;
    events.push_back(std::exchange(count.event, LogEvent{}));
  }
  return events;
}

}  // namespace doctor
