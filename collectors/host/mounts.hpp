// The mounts of a process, /proc/PID/mountinfo (proc_pid_mountinfo(5)): which file system holds a
// path, and whether it is across a network.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace doctor::host {

struct Mount {
  std::string device;  // "major:minor"
  std::string root;    // which directory of the file system is mounted
  std::string point;   // where, as the process sees it
  std::string type;    // "ext4", "nfs4", "fuse.sshfs"
  std::string source;
  std::string options;  // of the file system: "rw,memory"
};

/// In order of the file, later ones cover earlier ones; lines that are not mounts are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);

/// The mount that holds an absolute path: the longest mount point above it, the last of equals.
const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path);

/// NFS, SMB, clustered and user-space network file systems, by type.
bool is_network(std::string_view type);

/// What remains of `path` below `directory`: "" or "/rest"; false when it is not below.
bool strip_directory(std::string_view path, std::string_view directory, std::string_view& rest);

}  // namespace doctor::host
