// SeriesColumn: all series of one metric, each with the features that are kept of that metric: one
// array for each, a row for each series. Arrays grow and shrink by small pieces, so that series
// that come and go leave nothing behind and a growing column is never copied.
#pragma once

#include <cstdint>
#include <deque>
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

  /// `features`: a bit for each Feature.
  explicit SeriesColumn(std::uint8_t features);

  std::optional<Row> find(EntityId entity) const;
  /// A new series, which is not there yet.
  Row add(EntityId entity);
  /// Rows are in another order afterwards. `leaves` is asked once for each.
  template <class Leaves>
  std::size_t erase_if(Leaves leaves);

  std::size_t size() const { return series_.size(); }
  Series& at(Row row) { return series_[row]; }
  const Series& at(Row row) const { return series_[row]; }
  /// To every feature that is kept.
  void add_sample(Row row, const Sample& sample);

  // Null for what is not kept.
  const RawRing* raw(Row row) const { return in(raw_, row); }
  const Plateaus* plateaus(Row row) const { return in(plateaus_, row); }
  const Floors* floors(Row row) const { return in(floors_, row); }
  const MinuteRises* minutes(Row row) const { return in(minutes_, row); }
  const Moves* moves(Row row) const { return in(moves_, row); }
  Plateaus* plateaus(Row row) { return plateaus_ ? &(*plateaus_)[row] : nullptr; }
  Floors* floors(Row row) { return floors_ ? &(*floors_)[row] : nullptr; }

 private:
  template <class T>
  using Array = std::optional<std::deque<T>>;
  template <class T>
  static const T* in(const Array<T>& array, Row row) {
    return array ? &(*array)[row] : nullptr;
  }
  template <class Visit>
  void each_array(Visit visit);
  void remove(Row row);
  void index();

  std::deque<Series> series_;
  Array<RawRing> raw_;
  Array<Plateaus> plateaus_;
  Array<Floors> floors_;
  Array<MinuteRises> minutes_;
  Array<Moves> moves_;
  FlatIndex rows_;  // by entity
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
