// A stretch of the past: what a store's answers tell of it, as columns of equal steps, and what
// comes of that for the stream. Series are those of reporters and of our own probes, with the
// store's labels added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/probe.hpp"
#include "collectors/query_range/matrix.hpp"
#include "collectors/reporter_places.hpp"
#include "collectors/selection.hpp"
#include "model/batch.hpp"
#include "model/event.hpp"
#include "model/limits.hpp"

namespace doctor::query_range {

struct Span {
  TimestampMs from{};
  DurationMs step{};
  std::size_t steps{};
  TimestampMs at(std::size_t i) const { return from + static_cast<DurationMs>(i) * step; }
  TimestampMs end() const { return at(steps); }  // not included
};

/// What holds from one slice to the next.
struct Acquaintance {
  std::unordered_map<std::uint64_t, TimestampMs> series;  // hash of the labels → when first seen
  std::set<std::string> jobs;                             // ids
  std::map<EntityId, std::shared_ptr<const Layout>> layouts;  // by process
  TimestampMs data_began{0};
};

/// A slice whose series have found their places. Batches of one process each, of
/// history_source(process).
class Past {
 public:
  const Span& span() const { return span_; }
  /// Of jobs whose id shows up while the store has been telling of the cluster; in order.
  const std::vector<Event>& submissions() const { return submissions_; }
  /// Of TaskManagers: the hosts that their labels name.
  const std::map<EntityId, std::string>& hosts() const { return hosts_; }
  /// Without processes of which nothing is told at that step.
  std::vector<Batch> batches(std::size_t step) const;
  std::uint64_t samples() const { return samples_; }
  std::uint64_t series_dropped() const { return dropped_; }

 private:
  friend class Slice;
  using Column = std::vector<double>;  // kAbsent where nothing is told
  struct Process {
    std::shared_ptr<const Layout> layout;
    /// By key: of several that are told at a step the last counts.
    std::vector<std::vector<std::size_t>> candidates;
  };

  Span span_;
  std::vector<Column> columns_;
  std::vector<Process> processes_;
  std::vector<Event> submissions_;
  std::map<EntityId, std::string> hosts_;
  std::uint64_t samples_{0};
  std::uint64_t dropped_{0};
};

class Slice final : public MatrixSink {
 public:
  /// `selection` and `limits` must outlive it.
  Slice(Span span, const Selection& selection, const Limits& limits);

  /// ErrorCode::too_large when the span is too long for so many series.
  Status series(std::span<const exposition::Label> labels) override;
  void sample(TimestampMs at, double value) override;

  /// All answers are in.
  Past finish(Acquaintance& known, EntityTable& entities) &&;

 private:
  struct Sighting {
    ReporterPlaces::Place place;
    std::uint64_t labels{};  // their hash
    std::string job_name, host;
    std::size_t first{};  // step of the first sample
    TimestampMs begun{};  // of all slices
    SeriesKey key{};
    EntityId process{kNoEntity};
    bool from_job_manager{false};
    std::optional<ProbePlace> probe;  // of whose series it is
  };

  std::optional<Sighting> sighting_of(std::string_view family,
                                      std::span<const exposition::Label> labels);
  void place(EntityTable& entities, Past& past);
  void place_probes(EntityTable& entities, Past& past);
  void arrange(Acquaintance& known, Past& past);
  void note_submissions(Acquaintance& known, Past& past) const;

  Span span_;
  const Selection& selection_;
  const Limits& limits_;
  ReporterPlaces places_;
  ProbeFamilies probes_;
  std::vector<Sighting> sightings_;  // one for each column
  std::vector<Past::Column> columns_;
  bool takes_{false};  // the series that began last
  std::uint64_t samples_{0};
  std::uint64_t dropped_{0};
};

}  // namespace doctor::query_range
