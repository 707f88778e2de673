#include "collectors/host/process_reader.hpp"

#include <algorithm>
#include <optional>

#include "collectors/host/flink_options.hpp"
#include "collectors/host/lines.hpp"
#include "collectors/host/process_sockets.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kSmallFileBytesMax = 64U << 10U;
constexpr std::size_t kMountsBytesMax = 1U << 20U;
constexpr std::size_t kOptionsBytesMax = 256U << 10U;
constexpr std::uint64_t kDescriptorsMax = 1U << 20U;
// A process says who it is within its first minutes, or its log is not readable at all.
constexpr int kIdentityAttempts = 20;

std::string find_option(const Options& options, std::string_view key) {
  const auto found = options.find(key);
  return found == options.end() ? std::string{} : found->second;
}

/// "application_1700000000000_0007" out of a path.
std::string yarn_application(std::string_view path) {
  constexpr std::string_view kPrefix = "application_";
  const std::size_t at = path.find(kPrefix);
  if (at == std::string_view::npos) return {};
  path.remove_prefix(at);
  const std::size_t end = path.find_first_not_of("0123456789_", kPrefix.size());
  const std::string_view id = path.substr(0, end);
  return id.size() > kPrefix.size() ? std::string(id) : std::string{};
}

/// A group that no mount shows lies outside, whoever asks; that is no lack of rights.
std::string_view outside(const Error& error) {
  return error.code == ErrorCode::refused ? "outside" : unreadable_reason(error.code);
}

/// The RPC port in "host:port-suffix", Flink's own name for a TaskManager without a given one.
std::optional<std::uint16_t> port_in(std::string_view tm_id) {
  constexpr std::size_t kSuffix = 6;
  const std::size_t dash = tm_id.rfind('-');
  const std::size_t colon = tm_id.rfind(':', dash);
  if (dash == std::string_view::npos || colon == std::string_view::npos) return {};
  if (tm_id.size() - dash - 1 != kSuffix) return {};
  return whole<std::uint16_t>(tm_id.substr(colon + 1, dash - colon - 1));
}

}  // namespace

ProcessReader::ProcessReader(HostFiles& files, const HostRoots& roots, std::int64_t pid,
                             const CommandLine& line, Identity& identity, HostReport& report)
    : files_(files),
      proc_(roots.proc),
      line_(line),
      identity_(identity),
      report_(report),
      process_{roots.proc + "/" + std::to_string(pid)},
      view_{process_.path + "/root", {}, roots.sys} {
  out_.pid = pid;
  out_.role = line.role;
  out_.deployment = line.deployment;
  out_.heap_max_bytes = line.heap_max_bytes;
  out_.metaspace_max_bytes = line.metaspace_max_bytes;
  out_.direct_max_bytes = line.direct_max_bytes;
}

ProcessReport ProcessReader::read() {
  view_.mounts = parse_mountinfo(text("mountinfo", kMountsBytesMax));
  read_numbers();
  read_cgroup_memory();
  read_options();
  read_directories();
  read_logs();
  read_identity();
  read_working_directory();
  if (line_.role == Role::job_manager) read_blob_connections();
  return std::move(out_);
}

std::string ProcessReader::text(std::string_view file, std::size_t bytes_max) {
  Result<std::string> content = files_.read(process_ / file, bytes_max);
  if (content) return std::move(*content);
  report_.unread(file, content.error().code);
  return {};
}

void ProcessReader::read_numbers() {
  const std::string status = text("status", kSmallFileBytesMax);
  out_.status = parse_status(status);
  if (!status.empty() && !out_.status.resident_bytes) {
    report_.unread("status", ErrorCode::malformed);
  }
  out_.proportional_bytes = parse_proportional_bytes(text("smaps_rollup", kSmallFileBytesMax));
  out_.descriptors_max = parse_descriptor_limit(text("limits", kSmallFileBytesMax));
  const Result<std::uint64_t> open = files_.count(process_ / "fd", kDescriptorsMax);
  if (open) {
    out_.descriptors = *open;
  } else {
    report_.unread("fd", open.error().code);
  }
}

