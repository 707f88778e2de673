#include "agent/history/history_files.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace doctor {
namespace {

namespace fs = std::filesystem;

std::string day_text(TimestampMs day) {
  const std::chrono::sys_days days{std::chrono::days(day / kDayMs)};
  const std::chrono::year_month_day date(days);
  char text[16];
  std::snprintf(text, sizeof text, "%04d%02u%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  const bool has = text.starts_with(prefix);
  if (has) text.remove_prefix(prefix.size());
  return has;
}

/// Of all the digits at its begin.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<HistoryFile> parse_name(std::string_view name) {
  HistoryFile file;
  if (!take_prefix(name, "history-")) return std::nullopt;
  const std::optional<int> number = take_number(name);
  if (!number) return std::nullopt;
  const auto digits = static_cast<unsigned>(*number);
  const std::chrono::year_month_day date{std::chrono::year(*number / 10000),
                                         std::chrono::month(digits / 100 % 100),
                                         std::chrono::day(digits % 100)};
  if (!date.ok()) return std::nullopt;
  file.day =
      static_cast<TimestampMs>(std::chrono::sys_days(date).time_since_epoch().count()) * kDayMs;
  if (take_prefix(name, ".5m.sqlite")) {
    file.binned = true;
  } else if (!take_prefix(name, ".sqlite")) {
    if (!take_prefix(name, ".")) return std::nullopt;
    const std::optional<int> part = take_number(name);
    if (!part || *part >= kPartsMax) return std::nullopt;
    file.part = *part;
    file.binned = take_prefix(name, ".5m");
    if (!take_prefix(name, ".sqlite")) return std::nullopt;
  }
  if (!name.empty()) return std::nullopt;
  return file;
}

std::uint64_t bytes_of(const std::string& path) {
  std::uint64_t sum = 0;
  for (const char* part : {"", "-wal"}) {
    std::error_code fault;
    const std::uintmax_t size = fs::file_size(path + part, fault);
    if (!fault) sum += size;
  }
  return sum;
}

}  // namespace

std::string history_path(const std::string& directory, TimestampMs day, int part, bool binned) {
  return directory + "/history-" + day_text(day) + (part > 0 ? "." + std::to_string(part) : "") +
         (binned ? ".5m" : "") + ".sqlite";
}

std::vector<HistoryFile> history_files(const std::string& directory) {
  std::vector<HistoryFile> files;
  std::error_code fault;
  for (auto entry = fs::directory_iterator(directory, fault);
       !fault && entry != fs::directory_iterator(); entry.increment(fault)) {
    const std::string name = entry->path().filename().string();
    std::optional<HistoryFile> file = parse_name(name);
    // Only names as we write them: "history-020241004" is somebody else's.
    if (!file ||
        history_path(directory, file->day, file->part, file->binned) != directory + "/" + name) {
      continue;
    }
    file->path = directory + "/" + name;
    file->bytes = bytes_of(file->path);
    files.push_back(std::move(*file));
  }
  std::sort(files.begin(), files.end(), [](const HistoryFile& a, const HistoryFile& b) {
    return std::tie(a.day, a.part, a.binned) < std::tie(b.day, b.part, b.binned);
  });
  return files;
}

TimestampMs midnight(TimestampMs at) {
  const TimestampMs into = at % kDayMs;
  return at - (into < 0 ? into + kDayMs : into);
}

}  // namespace doctor
