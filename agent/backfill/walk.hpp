// Walk: asks a store for a stretch of the past, slice by slice and a few metrics at a time, in
// order of time. A rest as long as the answer took follows each question, so that the store is
// never kept busy by us; a question that is too much is asked again about half of the time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/backfill/depth.hpp"
#include "agent/backfill/settings.hpp"
#include "collectors/query_range/source.hpp"

namespace doctor {

struct WalkPace {
  DurationMs back_off_ms{kSecondMs};  // before the first repetition; doubles with each
  int tries_max{4};                   // of one question
  DurationMs rest_max_ms{5 * kSecondMs};
};

struct WalkPorts {
  Http* http{};
  const Selection* selection{};
  const Limits* limits{};
  EntityTable* entities{};
  TimestampMs (*clock)(){};
  /// A slice has been read; `share` of the whole is done.
  std::function<void(const query_range::Past& past, double share)> told{};
};

struct Walked {
  Status status{Done{}};
  std::uint64_t samples{0};
  std::uint64_t series_dropped{0};
  DurationMs skipped_ms{0};           // for want of time
  std::vector<std::string> warnings;  // the store's, each once
};

class Walk {
 public:
  /// `settings` and what `ports` points at must outlive it.
  Walk(const BackfillSettings& settings, std::vector<MetricDepth> depths, WalkPorts ports,
       WalkPace pace = {});

  /// Somebody else tells when that job was submitted.
  void knows(const std::string& job) { known_.jobs.insert(job); }

  /// From `from` until before `to`, on the grid of the step. Where the store is too slow for all of
  /// it until `give_up_at`, the newest is read and what is before it skipped. Ends at the first
  /// question that is not answered, and when `give_up_at` has passed; what was told stays.
  boost::asio::awaitable<Walked> run(TimestampMs from, TimestampMs to, TimestampMs give_up_at);

 private:
  query_range::Span next_span(TimestampMs at, TimestampMs to) const;
  TimestampMs next_begin(TimestampMs at, TimestampMs to, TimestampMs give_up_at) const;
  boost::asio::awaitable<query_range::Asked> read(query_range::Span span, TimestampMs now,
                                                  query_range::Slice& slice);
  boost::asio::awaitable<query_range::Asked> ask(const std::string& target,
                                                 query_range::Slice& slice);
  void note(const query_range::Answer& answer);

  const BackfillSettings& settings_;
  std::vector<MetricDepth> depths_;
  WalkPorts ports_;
  WalkPace pace_;
  DurationMs slice_ms_;
  TimestampMs walking_since_{0};
  DurationMs read_ms_{0};  // of the past, since then
  query_range::Acquaintance known_;
  Walked walked_;
};

}  // namespace doctor
