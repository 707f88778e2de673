// The TCP sockets of a network namespace, /proc/PID/net/tcp and tcp6 (proc_net(5)).
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace doctor::host {

struct ListeningSocket {
  std::uint16_t port{};
  std::uint64_t inode{};  // /proc/PID/fd says of whose process: "socket:[inode]"
};

/// Sockets whose own end is `port`, by state: "established", "syn_recv", "time_wait", …; what
/// listens is not a connection and is left out. Adds to `counts`; lines that are none are skipped.
void count_connections(std::string_view table, std::uint16_t port,
                       std::map<std::string_view, std::uint64_t>& counts);

std::vector<ListeningSocket> listening_sockets(std::string_view table);

}  // namespace doctor::host
