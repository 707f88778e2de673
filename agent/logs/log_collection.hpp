// LogCollection: the log files of one cluster that are on this host, into the stream. Loop thread
// only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/logs/log_watch.hpp"
#include "model/limits.hpp"
#include "model/stream.hpp"

namespace doctor {

class LogCollection {
 public:
  using Emit = std::function<void(StreamItem)>;

  LogCollection(ClusterIndex cluster, const std::vector<std::string>& globs, const Limits& limits,
                Emit emit);

  /// Until it is cancelled.
  boost::asio::awaitable<void> loop();

 private:
  void step(TimestampMs now);

  ClusterIndex cluster_;
  Emit emit_;
  std::vector<std::unique_ptr<LogWatch>> watches_;
};

}  // namespace doctor
