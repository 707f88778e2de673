// One Prometheus reporter of one Flink process: GET /metrics, keep the selected series, tell the
// process's role by content (flink_jobmanager_… or flink_taskmanager_…), never by port.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/exposition/reader.hpp"
#include "collectors/http.hpp"
#include "collectors/reporter_places.hpp"
#include "collectors/selection.hpp"
#include "collectors/series_index.hpp"
#include "model/batch.hpp"
#include "model/entity.hpp"
#include "model/limits.hpp"
#include "model/source.hpp"

namespace doctor {

struct Scrape {
  Batch batch;
  exposition::ReaderStats stats;
  std::uint64_t series_dropped{};  // over the cap on series or entities
  std::uint64_t
      series_duplicate{};  // one series more than once: the newest attempt, else the first
  std::uint64_t series_unlabelled{};  // a label that places it is missing or malformed
  bool leads{};                       // a JobManager with what only the one that leads tells
  HttpReply reply;
};

/// Pure: takes exposition text, gives a batch. Of series that `known` has only the value is read;
/// the labels of others are read, and placed in the entity table, when finish() is reached: a body
/// that breaks off leaves no trace. Names in the entity table are filtered as the reporter filters
/// them, also when the reporter was told not to.
class ReporterScrape final : public BodySink, private exposition::Sink {
 public:
  /// `selection`, `limits` and `known`, the target's own, must outlive it.
  ReporterScrape(SourceId source, const Selection& selection, const Limits& limits,
                 const EntityTable& entities, SeriesIndex& known);

  Status feed(std::span<const char> window) override;
  /// Error not_flink when nothing in the body was a Flink family. The layout is the one of the
  /// scrape before as long as the keys are the same.
  Result<Scrape> finish(TimestampMs at, EntityTable& entities);

 private:
  /// A new series before its entities exist.
  struct Staged {
    RawKey raw;
    double value;
    std::uint32_t bytes;  // of its series on the wire
    std::uint32_t order;
    ReporterPlaces::Place place;
  };

  bool wants(std::string_view family) override;
  std::size_t expected_bytes() override { return known_.expected_bytes(); }
  bool known(std::string_view series, double value) override;
  void sample(std::string_view family, std::span<const exposition::Label> labels,
              double value) override;
  EntityId process(EntityTable& entities) const;
  std::vector<SeriesIndex::Sighting> newcomers(EntityTable& entities) const;
  std::string what_was_seen() const;

  SourceId source_;
  const Selection& selection_;
  const Limits& limits_;
  SeriesIndex& known_;
  const RawHash& hash_{RawHash::of_process()};
  std::optional<RawKey> raw_;  // of what known() has just refused
  std::uint32_t raw_bytes_{0};
  std::optional<Metric> metric_;  // of the family that wants() was asked about last
  std::string star_;
  bool from_job_manager_{false};
  bool saw_job_manager_{false};
  bool saw_task_manager_{false};
  bool saw_leader_{false};
  std::uint32_t task_manager_{ReporterPlaces::kNoText};  // the first tm_id of what is new
  std::string head_;          // the body's first bytes, to say what it was
  std::string other_family_;  // the first that is not Flink's
  std::vector<Staged> staged_;
  ReporterPlaces places_;
  std::uint64_t dropped_{0};
  std::uint64_t unlabelled_{0};
  exposition::Reader reader_;
};

/// One GET and its parse. `selection`, `limits`, `entities` and `known` must outlive the coroutine.
boost::asio::awaitable<Result<Scrape>> scrape_reporter(Http& http, Endpoint endpoint,
                                                       SourceId source, const Selection& selection,
                                                       const Limits& limits, EntityTable& entities,
                                                       SeriesIndex& known, TimestampMs (*clock)());

}  // namespace doctor
