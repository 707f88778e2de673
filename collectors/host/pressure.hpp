// Pressure stall information (Linux ≥ 4.20, Documentation/accounting/psi.rst): how long tasks
// waited for a resource, in total since boot or since the cgroup was made.
#pragma once

#include <optional>
#include <string_view>

namespace doctor::host {

struct Pressure {
  std::optional<double> waiting_seconds;  // "some": at least one task waited
  std::optional<double> stalled_seconds;  // "full": all of them did
};

/// Of memory.pressure, cpu.pressure, io.pressure.
Pressure parse_pressure(std::string_view text);

}  // namespace doctor::host
