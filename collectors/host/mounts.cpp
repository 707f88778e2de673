#include "collectors/host/mounts.hpp"

#include <algorithm>
#include <array>

#include "collectors/host/lines.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kMountsMax = 4096;

/// The kernel writes blank, tab, newline and backslash as three octal digits.
std::string unescaped(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '\\' && text.size() >= 4) {
      if (const auto code = whole<unsigned>(text.substr(1, 3), 8); code && *code < 256) {
        plain += static_cast<char>(static_cast<unsigned char>(*code));
        text.remove_prefix(4);
        continue;
      }
    }
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

}  // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty() && mounts.size() < kMountsMax) {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    const auto fields = words(take_line(text));
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 3) continue;
    Mount mount{std::string(fields[2]), unescaped(fields[3]), unescaped(fields[4]),
                std::string(dash[1]),   unescaped(dash[2]),   {}};
    if (fields.end() - dash > 3) mount.options = dash[3];
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

bool strip_directory(std::string_view path, std::string_view directory, std::string_view& rest) {
  if (directory.ends_with('/')) directory.remove_suffix(1);
  if (!path.starts_with(directory)) return false;
  rest = path.substr(directory.size());
  if (rest == "/") rest = {};
  return rest.empty() || rest.front() == '/';
}

const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  std::string_view rest;
  for (const Mount& mount : mounts) {
    if (!strip_directory(path, mount.point, rest)) continue;
    if (best == nullptr || mount.point.size() >= best->point.size()) best = &mount;
  }
  return best;
}

bool is_network(std::string_view type) {
  constexpr std::array<std::string_view, 17> kNetwork{
      "nfs",    "nfs4", "cifs", "smb3",  "smbfs", "ceph",  "glusterfs", "lustre",  "gpfs",
      "beegfs", "afs",  "9p",   "ocfs2", "gfs2",  "ncpfs", "orangefs",  "virtiofs"};
  // Of FUSE only those that are known to be local are taken for local.
  constexpr std::array<std::string_view, 4> kLocalFuse{"fuse.lxcfs", "fuse.mergerfs",
                                                       "fuse.overlayfs", "fuse.fuse-overlayfs"};
  if (type.starts_with("fuse.")) {
    return std::find(kLocalFuse.begin(), kLocalFuse.end(), type) == kLocalFuse.end();
  }
  return std::find(kNetwork.begin(), kNetwork.end(), type) != kNetwork.end();
}

}  // namespace doctor::host
