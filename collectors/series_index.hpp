// What one reporter showed at its last good scrape: which raw bytes are which series, where each
// stands in the layout, and a column for the values of the scrape that runs. One per target, kept
// from scrape to scrape. A scrape stages values here; they become a batch only at commit(), else
// the next begin() forgets them. Holds exactly what the last committed body held, so that attempts
// that come and go leave nothing behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "collectors/raw_key.hpp"
#include "model/batch.hpp"
#include "model/entity.hpp"
#include "model/flat_index.hpp"
#include "model/metric.hpp"

namespace doctor {

class SeriesIndex {
 public:
  /// One sample of the body whose series is placed.
  struct Sighting {
    RawKey raw;
    SeriesKey series;
    EntityId process{kNoEntity};  // that its labels name
    std::int32_t attempt{};       // of one series the newest counts
    std::uint32_t order{};        // in the body, from next_order()
    std::uint32_t bytes{};        // what `raw` was made of
    double value{};               // as exposed
  };
  struct Commit {
    Batch batch;
    std::uint64_t duplicate{};  // samples of a series that another sample stands for
  };

  /// A scrape begins. What refers to entities that were released meanwhile is new again.
  void begin(const EntityTable& entities);
  /// False when `raw` is not known: then it may be given to commit(). A second sample of the same
  /// bytes is counted, and its value ignored.
  bool stage(const RawKey& raw, double value);
  std::uint32_t next_order() { return ++order_; }
  /// Of the series that stood behind the last staged one in the last body; 0 when none did.
  std::size_t expected_bytes() const {
    return expected_ < entries_.size() ? entries_[expected_].bytes : 0;
  }

  /// Known series staged since begin().
  std::size_t seen() const { return seen_; }

  /// The body ended well. `newcomers` were placed after begin(). The process of the layout is the
  /// first in the body that a sample's labels name, else `process`.
  Commit commit(SourceId source, TimestampMs at, EntityId process, std::vector<Sighting> newcomers,
                const EntityTable& entities);

  /// Of the last committed body.
  const std::shared_ptr<const Layout>& layout() const { return layout_; }
  /// Raw keys held: one per series, and one for each duplicate.
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    RawKey raw;
    double value;         // staged
    std::uint32_t order;  // staged; 0 = not seen in this body
    std::uint32_t place;  // in the layout
    std::uint32_t bytes;
    std::int32_t attempt;
    EntityId process;
  };
  static constexpr std::uint32_t kNone = FlatIndex::kNone;

  std::uint32_t find(const RawKey& raw) const;
  void drop_released(const EntityTable& entities);
  void index();
  void rebuild(SourceId source, EntityId process, std::vector<Sighting> sightings);
  std::vector<double> values(std::uint64_t& duplicate);

  std::vector<Entry> entries_;          // in the order of the body, which seldom changes
  FlatIndex rows_;                      // of entries, by their raw keys
  std::vector<std::uint32_t> winners_;  // by place: the entry whose value counts
  std::shared_ptr<const Layout> layout_;
  std::uint64_t releases_{0};  // of the entity table, when all entries were last known to stand
  std::size_t expected_{0};    // the entry after the one found last
  std::size_t seen_{0};
  std::uint64_t repeated_{0};
  std::uint32_t order_{0};
  EntityId process_{kNoEntity};  // of the first sample whose labels name one
  std::uint32_t process_order_{0};
  bool incomplete_{false};  // entries of the layout were dropped
};

}  // namespace doctor
