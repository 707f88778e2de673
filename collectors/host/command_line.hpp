// Which processes are Flink's: a java whose main class is one of Flink's entry points. Read from
// /proc/PID/cmdline, which any user of the machine can forge: nothing here is more than a claim.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace doctor::host {

enum class Role : std::uint8_t { job_manager, task_manager };
std::string_view to_string(Role role);  // "jobmanager", "taskmanager"

using Options = std::map<std::string, std::string, std::less<>>;

struct CommandLine {
  Role role{};
  std::string_view deployment;  // "standalone", "kubernetes" or "yarn"; static
  Options properties;           // -Dkey=value of the JVM, before the main class
  Options options;              // -Dkey=value and -D key=value after it: Flink's dynamic properties
  std::string conf_dir;         // of --configDir; may be relative
  std::string class_path;
  std::optional<std::uint64_t> heap_max_bytes;  // -Xmx
  std::optional<std::uint64_t> metaspace_max_bytes;
  std::optional<std::uint64_t> direct_max_bytes;
};

/// Arguments end with NUL. Nothing when this is not a Flink process: also for the shells around
/// one, and for programs that merely name such a class.
std::optional<CommandLine> parse_command_line(std::string_view cmdline);

/// "512m", "1g", "1048576" as the JVM reads sizes.
std::optional<std::uint64_t> parse_jvm_size(std::string_view text);

}  // namespace doctor::host
