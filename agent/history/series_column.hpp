// SeriesColumn: all series of one metric, each with the features that are kept of that metric: one
// array for each, a row for each series. Arrays grow and shrink by small pieces, so that series
// that come and go leave nothing behind and a growing column is never copied.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "model/batch.hpp"
#include "model/feature.hpp"
#include "model/flat_index.hpp"
#include "model/floors.hpp"
#include "model/raw_ring.hpp"

namespace doctor {

class SeriesColumn {
 public:
  using Row = FlatIndex::Row;
  struct Series {
    EntityId entity{kNoEntity};
    SourceId source{};  // that told `latest`
    Sample latest{};
  };
  enum class Keep : std::uint8_t { all, no_floors };

  /// `features`: a bit for each Feature.
  explicit SeriesColumn(std::uint8_t features);

  std::optional<Row> find(EntityId entity) const;
  /// The same, at once where the row before it was found last: batches of a source come in the
  /// order in which its series were added.
  std::optional<Row> find_next(EntityId entity);
  /// A new series, which is not there yet.
  Row add(EntityId entity, Keep keep = Keep::all);
  /// From now on; what would be kept no longer is forgotten.
  void keep(Row row, Keep keep);
  /// Rows are in another order afterwards. `leaves` is asked once for each.
  template <class Leaves>
  std::size_t erase_if(Leaves leaves);

  std::size_t size() const { return series_.size(); }
  Series& at(Row row) { return series_[row]; }
  const Series& at(Row row) const { return series_[row]; }
  /// To every feature that is kept.
  void add_sample(Row row, const Sample& sample);

  // Null for what is not kept; floors also before their first sample.
  const RawRing* raw(Row row) const { return in(raw_, row); }
  const Plateaus* plateaus(Row row) const { return in(plateaus_, row); }
  const Floors* floors(Row row) const { return floors_ ? (*floors_)[row].floors.get() : nullptr; }
  const MinuteRises* minutes(Row row) const { return in(minutes_, row); }
  const Moves* moves(Row row) const { return in(moves_, row); }
  Plateaus* plateaus(Row row) { return plateaus_ ? &(*plateaus_)[row] : nullptr; }
  void restore(Row row, const Floors& floors);

 private:
  /// The largest of all features, and of many series nobody asks for it: made when it is needed.
  struct KeptFloors {
    std::unique_ptr<Floors> floors;
    Keep keep{Keep::all};
  };
  template <class T>
  using Array = std::optional<std::deque<T>>;
  template <class T>
  static const T* in(const Array<T>& array, Row row) {
    return array ? &(*array)[row] : nullptr;
  }
  template <class Visit>
  void each_array(Visit visit);
  void add_floor(Row row, const Sample& sample);
  void remove(Row row);
  void index();

  std::deque<Series> series_;
  Array<RawRing> raw_;
  Array<Plateaus> plateaus_;
  Array<KeptFloors> floors_;
  Array<MinuteRises> minutes_;
  Array<Moves> moves_;
  FlatIndex rows_;  // by entity
  Row next_{0};     // behind the one that was found last
};

template <class Leaves>
std::size_t SeriesColumn::erase_if(Leaves leaves) {
  const std::size_t before = size();
  for (Row row = 0; row < size();) {
    if (leaves(row)) {
      remove(row);
    } else {
      ++row;
    }
  }
  if (size() != before) index();
  return before - size();
}

}  // namespace doctor
