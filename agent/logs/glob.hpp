// Glob: which regular files a pattern such as "/opt/flink/log/flink-*-taskexecutor-*.log" names,
// the last written first. Bounded, unlike glob(3), whatever the directories hold.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/result.hpp"

namespace doctor {

struct GlobFound {
  std::vector<std::string> paths;
  /// What could not be seen: a directory without permission, or more than `entries_max` entries.
  std::optional<Error> fault;
};

/// `pattern` is absolute; '*', '?' and '[…]' never match a '/' or a leading '.'. Where the last
/// part has one of them, rotated files ("….log.1", "….log.2026-11-21.gz") are left out: they were
/// read under their first name.
GlobFound find_files(const std::string& pattern, std::size_t entries_max);

/// "flink.log.3", "0.log.20261121-101010", "flink.log.gz".
bool is_rotated_name(const std::string& name);

/// An absolute path of bounded length; the message says what is wrong.
Result<std::string> parse_log_glob(const std::string& text);

}  // namespace doctor
