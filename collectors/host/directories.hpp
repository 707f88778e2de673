// Which directories a Flink process lives in, from its command line and configuration: what must be
// there, hold enough space and answer quickly. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/command_line.hpp"

namespace doctor::host {

inline constexpr std::size_t kDirectoriesMax = 32;  // of one process

struct DirectoryUse {
  std::string_view role;  // static: "tmp", "working", "rocksdb", "log", "checkpoint", …
  std::string path;       // absolute, as the process sees it
};

struct Directories {
  std::vector<DirectoryUse> local;        // one entry a role and path
  std::vector<std::string_view> remote;   // roles whose directory is s3://… or the like: unseen
  std::vector<std::string_view> omitted;  // roles with directories past the cap, or relative paths
};

/// `options`: the file's with the command line's dynamic properties over them.
Directories directories_of(const CommandLine& line, const Options& options);

/// What a name in a temporary directory is to Flink: "working_directory" (tm_…, jm_…, ≥ 1.15),
/// "blob_store" (≤ 1.14), "web_upload", "rpc_jar", "planner_jar", "shuffle", "spill", "job_store",
/// "rocksdb_library"; empty when it is nothing of Flink's. A cleaner that takes one breaks the
/// process later.
std::string_view temporary_kind(std::string_view name);
std::vector<std::string_view> temporary_kinds();

}  // namespace doctor::host
