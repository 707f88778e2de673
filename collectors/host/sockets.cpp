#include "collectors/host/sockets.hpp"

#include <array>
#include <optional>

#include "collectors/host/lines.hpp"

namespace doctor::host {
namespace {

// include/net/tcp_states.h
constexpr std::array<std::string_view, 13> kStates{
    "",      "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2",   "time_wait",
    "close", "close_wait",  "last_ack", "listen",   "closing",   "new_syn_recv"};
constexpr std::size_t kListen = 10;
constexpr std::size_t kListeningMax = 4096;

struct Socket {
  std::uint16_t port{};
  std::size_t state{};
  std::uint64_t inode{};
};

//   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//    0: 0100007F:17D4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 …
std::optional<Socket> parse_socket(std::string_view line) {
  const auto fields = words(line, 10);
  if (fields.size() < 10 || !fields[0].ends_with(':')) return {};
  const std::size_t colon = fields[1].rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto port = whole<std::uint16_t>(fields[1].substr(colon + 1), 16);
  const auto state = whole<std::size_t>(fields[3], 16);
  const auto inode = whole(fields[9]);
  if (!port || !state || *state == 0 || *state >= kStates.size() || !inode) return {};
  return Socket{*port, *state, *inode};
}

}  // namespace

void count_connections(std::string_view table, std::uint16_t port,
                       std::map<std::string_view, std::uint64_t>& counts) {
  while (!table.empty()) {
    const auto socket = parse_socket(take_line(table));
    if (socket && socket->port == port && socket->state != kListen) {
      ++counts[kStates[socket->state]];
    }
  }
}

std::vector<ListeningSocket> listening_sockets(std::string_view table) {
  std::vector<ListeningSocket> found;
  while (!table.empty() && found.size() < kListeningMax) {
    const auto socket = parse_socket(take_line(table));
    if (socket && socket->state == kListen) found.push_back({socket->port, socket->inode});
  }
  return found;
}

}  // namespace doctor::host
