// The memory cgroup that limits a process, v1 or v2, seen from the host, from inside its container,
// or through /proc/PID/root from a neighbour that shares the process namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/files.hpp"
#include "collectors/host/mounts.hpp"
#include "collectors/host/pressure.hpp"

namespace doctor::host {

/// One group's own files. Without a limit `limit_bytes` is absent.
struct CgroupMemory {
  int version{};     // 1 or 2
  std::string path;  // as the process sees it
  std::optional<std::uint64_t> usage_bytes;
  std::optional<std::uint64_t> working_set_bytes;  // usage − inactive file cache, as kubelet counts
  std::optional<std::uint64_t> anonymous_bytes;
  std::optional<std::uint64_t> limit_bytes;
  std::optional<std::uint64_t> oom_kills;   // v1: Linux ≥ 4.13
  std::optional<std::uint64_t> limit_hits;  // v2: memory.events max; v1: memory.failcnt
  Pressure memory_pressure, cpu_pressure, io_pressure;
  std::optional<ErrorCode> unread;  // why a file that is there could not be read; the first
};

/// Where the process stands in the hierarchy that accounts memory.
struct CgroupPath {
  int version{};
  std::string path;
};
/// /proc/PID/cgroup: v1's memory controller when there is one, else v2. Nothing when neither.
std::optional<CgroupPath> parse_cgroup_path(std::string_view text);

/// The directory of the group, through the mount that shows it: its path without the mount's root.
/// Both as the same reader sees them, so that cgroup namespaces cancel out. Error gone when no
/// mount shows it, refused when it lies outside of what is mounted.
struct CgroupDirectory {
  std::string mount_point;
  std::string below;  // "" or "/a/b"
};
Result<CgroupDirectory> locate_cgroup(const CgroupPath& path, const std::vector<Mount>& mounts);

/// Reads the group or, when it has no limit, its nearest ancestor in sight that has one: whoever
/// limits is also whose usage counts. `root` is the process's "/".
Result<CgroupMemory> read_cgroup(HostFiles& files, const CgroupPath& path,
                                 const CgroupDirectory& directory, const std::string& root);

/// A byte count of memory.max or memory.limit_in_bytes; "max" and v1's "as much as there is" are
/// none.
std::optional<std::uint64_t> parse_limit(std::string_view text);

}  // namespace doctor::host
