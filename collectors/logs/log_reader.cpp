#include "collectors/logs/log_reader.hpp"

#include <algorithm>
#include <array>

#include "model/text.hpp"

namespace doctor {
namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(std::min(path.rfind('/') + 1, path.size()));
}

/// What container runtimes put before each line, as "2026-11-21T10:00:00.1Z stderr F ".
std::string_view without_container_prefix(std::string_view line) {
  constexpr std::size_t kTimeBytesMax = 40;
  for (const std::string_view stream : {" stdout ", " stderr "}) {
    const std::size_t at = line.substr(0, kTimeBytesMax).find(stream);
    const std::size_t tag = at + stream.size();
    if (at == std::string_view::npos || at == 0 || line.size() < tag + 2) continue;
    const bool is_tag = (line[tag] == 'F' || line[tag] == 'P') && line[tag + 1] == ' ';
    if (is_tag && line.find(' ') == at) return line.substr(tag + 2);
  }
  return line;
}

/// A time ("2026-…", "10:01:02 …", "[2026-…"), JSON, or a level: how layouts begin an entry.
bool is_head(std::string_view line) {
  if (line.empty()) return false;
  if (line[0] == '{' || line[0] == '[') return true;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (line.size() > 2 && is_digit(line[0]) && is_digit(line[1])) return true;
  constexpr auto kLevels =
      std::to_array<std::string_view>({"TRACE ", "DEBUG ", "INFO ", "WARN ", "ERROR ", "FATAL "});
  return std::any_of(kLevels.begin(), kLevels.end(),
                     [&](std::string_view level) { return line.starts_with(level); });
}

bool is_trace(std::string_view line) {
  return line.empty() || line[0] == ' ' || line[0] == '\t' || line.starts_with("Caused by:") ||
         line.starts_with("Suppressed:") || line.starts_with("... ");
}

}  // namespace

LogReader::LogReader(std::string_view path, const Limits& limits)
    : process_(process_of(path)),
      counts_(printable(last_part(path), limits.name_bytes_max), process_,
              limits.message_bytes_max),
      splitter_(limits.log_line_bytes_max, [this](std::string_view text) { line(text); }) {}

void LogReader::feed(std::string_view window, TimestampMs now) {
  now_ = now;
  splitter_.feed(window);
}

void LogReader::finish(TimestampMs now) {
  now_ = now;
  splitter_.finish();
  counted_.reset();
}

void LogReader::skip_line() {
  splitter_.skip_line();
  counted_.reset();
}

void LogReader::line(std::string_view text) {
  text = without_container_prefix(text);
  if (begins_entry(text)) counted_.reset();
  const LogMatches fresh = matcher_->find(text, process_) & ~counted_;
  counted_ |= fresh;
  counts_.add(fresh, text, now_);
}

/// In a file whose entries have heads, all else belongs to the entry before; in one without (what a
/// JVM prints), only what looks like a stack trace does.
bool LogReader::begins_entry(std::string_view text) {
  if (is_head(text)) return has_heads_ = true;
  return !has_heads_ && !is_trace(text);
}

}  // namespace doctor
