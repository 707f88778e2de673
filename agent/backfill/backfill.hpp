// Backfill: what a store knows of one cluster's past, into the stream, before the cluster itself is
// asked. So the judge's time never runs backwards, and trends are known from the first minute.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "agent/backfill/walk.hpp"
#include "agent/view.hpp"
#include "model/stream.hpp"

namespace doctor {

using Emit = std::function<void(StreamItem)>;

/// What a slice tells, in order of time; `after` is called behind each step.
void stream(const query_range::Past& past, ClusterIndex cluster, const Emit& emit,
            const std::function<void(TimestampMs)>& after);

class Backfill {
 public:
  using Say = std::function<void(const std::string& line)>;

  /// `settings` and what `ports` points at must outlive it; `ports.told` is not used.
  Backfill(ClusterIndex cluster, std::string name, const BackfillSettings& settings,
           WalkPorts ports, Emit emit, Say say);

  /// Ends well whatever the store does. `known_until`: what is older needs no asking.
  boost::asio::awaitable<void> run(TimestampMs known_until);
  const BackfillHealth& health() const { return health_; }

 private:
  void told(const query_range::Past& past, double share);
  void ended(const Walked& walked);

  ClusterIndex cluster_;
  const BackfillSettings& settings_;
  WalkPorts ports_;
  Emit emit_;
  Say say_;
  BackfillHealth health_;
  double share_said_{0};
};

}  // namespace doctor
