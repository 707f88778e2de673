#include "agent/delivery/log_sentence.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
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

/// The processes of a source taken together, the worst text first.
std::vector<LogTally> by_text(const ClusterView& cluster, SourceId source) {
  std::map<std::string, LogTally> merged;
  for (const LogTally& tally : cluster.logs) {
    if (tally.source != source) continue;
    LogTally& text = merged.try_emplace(tally.pattern, LogTally{}).first->second;
    text.pattern = tally.pattern;
    text.severity = tally.severity;
    text.count += tally.count;
    text.backlog += tally.backlog;
    text.last = std::max(text.last, tally.last);
  }
  std::vector<LogTally> texts;
  texts.reserve(merged.size());
  for (auto& [pattern, text] : merged) texts.push_back(std::move(text));
  std::stable_sort(texts.begin(), texts.end(), [](const LogTally& a, const LogTally& b) {
    return std::tuple(b.severity, b.last, b.count) < std::tuple(a.severity, a.last, a.count);
  });
  return texts;
}

}  // namespace

std::string log_sentence(const ClusterView& cluster, const SourceHealth& source, TimestampMs now) {
  const std::vector<LogTally> seen = by_text(cluster, source.id);
  std::string text;
  for (std::size_t i = 0; i < std::min(seen.size(), kTalliesShown); ++i) {
    text += tally_text(seen[i], now) + "; ";
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
