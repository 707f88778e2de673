// IdleWires: connections whose last exchange ended cleanly, kept for the next question to the same
// peer (RFC 9112, 9.3): no connection and no TLS handshake per question, for the patient least of
// all. Loop thread only; the loop outlives it.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>

#include "agent/net/wire.hpp"

namespace doctor {

class IdleWires {
 public:
  using Clock = std::chrono::steady_clock;

  /// As many as the process can spare descriptors for.
  IdleWires();
  explicit IdleWires(std::size_t count_max) : count_max_(count_max) {}

  /// One that leads to one of `addresses` in the way that is asked for now, and over which nothing
  /// came since; null: there is none.
  std::unique_ptr<Wire> take(const Endpoint& endpoint, const Resolver::Addresses& addresses,
                             const TlsContext& context, Clock::time_point now);
  /// Over `count_max` the new one is closed: with more peers than that, those that have one would
  /// only lose it to each other.
  void give(std::unique_ptr<Wire> wire, Clock::time_point now);
  std::size_t size() const { return idle_.size(); }

 private:
  struct Idle {
    std::unique_ptr<Wire> wire;
    Clock::time_point since;
  };
  void drop_old(Clock::time_point now);

  std::size_t count_max_;
  std::list<Idle> idle_;  // the longest idle first
};

}  // namespace doctor
