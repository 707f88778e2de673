#include "agent/history/settings.hpp"

#include <algorithm>

namespace doctor {
namespace {

// Measured by `./dev bench disk` (bench/README.md), rounded up.
constexpr double kSampleBytes = 1.5;
constexpr double kBinBytes = 5.5;  // of one bin of one series, in the mix of gauges and counters
constexpr double kRawDays = 2;     // yesterday's file is rewritten when today ends
constexpr double kBinsPerDay = 288;

}  // namespace

double expected_history_bytes(const HistorySettings& settings, DurationMs scrape_interval_ms,
                              double series) {
  const double samples_a_day = static_cast<double>(kDayMs) /
                               static_cast<double>(std::max<DurationMs>(scrape_interval_ms, 1));
  const double raw_days = std::min<double>(kRawDays, settings.days);
  const double binned_days = settings.days - raw_days;
  const double bytes =
      series * (raw_days * samples_a_day * kSampleBytes + binned_days * kBinsPerDay * kBinBytes);
  return std::min(bytes, static_cast<double>(settings.bytes_max));
}

}  // namespace doctor
