#include "collectors/host/process_status.hpp"

#include "collectors/host/lines.hpp"

namespace doctor::host {

ProcessStatus parse_status(std::string_view text) {
  ProcessStatus status;
  status.resident_bytes = kib_after(text, "VmRSS:");
  status.anonymous_bytes = kib_after(text, "RssAnon:");
  status.file_bytes = kib_after(text, "RssFile:");
  status.shared_bytes = kib_after(text, "RssShmem:");
  status.swap_bytes = kib_after(text, "VmSwap:");
  status.threads = number_after(text, "Threads:");
  return status;
}

std::optional<std::uint64_t> parse_proportional_bytes(std::string_view smaps_rollup) {
  return kib_after(smaps_rollup, "Pss:");
}

std::optional<std::uint64_t> parse_start_ticks(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  // proc(5) counts fields from 1; the first word after the name is the third.
  const auto fields = words(stat.substr(name_end + 1));
  constexpr std::size_t kStartTime = 22 - 3;
  return fields.size() > kStartTime ? whole(fields[kStartTime]) : std::nullopt;
}

std::optional<std::uint64_t> parse_boot_seconds(std::string_view system_stat) {
  return number_after(system_stat, "btime");
}

std::optional<std::uint64_t> parse_descriptor_limit(std::string_view limits) {
  constexpr std::string_view kTitle = "Max open files ";
  while (!limits.empty()) {
    const std::string_view line = take_line(limits);
    if (!line.starts_with(kTitle)) continue;
    const auto values = words(line.substr(kTitle.size()));
    return values.empty() ? std::nullopt : whole(values[0]);
  }
  return {};
}

}  // namespace doctor::host
