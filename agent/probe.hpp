// `flink-doctor probe`: rounds of the host probe on a thread of their own, their newest report on
// /metrics. A hanging disk holds neither the page nor the end of the program.
#pragma once

#include <cstdint>
#include <string>

#include "collectors/host/host_probe.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor {

struct ProbeOptions {
  std::string listen_host{"127.0.0.1"};
  std::uint16_t listen_port{9670};
  host::HostRoots roots;
  DurationMs interval_ms{15 * kSecondMs};
  Limits limits;
};

/// One round: its page, and how many Flink processes it saw.
struct ProbeOnce {
  std::string page;
  std::size_t flink_processes{};
  std::uint64_t processes_seen{};
};
ProbeOnce probe_once(const ProbeOptions& options);

/// Until SIGTERM or SIGINT. Fails only before it serves (port taken).
Status run_probe(const ProbeOptions& options);

}  // namespace doctor
