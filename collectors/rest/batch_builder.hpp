// Makes the batch of one poll out of many answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "collectors/rest/parse.hpp"

namespace doctor::rest {

class BatchBuilder {
 public:
  BatchBuilder(SourceId source, std::size_t series_max)
      : source_(source), series_max_(series_max) {}

  /// Drops what a poll that did not end well has gathered.
  void begin_round() { gathered_.clear(); }
  void add(KeyedValues values);
  /// nullopt when there is nothing to tell. The JobManager goes on answering with what it fetched
  /// last, without a date: an entity whose clock (CPU time of a process; busy, backpressured and
  /// idle time of a task) stands still since the last batch was not read anew and is left out.
  std::optional<Batch> finish(TimestampMs at, const EntityTable& entities);
  std::uint64_t dropped() const { return dropped_; }
  /// How long no clock at all has moved, though clocks were read: one process that hangs keeps the
  /// JobManager from fetching anything (FLINK-29134). 0 while any moves or none is read for long.
  DurationMs still_ms(TimestampMs now) const { return moved_at_ == 0 ? 0 : now - moved_at_; }

 private:
  void drop_stale(TimestampMs at, const EntityTable& entities);

  SourceId source_;
  std::size_t series_max_;
  KeyedValues gathered_;
  std::unordered_map<EntityId, double> clocks_;
  TimestampMs moved_at_{0};
  TimestampMs read_at_{0};
  std::shared_ptr<const Layout> layout_;
  std::uint64_t dropped_{0};
};

}  // namespace doctor::rest
