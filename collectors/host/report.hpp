// HostReport: what one round of the probe saw of the Flink processes of a machine. A value; what
// could not be read is absent and counted with its reason.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/host/cgroup.hpp"
#include "collectors/host/command_line.hpp"
#include "collectors/host/files.hpp"
#include "collectors/host/pressure.hpp"
#include "collectors/host/process_status.hpp"

namespace doctor::host {

inline constexpr std::size_t kProcessesMax = 64;

struct DirectoryReport {
  std::string_view role;
  std::string path;             // as the process sees it
  std::optional<bool> present;  // absent when nobody could look
  std::optional<bool> stalled;  // it did not answer in time
  std::optional<Space> space;
  std::string file_system;                  // type; empty when unknown
  std::string device;                       // "major:minor"
  bool network{};                           // meaningful when file_system is known
  std::optional<std::uint64_t> file_bytes;  // of the files in it, not below; log directories only
  /// Flink's entries by kind, zeros too; empty when not listed. Temporary directories only.
  std::map<std::string_view, std::uint64_t> temporary;
};

struct ProcessReport {
  std::int64_t pid{};
  Role role{};
  std::string_view deployment;
  std::string tm_id;       // exactly as Flink names it; empty when not known, and for JobManagers
  std::string cluster_id;  // Kubernetes, high availability or YARN application; may be empty
  std::optional<double> start_seconds;  // since the epoch
  ProcessStatus status;
  std::optional<std::uint64_t> proportional_bytes;
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> descriptors_max;
  std::optional<std::uint64_t> heap_max_bytes;
  std::optional<std::uint64_t> metaspace_max_bytes;
  std::optional<std::uint64_t> direct_max_bytes;
  std::optional<CgroupMemory> cgroup;
  std::vector<DirectoryReport> directories;
  std::optional<std::uint64_t> log_bytes;
  std::optional<std::uint64_t> out_bytes;
  std::optional<bool> working_directory_present;               // known once it was seen
  std::optional<std::uint16_t> blob_port;                      // JobManagers
  std::map<std::string_view, std::uint64_t> blob_connections;  // by state
  bool blob_connections_known{};
};

/// Of one block device since boot (Documentation/admin-guide/iostats.rst).
struct DeviceReport {
  std::uint64_t reads{}, writes{};
  double read_seconds{}, write_seconds{};  // summed over requests: divided by those, the latency
  double busy_seconds{};
};

/// /sys/dev/block/MAJOR:MINOR/stat.
std::optional<DeviceReport> parse_device_stat(std::string_view text);

struct HostReport {
  std::string host;
  std::vector<ProcessReport> processes;
  std::map<std::string, DeviceReport> devices;  // that hold directories
  std::set<std::string> stalled_devices;        // "0:45": what hangs for one hangs for all
  std::map<std::string_view, Pressure> machine_pressures;  // "memory", "cpu", "io"
  /// {what, reason} → how often in this round.
  std::map<std::pair<std::string, std::string_view>, std::uint64_t> unreadable;
  std::uint64_t processes_seen{};     // of all programs
  std::uint64_t processes_omitted{};  // Flink's, past the cap

  void unread(std::string_view what, std::string_view reason) {
    ++unreadable[{std::string(what), reason}];
  }
  void unread(std::string_view what, ErrorCode code) { unread(what, unreadable_reason(code)); }
};

}  // namespace doctor::host
