#include "collectors/host/directory_reader.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kTemporaryNamesMax = 20'000;
constexpr std::size_t kLogFilesMax = 500;

std::string what(const DirectoryUse& use) { return std::string(use.role) + "_directory"; }

void read_temporary(HostFiles& files, const Place& place, const DirectoryUse& use,
                    DirectoryReport& directory, HostReport& report,
                    std::vector<std::string>& temporary_names) {
  Result<std::vector<std::string>> names = files.list(place, kTemporaryNamesMax);
  if (!names) return report.unread(what(use), names.error().code);
  for (const std::string_view kind : temporary_kinds()) directory.temporary[kind] = 0;
  for (std::string& name : *names) {
    const std::string_view kind = temporary_kind(name);
    if (kind.empty()) continue;
    ++directory.temporary[kind];
    temporary_names.push_back(std::move(name));
  }
}

/// The sum is said only when every file was counted.
void read_log_files(HostFiles& files, const Place& place, const DirectoryUse& use,
                    DirectoryReport& directory, HostReport& report) {
  const Result<std::vector<std::string>> names = files.list(place, kLogFilesMax);
  if (!names) return report.unread(what(use), names.error().code);
  std::uint64_t bytes = 0;
  for (const std::string& name : *names) {
    const Result<FileInfo> info = files.info(place / name);
    if (!info && info.error().code == ErrorCode::gone) continue;  // rolled away meanwhile
    if (!info) return report.unread(what(use), info.error().code);
    if (!info->directory) bytes += info->size_bytes;
  }
  directory.file_bytes = bytes;
}

void read_device(HostFiles& files, const std::string& sys, const std::string& device,
                 HostReport& report) {
  constexpr std::size_t kStatBytesMax = 4096;
  if (device.starts_with("0:") || report.devices.contains(device)) return;  // 0: no block device
  const Result<std::string> stat =
      files.read({sys + "/dev/block/" + device + "/stat"}, kStatBytesMax);
  if (!stat) return report.unread("device", stat.error().code);
  if (const auto parsed = parse_device_stat(*stat)) report.devices[device] = *parsed;
}

}  // namespace

DirectoryReport read_directory(HostFiles& files, const DirectoryUse& use, const ProcessView& view,
                               HostReport& report, std::vector<std::string>& temporary_names) {
  DirectoryReport directory;
  directory.role = use.role;
  directory.path = use.path;
  if (const Mount* mount = mount_of(view.mounts, use.path)) {
    directory.file_system = mount->type;
    directory.device = mount->device;
    directory.network = is_network(mount->type);
    read_device(files, view.sys, mount->device, report);
  }
  const Place place{use.path, view.root};
  // Every process has its own way to a dead server; one reader that waits for it is enough.
  const bool hangs = report.stalled_devices.contains(directory.device);
  const Result<Space> space =
      hangs ? Result<Space>(Error{ErrorCode::timeout, "hangs"}) : files.space(place);
  if (!space) {
    const ErrorCode code = space.error().code;
    // Not there is an answer; what may not be looked at is not one.
    if (code == ErrorCode::gone) directory.present = false;
    if (code == ErrorCode::timeout) {
      directory.stalled = true;
      if (!directory.device.empty()) report.stalled_devices.insert(directory.device);
    }
    if (code != ErrorCode::gone) report.unread(what(use), code);
    return directory;
  }
  directory.present = true;
  directory.stalled = false;
  directory.space = *space;
  if (use.role == "tmp" || use.role == "working") {
    read_temporary(files, place, use, directory, report, temporary_names);
  }
  if (use.role == "log") read_log_files(files, place, use, directory, report);
  return directory;
}

}  // namespace doctor::host
