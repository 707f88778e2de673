#include "collectors/host/directories.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace doctor::host {
namespace {

struct DirectoryOption {
  std::string_view key;
  std::string_view role;
  bool list{false};  // several, between ',', '|', ';' or ':'
  std::optional<Role> only{};
};
// Newer spellings first; an option that is set hides the older ones of its role.
constexpr std::array<DirectoryOption, 17> kOptions{{
    {"io.tmp.dirs", "tmp", true},
    {"taskmanager.tmp.dirs", "tmp", true},
    {"process.taskmanager.working-dir", "working", false, Role::task_manager},
    {"process.jobmanager.working-dir", "working", false, Role::job_manager},
    {"process.working-dir", "working"},
    {"state.backend.rocksdb.localdir", "rocksdb", true, Role::task_manager},
    {"state.backend.forst.local-dir", "forst", true, Role::task_manager},
    {"execution.checkpointing.local-backup.dirs", "local_state", true, Role::task_manager},
    {"state.backend.local-recovery.dirs", "local_state", true, Role::task_manager},
    {"taskmanager.state.local.root-dirs", "local_state", true, Role::task_manager},
    {"execution.checkpointing.dir", "checkpoint"},
    {"state.checkpoints.dir", "checkpoint"},
    {"execution.checkpointing.savepoint-dir", "savepoint"},
    {"state.savepoints.dir", "savepoint"},
    {"high-availability.storageDir", "ha", false, Role::job_manager},
    {"blob.storage.directory", "blob"},
    {"web.upload.dir", "upload", false, Role::job_manager},
}};

struct TemporaryKind {
  std::string_view prefix, suffix, kind;
};
// Seen on 1.20 and 2.2; the jars' names have an underscore before the id in some versions.
constexpr std::array<TemporaryKind, 10> kTemporaryKinds{{
    {"tm_", "", "working_directory"},
    {"jm_", "", "working_directory"},
    {"blobStore-", "", "blob_store"},
    {"flink-web-", "", "web_upload"},
    {"flink-rpc-akka", ".jar", "rpc_jar"},
    {"flink-table-planner", ".jar", "planner_jar"},
    {"flink-netty-shuffle-", "", "shuffle"},
    {"flink-io-", "", "spill"},
    {"executionGraphStore-", "", "job_store"},
    {"rocksdb-lib-", "", "rocksdb_library"},
}};

/// "file:///a", "file:/a" and "/a" are local; "s3://…" is not; the rest is relative.
struct Location {
  std::string path;
  bool remote{false};
};
Location location(std::string_view text) {
  constexpr std::string_view kFile = "file:";
  if (text.starts_with(kFile)) {
    text.remove_prefix(kFile.size());
    while (text.starts_with("//")) text.remove_prefix(1);
  } else if (text.find("://") != std::string_view::npos) {
    return {{}, true};
  }
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return {std::string(text), false};
}

class Collected {
 public:
  Directories result;

  bool has(std::string_view role) const {
    return std::any_of(result.local.begin(), result.local.end(),
                       [&](const DirectoryUse& use) { return use.role == role; });
  }
  void add(std::string_view role, std::string_view text) {
    const Location at = location(text);
    if (at.remote) return note(result.remote, role);
    if (at.path.empty()) return;
    if (at.path.front() != '/' || result.local.size() >= kDirectoriesMax) {
      return note(result.omitted, role);
    }
    for (const DirectoryUse& use : result.local) {
      if (use.role == role && use.path == at.path) return;
    }
    result.local.push_back({role, at.path});
  }
  void add_list(std::string_view role, std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = list_end(text);
      add(role, text.substr(0, end));
      text.remove_prefix(std::min(text.size(), end + 1));
    }
  }

 private:
  /// ':' separates paths but also ends a scheme: "file:/a:/b".
  static std::size_t list_end(std::string_view text) {
    const std::size_t from = text.starts_with("file:") ? 5 : 0;
    return std::min(text.size(), text.find_first_of(",|;:", from));
  }
  static void note(std::vector<std::string_view>& roles, std::string_view role) {
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) roles.push_back(role);
  }
};

std::string_view value(const Options& options, std::string_view key) {
  const auto found = options.find(key);
  return found == options.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace

Directories directories_of(const CommandLine& line, const Options& options) {
  Collected collected;
  std::string_view set_by;  // the option that spoke for the role last looked at
  for (const DirectoryOption& option : kOptions) {
    const std::string_view text = value(options, option.key);
    if (text.empty() || (option.only && *option.only != line.role)) continue;
    if (set_by == option.role) continue;
    set_by = option.role;
    if (option.list && text.find("://") == std::string_view::npos) {
      collected.add_list(option.role, text);
    } else {
      collected.add(option.role, text);
    }
  }
  const std::string_view jvm_tmp = value(line.properties, "java.io.tmpdir");
  if (!collected.has("tmp")) collected.add("tmp", jvm_tmp.empty() ? "/tmp" : jvm_tmp);
  const std::string_view log_file = value(line.properties, "log.file");
  if (const std::size_t slash = log_file.rfind('/'); slash != std::string_view::npos && slash > 0) {
    collected.add("log", log_file.substr(0, slash));
  } else {
    collected.add("log", value(options, "env.log.dir"));
  }
  return std::move(collected.result);
}

std::string_view temporary_kind(std::string_view name) {
  for (const TemporaryKind& known : kTemporaryKinds) {
    if (name.starts_with(known.prefix) && name.ends_with(known.suffix)) return known.kind;
  }
  return {};
}

std::vector<std::string_view> temporary_kinds() {
  std::vector<std::string_view> kinds;
  kinds.reserve(std::size(kTemporaryKinds));
  for (const TemporaryKind& known : kTemporaryKinds) kinds.push_back(known.kind);
  return kinds;
}

}  // namespace doctor::host
