// `flink-doctor probe`: rounds of the host probe on a thread of their own, their newest report on
// /metrics. A hanging disk holds neither the page nor the end of the program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "collectors/host/host_probe.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor {

class ProbeState;

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

/// The same rounds inside another program, for the processes of this machine.
class LocalProbe {
 public:
  explicit LocalProbe(const ProbeOptions& options);
  ~LocalProbe();
  LocalProbe(const LocalProbe&) = delete;
  LocalProbe& operator=(const LocalProbe&) = delete;
  /// The newest round's page; empty before the first has ended.
  std::string page() const;

 private:
  std::shared_ptr<ProbeState> state_;
};

/// Until SIGTERM or SIGINT. Fails only before it serves (port taken).
Status run_probe(const ProbeOptions& options);

}  // namespace doctor
