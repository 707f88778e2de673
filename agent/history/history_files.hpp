// The files of the history: history-20261121.sqlite, the second part of that day
// history-20261121.1.sqlite, and each of them in bins of five minutes history-20261121.1.5m.sqlite.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace doctor {

struct HistoryFile {
  std::string path;
  TimestampMs day{};  // its midnight (UTC); rows came in that day
  int part{0};
  bool binned{false};
  std::uint64_t bytes{};  // with what SQLite keeps beside it
};

inline constexpr int kPartsMax = 1000;  // of one day

std::string history_path(const std::string& directory, TimestampMs day, int part, bool binned);
/// Oldest first. Nothing where the directory cannot be read.
std::vector<HistoryFile> history_files(const std::string& directory);
TimestampMs midnight(TimestampMs at);

}  // namespace doctor
