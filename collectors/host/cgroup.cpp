#include "collectors/host/cgroup.hpp"

#include <algorithm>

#include "collectors/host/lines.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kFileBytesMax = 64U << 10U;
constexpr int kAncestorsMax = 16;
// v1 says "no limit" with the largest page count; nobody has this much memory.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60U;

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(std::min(list.size(), comma + 1));
  }
  return false;
}

std::string_view first_word(std::string_view text) {
  const auto all = words(text, 1);
  return all.empty() ? std::string_view{} : all.front();
}

class Group {
 public:
  Group(HostFiles& files, Place directory) : files_(files), directory_(std::move(directory)) {}

  std::optional<ErrorCode> unread;  // older kernels lack some files: that is no fault

  std::string text(std::string_view file) {
    Result<std::string> content = files_.read(directory_ / file, kFileBytesMax);
    if (content) return std::move(*content);
    if (!unread && content.error().code != ErrorCode::gone) unread = content.error().code;
    return {};
  }
  std::optional<std::uint64_t> number(std::string_view file) {
    return whole(first_word(text(file)));
  }

 private:
  HostFiles& files_;
  Place directory_;
};

void subtract_cache(CgroupMemory& memory, std::optional<std::uint64_t> inactive_file) {
  if (!memory.usage_bytes || !inactive_file) return;
  memory.working_set_bytes = *memory.usage_bytes - std::min(*memory.usage_bytes, *inactive_file);
}

void read_v2(Group& group, CgroupMemory& memory) {
  memory.usage_bytes = group.number("memory.current");
  memory.limit_bytes = parse_limit(group.text("memory.max"));
  const std::string stat = group.text("memory.stat");
  memory.anonymous_bytes = number_after(stat, "anon");
  subtract_cache(memory, number_after(stat, "inactive_file"));
  const std::string events = group.text("memory.events");
  memory.oom_kills = number_after(events, "oom_kill");
  memory.limit_hits = number_after(events, "max");
  memory.memory_pressure = parse_pressure(group.text("memory.pressure"));
  memory.cpu_pressure = parse_pressure(group.text("cpu.pressure"));
  memory.io_pressure = parse_pressure(group.text("io.pressure"));
}

void read_v1(Group& group, CgroupMemory& memory) {
  memory.usage_bytes = group.number("memory.usage_in_bytes");
  memory.limit_bytes = parse_limit(group.text("memory.limit_in_bytes"));
  const std::string stat = group.text("memory.stat");
  memory.anonymous_bytes = number_after(stat, "total_rss");
  subtract_cache(memory, number_after(stat, "total_inactive_file"));
  memory.oom_kills = number_after(group.text("memory.oom_control"), "oom_kill");
  memory.limit_hits = group.number("memory.failcnt");
}

}  // namespace

std::optional<std::uint64_t> parse_limit(std::string_view text) {
  const auto bytes = whole(first_word(text));
  return bytes && *bytes < kNoLimit ? bytes : std::nullopt;
}

std::optional<CgroupPath> parse_cgroup_path(std::string_view text) {
  std::optional<CgroupPath> unified;
  while (!text.empty()) {
    // 5:memory:/docker/ab12 or 0::/system.slice/flink.service
    const std::string_view line = take_line(text);
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (!path.starts_with('/')) continue;
    if (has_word(controllers, "memory")) return CgroupPath{1, std::string(path)};
    if (line.starts_with("0::")) unified = CgroupPath{2, std::string(path)};
  }
  return unified;
}

Result<CgroupDirectory> locate_cgroup(const CgroupPath& path, const std::vector<Mount>& mounts) {
  bool mounted = false;
  const Mount* best = nullptr;
  std::string_view rest;
  std::string below;
  for (const Mount& mount : mounts) {
    const bool right = path.version == 2
                           ? mount.type == "cgroup2"
                           : mount.type == "cgroup" && has_word(mount.options, "memory");
    if (!right) continue;
    mounted = true;
    if (!strip_directory(path.path, mount.root, rest)) continue;
    // A way through ".." would lead out of what this mount shows.
    if ((std::string(rest) + "/").find("/../") != std::string::npos) continue;
    if (best != nullptr && mount.root.size() < best->root.size()) continue;
    best = &mount;
    below = rest;
  }
  if (best != nullptr) return CgroupDirectory{best->point, below};
  if (mounted) return Error{ErrorCode::refused, "the cgroup lies outside of what is mounted"};
  return Error{ErrorCode::gone, "no cgroup file system is mounted"};
}

Result<CgroupMemory> read_cgroup(HostFiles& files, const CgroupPath& path,
                                 const CgroupDirectory& directory, const std::string& root) {
  const Place mount{directory.mount_point, root};
  std::string below = directory.below;
  std::optional<CgroupMemory> own;
  for (int step = 0; step < kAncestorsMax; ++step) {
    const Place place = mount / below;
    if (const Result<FileInfo> there = files.info(place); !there) {
      if (!own) return there.error();
      break;
    }
    CgroupMemory memory;
    memory.version = path.version;
    memory.path = below.empty() ? "/" : below;
    Group group(files, place);
    path.version == 2 ? read_v2(group, memory) : read_v1(group, memory);
    memory.unread = group.unread;
    if (memory.limit_bytes) return memory;
    if (!own) own = std::move(memory);
    if (below.empty()) break;
    below.resize(below.rfind('/'));
  }
  if (own->usage_bytes) return *own;
  return Error{ErrorCode::gone, "the cgroup accounts no memory"};
}

}  // namespace doctor::host
