// The /metrics page of `flink-doctor probe`: one round's report as Prometheus series. What is
// absent in the report has no series. The names are a contract, listed in the README.
#pragma once

#include <cstddef>
#include <string>

#include "agent/delivery/process_stats.hpp"
#include "collectors/host/report.hpp"
#include "model/time.hpp"

namespace doctor {

/// How the probe itself does.
struct ProbeHealth {
  std::uint64_t rounds{};
  double round_seconds{};     // of the last one
  TimestampMs round_ended{};  // 0: none yet
  bool stalled{};             // the present round takes far longer than it should
  std::size_t hanging{};      // reads that were left behind
};

struct ProbePageInput {
  const host::HostReport* report{nullptr};  // null before the first round
  ProbeHealth health;
  ProcessStats process;
  std::string version;
  std::size_t series_max{10'000};
};

std::string probe_page(const ProbePageInput& input);

}  // namespace doctor
