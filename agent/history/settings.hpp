// What the user asks of the history on disk.
#pragma once

#include <cstdint>

#include "model/time.hpp"

namespace doctor {

struct HistorySettings {
  static constexpr std::uint64_t kBytesMin = 16U << 20U;
  static constexpr int kDaysLimit = 400;

  int days{7};                           // kept in all; the oldest day is dropped beyond
  std::uint64_t bytes_max{2ULL << 30U};  // of all history files; the oldest is dropped beyond

  // How often what was heard reaches the disk, and survives a power loss.
  DurationMs commit_every_ms{4 * kSecondMs};
  DurationMs sync_every_ms{20 * kSecondMs};
};

/// What a day of one series takes on disk at most, by experience (bench/README.md): raw, and in
/// bins of five minutes.
double expected_history_bytes(const HistorySettings& settings, DurationMs scrape_interval_ms,
                              double series);

}  // namespace doctor
