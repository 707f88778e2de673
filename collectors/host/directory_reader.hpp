// One directory of a Flink process: is it there, what is left of its file system, how quickly does
// it answer, and what of Flink's lies in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/directories.hpp"
#include "collectors/host/mounts.hpp"
#include "collectors/host/report.hpp"

namespace doctor::host {

/// The machine as the process sees it.
struct ProcessView {
  std::string root;  // the process's "/"
  std::vector<Mount> mounts;
  std::string sys;  // where our own /sys is
};

/// Devices and what was unread go into `report`, Flink's own names in temporary directories are
/// added to `temporary_names`.
DirectoryReport read_directory(HostFiles& files, const DirectoryUse& use, const ProcessView& view,
                               HostReport& report, std::vector<std::string>& temporary_names);

}  // namespace doctor::host
