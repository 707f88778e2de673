// Backfill: what a store knows of one cluster's past, into the stream, before the cluster itself is
// asked. So the judge's time never runs backwards, and trends are known from the first minute.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "agent/backfill/walk.hpp"
#include "agent/view.hpp"
#include "model/facts.hpp"
#include "model/stream.hpp"

namespace doctor {

using Emit = std::function<void(StreamItem)>;

/// What a slice tells and when jobs were submitted, in order of time; `after` is called behind each
/// step.
void stream(const query_range::Past& past, std::span<const Event> submissions, ClusterIndex cluster,
            const Emit& emit, const std::function<void(TimestampMs)>& after);

class Backfill {
 public:
  using Say = std::function<void(const std::string& line)>;

  /// `settings` and what `ports` points at must outlive it; `ports.told` is not used.
  Backfill(ClusterIndex cluster, std::string name, const BackfillSettings& settings,
           WalkPorts ports, Emit emit, Say say);

  /// Ends well whatever the store does. `known_until`: what is older needs no asking. `listed`: the
  /// jobs that Flink lists now. A store that is told every 15 s does not see those that are over by
  /// then.
  boost::asio::awaitable<void> run(TimestampMs known_until, std::vector<JobSummary> listed = {});
  const BackfillHealth& health() const { return health_; }

 private:
  void told(const query_range::Past& past, double share);
  std::vector<Event> listed_until(TimestampMs at);
  void ended(const Walked& walked);

  ClusterIndex cluster_;
  const BackfillSettings& settings_;
  WalkPorts ports_;
  Emit emit_;
  Say say_;
  BackfillHealth health_;
  double share_said_{0};
  std::vector<Event> listed_;   // submissions, oldest first, …
  std::size_t listed_told_{0};  // … so many of which were told
};

}  // namespace doctor
