#include "agent/delivery/log_sentence.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include "collectors/logs/patterns.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kTalliesShown = 5;

std::string moment(TimestampMs at, TimestampMs now) {
  const std::string text = format_rfc3339(at);
  const std::string time = text.substr(11, 5) + " UTC";
  return now - at < kDayMs ? time : text.substr(0, 10) + " " + time;
}

std::string title(const LogTally& tally) {
  const LogPattern* pattern = find_log_pattern(tally.pattern);
  return pattern == nullptr ? printable(tally.pattern, 60) : std::string(pattern->title);
}

std::string tally_text(const LogTally& tally, TimestampMs now) {
  std::string text;
  if (tally.count > 0) {
    text = std::to_string(tally.count) + " × " + title(tally) + ", last " + moment(tally.last, now);
  }
  if (tally.backlog == 0) return text;
  if (!text.empty()) return text + " (and " + std::to_string(tally.backlog) + " before the start)";
  return std::to_string(tally.backlog) + " × " + title(tally) + ", written before the start";
}

std::string files_text(const LogReading& reading) {
  std::string text =
      std::to_string(reading.files) + (reading.files == 1 ? " file" : " files") + " followed";
  if (reading.files_left_out > 0) {
    text += ", " + std::to_string(reading.files_left_out) + " older ones not";
  }
  if (reading.bytes_skipped > 0) {
    text += "; " + format_bytes(static_cast<double>(reading.bytes_skipped)) +
            " skipped, since written faster than read";
  }
  return text;
}

}  // namespace

std::string log_sentence(const ClusterView& cluster, const SourceHealth& source, TimestampMs now) {
  std::vector<const LogTally*> seen;
  for (const LogTally& tally : cluster.logs) {
    if (tally.source == source.id) seen.push_back(&tally);
  }
  std::sort(seen.begin(), seen.end(), [](const LogTally* a, const LogTally* b) {
    return std::tuple(b->severity, b->last, b->count, a->pattern, a->process) <
           std::tuple(a->severity, a->last, a->count, b->pattern, b->process);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(seen.size(), kTalliesShown); ++i) {
    text += tally_text(*seen[i], now) + "; ";
  }
  if (seen.size() > kTalliesShown) {
    text += std::to_string(seen.size() - kTalliesShown) + " other texts; ";
  }
  if (seen.empty()) text = "nothing of note; ";
  if (source.logs) text += files_text(*source.logs);
  if (source.last_error) text += "; " + printable(source.last_error->message, 300);
  return text;
}

}  // namespace doctor
