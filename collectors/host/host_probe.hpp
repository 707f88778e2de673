// The probe: one round over a machine's Flink processes. Synchronous; what may hang is the business
// of the HostFiles it is given. Between rounds it remembers only what processes tell once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "collectors/host/files.hpp"
#include "collectors/host/report.hpp"

namespace doctor::host {

/// Where the machine is: fixtures replace it.
struct HostRoots {
  std::string proc{"/proc"};
  std::string sys{"/sys"};
};

/// What a process told once and may not be able to tell again: its log rolls, its files go.
struct Identity {
  std::string tm_id;
  std::optional<std::uint16_t> blob_port;
  std::set<std::uint16_t> ports;  // that it listens on; empty: not known
  bool working_directory_seen{false};
  int attempts{0};
};

class HostProbe {
 public:
  /// `files` must outlive it.
  HostProbe(HostFiles& files, HostRoots roots) : files_(files), roots_(std::move(roots)) {}

  HostReport collect();

 private:
  using ProcessKey = std::pair<std::int64_t, std::uint64_t>;  // pid, start ticks

  void read_process(std::int64_t pid, const CommandLine& line, HostReport& report);
  void read_machine(HostReport& report);

  HostFiles& files_;
  HostRoots roots_;
  std::map<ProcessKey, Identity> identities_;
  std::set<ProcessKey> present_;  // in this round
  std::optional<std::uint64_t> boot_seconds_;
};

}  // namespace doctor::host