/// Through the process's own "/" when it may be entered, else as we see it ourselves.
void ProcessReader::read_cgroup_memory() {
  const std::optional<CgroupPath> path = parse_cgroup_path(text("cgroup", kSmallFileBytesMax));
  if (!path) return;
  std::string_view why;
  const auto attempt = [&](const std::vector<Mount>& mounts, const std::string& root) {
    const Result<CgroupDirectory> directory = locate_cgroup(*path, mounts);
    if (!directory) return static_cast<void>(why = outside(directory.error()));
    Result<CgroupMemory> memory = read_cgroup(files_, *path, *directory, root);
    if (!memory) return static_cast<void>(why = unreadable_reason(memory.error().code));
    if (memory->unread) report_.unread("cgroup", *memory->unread);
    out_.cgroup = std::move(*memory);
  };
  attempt(view_.mounts, view_.root);
  if (out_.cgroup) return;
  const std::string_view first = why;
  if (const auto own = files_.read({proc_ + "/self/mountinfo"}, kMountsBytesMax)) {
    std::vector<Mount> mounts = parse_mountinfo(*own);
    for (Mount& mount : mounts) {  // our /sys may be elsewhere
      if (mount.point.starts_with("/sys/")) mount.point = view_.sys + mount.point.substr(4);
    }
    attempt(mounts, "");
  }
  if (!out_.cgroup) report_.unread("cgroup", first);
}

void ProcessReader::read_options() {
  options_ = line_.options;
  if (line_.conf_dir.empty()) return;
  std::string directory = line_.conf_dir;
  if (directory.front() != '/') {
    const Result<std::string> cwd = files_.link(process_ / "cwd");
    if (!cwd) return report_.unread("configuration", cwd.error().code);
    directory = *cwd + "/" + directory;
  }
  const Place place = seen(directory);
  Options from_file;
  // While both exist, Flink 1.19 and 1.20 read the old one; 2.x knows only the new one.
  const bool knows_old = line_.class_path.find("flink-dist-2.") == std::string::npos;
  Result<std::string> content = Error{ErrorCode::gone, ""};
  if (knows_old) content = files_.read(place / "flink-conf.yaml", kOptionsBytesMax);
  if (content) {
    from_file = parse_legacy_options(*content);
  } else {
    if (content.error().code == ErrorCode::gone) {
      content = files_.read(place / "config.yaml", kOptionsBytesMax);
    }
    if (!content) return report_.unread("configuration", content.error().code);
    Result<Options> parsed = parse_yaml_options(*content);
    if (!parsed) return report_.unread("configuration", parsed.error().code);
    from_file = std::move(*parsed);
  }
  options_.merge(from_file);  // what the command line says stays
}

std::string ProcessReader::property(std::string_view key) const {
  return find_option(line_.properties, key);
}

std::string ProcessReader::option(std::string_view key) const { return find_option(options_, key); }

/// Empty when there is none, or when its directory hangs.
std::string ProcessReader::log_file() const {
  for (const DirectoryReport& directory : out_.directories) {
    if (directory.role == "log" && directory.stalled == true) return {};
  }
  std::string log = property("log.file");
  return log.starts_with('/') ? log : std::string{};
}

void ProcessReader::read_logs() {
  const std::string log = log_file();
  if (log.empty()) return;
  const auto size = [&](const std::string& path, std::string_view what) {
    const Result<FileInfo> info = files_.info(seen(path));
    if (info) return std::optional(info->size_bytes);
    if (info.error().code != ErrorCode::gone) report_.unread(what, info.error().code);
    return std::optional<std::uint64_t>{};
  };
  out_.log_bytes = size(log, "log");
  constexpr std::string_view kLog = ".log";
  if (log.ends_with(kLog)) {
    out_.out_bytes = size(log.substr(0, log.size() - kLog.size()) + ".out", "out");
  }
}

