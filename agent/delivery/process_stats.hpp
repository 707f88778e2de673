// What the operating system says of this process, for the process_* metrics. Linux only (proc(5)).
#pragma once

#include <optional>
#include <string_view>

namespace doctor {

/// Members that could not be read are absent.
struct ProcessStats {
  std::optional<double> cpu_seconds;
  std::optional<double> resident_bytes;
  std::optional<double> virtual_bytes;
  std::optional<double> open_fds;
  std::optional<double> max_fds;
  std::optional<double> start_seconds;  // since the epoch
  std::optional<double> threads;
};

ProcessStats read_process_stats();

/// The pure part: /proc/self/stat and /proc/stat as text, ticks per second and bytes per page.
ProcessStats parse_process_stats(std::string_view self_stat, std::string_view system_stat,
                                 double ticks_per_second, double page_bytes);

}  // namespace doctor
