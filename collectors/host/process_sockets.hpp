// What a process has to do with the TCP sockets of its network namespace.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string_view>

#include "collectors/host/files.hpp"

namespace doctor::host {

/// Ports that the process itself listens on; empty when they cannot all be told.
/// `process` is /proc/PID.
std::set<std::uint16_t> ports_of(HostFiles& files, const Place& process);

/// Connections at a local port by state, IPv4 and IPv6 together, or the reason why they are not all
/// known: a part would look like a smaller number.
Result<std::map<std::string_view, std::uint64_t>> connections_at(HostFiles& files,
                                                                 const Place& process,
                                                                 std::uint16_t port);

}  // namespace doctor::host