void ProcessReader::read_identity() {
  out_.cluster_id = cluster_id();
  const bool task_manager = line_.role == Role::task_manager;
  if (task_manager && identity_.tm_id.empty()) identity_.tm_id = option("taskmanager.resource-id");
  const bool complete = task_manager ? !identity_.tm_id.empty() : identity_.blob_port.has_value();
  if (!complete && identity_.attempts < kIdentityAttempts) {
    ++identity_.attempts;
    identity_.ports = ports_of(files_, process_);
    task_manager ? learn_tm_id() : learn_blob_port();
  }
  out_.tm_id = identity_.tm_id;
  out_.blob_port = identity_.blob_port;
  if (task_manager && out_.tm_id.empty()) report_.unread("tm_id", ErrorCode::gone);
}

/// What the log's head, or the working directory's name, says and our ports do not deny.
void ProcessReader::learn_tm_id() {
  const auto ours = [&](std::string_view tm_id) {
    const std::optional<std::uint16_t> port = port_in(tm_id);
    return !tm_id.empty() && (!port || may_listen_on(*port));
  };
  if (const LogHead head = log_head(); ours(head.tm_id)) {
    identity_.tm_id = head.tm_id;
    return;
  }
  constexpr std::string_view kPrefix = "tm_";
  if (identity_.ports.empty()) return;  // nothing would tell it from an earlier process's
  for (const std::string& name : temporary_names_) {
    if (!name.starts_with(kPrefix) || !port_in(name)) continue;
    if (ours(name.substr(kPrefix.size()))) identity_.tm_id = name.substr(kPrefix.size());
  }
}

void ProcessReader::learn_blob_port() {
  const LogHead head = log_head();
  const auto configured = whole<std::uint16_t>(option("blob.server.port"));
  if (head.blob_port && may_listen_on(*head.blob_port)) {
    identity_.blob_port = head.blob_port;
  } else if (configured && *configured != 0) {  // 0 and ranges leave it to chance
    identity_.blob_port = configured;
  }
}

LogHead ProcessReader::log_head() {
  const std::string log = log_file();
  if (log.empty()) return {};
  const Result<std::string> content = files_.head(seen(log), kLogHeadBytes);
  return content ? parse_log_head(*content) : LogHead{};
}

/// What is found on disk may be of an earlier process; without a look at our sockets it is
/// believed.
bool ProcessReader::may_listen_on(std::uint16_t port) const {
  return identity_.ports.empty() || identity_.ports.contains(port);
}

std::string ProcessReader::cluster_id() const {
  if (std::string id = option("kubernetes.cluster-id"); !id.empty()) return id;
  std::string id = option("high-availability.cluster-id");
  if (!id.empty() && id != "/default") return id;
  return yarn_application(property("log.file"));
}

void ProcessReader::read_directories() {
  const Directories directories = directories_of(line_, options_);
  for (const std::string_view role : directories.remote) {
    report_.unread(std::string(role) + "_directory", "remote");
  }
  for (const std::string_view role : directories.omitted) {
    report_.unread(std::string(role) + "_directory", "omitted");
  }
  for (const DirectoryUse& use : directories.local) {
    out_.directories.push_back(read_directory(files_, use, view_, report_, temporary_names_));
  }
}

/// Flink ≥ 1.15 keeps a TaskManager's files in tm_<id>. Only one that was there can be missed.
void ProcessReader::read_working_directory() {
  if (out_.tm_id.empty()) return;
  const bool all_known = std::all_of(
      out_.directories.begin(), out_.directories.end(), [](const DirectoryReport& directory) {
        const bool temporary = directory.role == "tmp" || directory.role == "working";
        return !temporary || !directory.temporary.empty() || directory.present == false;
      });
  const bool there = std::find(temporary_names_.begin(), temporary_names_.end(),
                               "tm_" + out_.tm_id) != temporary_names_.end();
  if (there) identity_.working_directory_seen = true;
  if (there || (identity_.working_directory_seen && all_known)) {
    out_.working_directory_present = there;
  }
}

void ProcessReader::read_blob_connections() {
  if (!out_.blob_port) return report_.unread("blob_port", ErrorCode::gone);
  auto connections = connections_at(files_, process_, *out_.blob_port);
  if (!connections) return report_.unread("sockets", connections.error().code);
  out_.blob_connections = std::move(*connections);
  out_.blob_connections_known = true;
}

}  // namespace doctor::host
