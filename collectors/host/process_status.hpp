// What the kernel says of one process: /proc/PID/status, smaps_rollup, stat and limits, see
// proc(5). Pure parsers; a member that is missing or malformed is absent, never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace doctor::host {

struct ProcessStatus {
  std::optional<std::uint64_t> resident_bytes;  // VmRSS = anonymous + file + shared
  std::optional<std::uint64_t> anonymous_bytes;
  std::optional<std::uint64_t> file_bytes;
  std::optional<std::uint64_t> shared_bytes;
  std::optional<std::uint64_t> swap_bytes;
  std::optional<std::uint64_t> threads;
};
ProcessStatus parse_status(std::string_view text);

/// Pss: resident memory in which shared pages count by their share; from smaps_rollup.
std::optional<std::uint64_t> parse_proportional_bytes(std::string_view smaps_rollup);

/// Clock ticks between boot and the start of the process; with the pid it names one process for
/// ever. From /proc/PID/stat, whose program name may hold blanks and parentheses.
std::optional<std::uint64_t> parse_start_ticks(std::string_view stat);

/// Seconds since the epoch at which the machine booted, from /proc/stat.
std::optional<std::uint64_t> parse_boot_seconds(std::string_view system_stat);

/// The soft limit of open files from /proc/PID/limits; absent when unlimited.
std::optional<std::uint64_t> parse_descriptor_limit(std::string_view limits);

inline constexpr double kTicksPerSecond = 100;  // USER_HZ, what Linux shows to programs everywhere

}  // namespace doctor::host
