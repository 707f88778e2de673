#include "agent/delivery/process_stats.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace doctor {
namespace {

std::string read_text(const char* path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
  return words;
}

std::optional<double> number(const std::vector<std::string_view>& words, std::size_t index) {
  if (index >= words.size()) return std::nullopt;
  double value = 0;
  const auto [end, error] =
      std::from_chars(words[index].data(), words[index].data() + words[index].size(), value);
  if (error != std::errc{} || end != words[index].data() + words[index].size()) return std::nullopt;
  return value;
}

std::optional<double> boot_seconds(std::string_view system_stat) {
  const std::size_t line = system_stat.find("btime ");
  if (line == std::string_view::npos) return std::nullopt;
  return number(split_words(system_stat.substr(line)), 1);
}

std::optional<double> count_open_fds() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return std::nullopt;
  double count = 0;
  for (const std::filesystem::directory_iterator end; entries != end; entries.increment(error)) {
    if (error) return std::nullopt;
    ++count;
  }
  return count - 1;  // the one that lists the directory
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats = parse_process_stats(read_text("/proc/self/stat"), read_text("/proc/stat"),
                                           static_cast<double>(sysconf(_SC_CLK_TCK)),
                                           static_cast<double>(sysconf(_SC_PAGESIZE)));
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    stats.max_fds = static_cast<double>(limit.rlim_cur);
  }
  return stats;
}

ProcessStats parse_process_stats(std::string_view self_stat, std::string_view system_stat,
                                 double ticks_per_second, double page_bytes) {
  ProcessStats stats;
  // The program's name stands in parentheses and may hold spaces: count from the last one.
  const std::size_t name_end = self_stat.rfind(')');
  if (name_end == std::string_view::npos || ticks_per_second <= 0) return stats;
  const auto words = split_words(self_stat.substr(name_end + 1));
  // proc(5) counts from 1 and the first word here is field 3.
  const auto field = [&](std::size_t n) { return number(words, n - 3); };
  if (const auto user = field(14), system = field(15); user && system) {
    stats.cpu_seconds = (*user + *system) / ticks_per_second;
  }
  stats.threads = field(20);
  stats.virtual_bytes = field(23);
  if (const auto pages = field(24)) stats.resident_bytes = *pages * page_bytes;
  if (const auto boot = boot_seconds(system_stat), start = field(22); boot && start) {
    stats.start_seconds = *boot + *start / ticks_per_second;
  }
  return stats;
}

}  // namespace doctor
