#include "agent/net/idle_wires.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

namespace doctor {
namespace {

/// Longer than the usual scrape interval. Many peers close sooner (Java's HTTP server, which
/// Flink's reporter is, after 30 s), which take() sees.
constexpr std::chrono::seconds kIdleMax{65};
/// A peer behind a name or a load balancer may have moved.
constexpr std::chrono::minutes kLifeMax{5};
constexpr std::size_t kCountMax = 1024;
constexpr std::size_t kDescriptorsShare = 4;  // one in so many of what the process may open

}  // namespace

IdleWires::IdleWires() : count_max_(kCountMax) {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    count_max_ = std::min<std::size_t>(kCountMax, descriptors.rlim_cur / kDescriptorsShare);
  }
}

std::unique_ptr<Wire> IdleWires::take(const Endpoint& endpoint,
                                      const Resolver::Addresses& addresses,
                                      const TlsContext& context, Clock::time_point now) {
  drop_old(now);
  for (auto idle = idle_.begin(); idle != idle_.end();) {
    if (!idle->wire->leads_to(endpoint, addresses, context)) {
      ++idle;
      continue;
    }
    std::unique_ptr<Wire> wire = std::move(idle->wire);
    idle = idle_.erase(idle);
    if (wire->is_quiet()) return wire;
  }
  return nullptr;
}

void IdleWires::give(std::unique_ptr<Wire> wire, Clock::time_point now) {
  drop_old(now);
  if (idle_.size() >= count_max_ || now - wire->connected_at() > kLifeMax) return;
  idle_.push_back({std::move(wire), now});
}

void IdleWires::drop_old(Clock::time_point now) {
  while (!idle_.empty() && now - idle_.front().since > kIdleMax) idle_.pop_front();
}

}  // namespace doctor
