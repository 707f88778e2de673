#include "collectors/host/process_sockets.hpp"

#include <array>
#include <string>
#include <vector>

#include "collectors/host/lines.hpp"
#include "collectors/host/sockets.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kTableBytesMax = 8U << 20U;  // some 50,000 sockets
constexpr std::size_t kDescriptorsLookedAt = 4096;
constexpr std::array<std::string_view, 2> kTables{"net/tcp", "net/tcp6"};

std::set<std::uint64_t> socket_inodes(HostFiles& files, const Place& process) {
  constexpr std::string_view kSocket = "socket:[";
  std::set<std::uint64_t> inodes;
  const Place directory = process / "fd";
  const Result<std::vector<std::string>> names = files.list(directory, kDescriptorsLookedAt);
  if (!names) return inodes;
  for (const std::string& name : *names) {
    const Result<std::string> target = files.link(directory / name);
    if (!target || !target->starts_with(kSocket) || !target->ends_with(']')) continue;
    const std::string_view inode = std::string_view(*target).substr(kSocket.size());
    if (const auto number = whole(inode.substr(0, inode.size() - 1))) inodes.insert(*number);
  }
  return inodes;
}

/// Without IPv6 there is no second table, which is as good as an empty one.
Result<std::string> read_table(HostFiles& files, const Place& process, std::string_view table) {
  Result<std::string> content = files.read(process / table, kTableBytesMax);
  const bool no_ipv6 = !content && table == "net/tcp6" && content.error().code == ErrorCode::gone;
  return no_ipv6 ? Result<std::string>(std::string{}) : content;
}

}  // namespace

std::set<std::uint16_t> ports_of(HostFiles& files, const Place& process) {
  std::set<std::uint16_t> ports;
  const std::set<std::uint64_t> own = socket_inodes(files, process);
  if (own.empty()) return {};
  for (const std::string_view table : kTables) {
    const Result<std::string> content = read_table(files, process, table);
    if (!content) return {};  // a part would deny ports that are ours
    for (const ListeningSocket& socket : listening_sockets(*content)) {
      if (own.contains(socket.inode)) ports.insert(socket.port);
    }
  }
  return ports;
}

Result<std::map<std::string_view, std::uint64_t>> connections_at(HostFiles& files,
                                                                 const Place& process,
                                                                 std::uint16_t port) {
  std::map<std::string_view, std::uint64_t> counts;
  for (const std::string_view table : kTables) {
    const Result<std::string> content = read_table(files, process, table);
    if (!content) return content.error();
    count_connections(*content, port, counts);
  }
  return counts;
}

}  // namespace doctor::host
