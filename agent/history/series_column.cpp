#include "agent/history/series_column.hpp"

#include <algorithm>
#include <utility>

namespace doctor {
namespace {

constexpr DurationMs kRawApartMs = 12 * kSecondMs;  // 32 of them are six minutes and more

template <class Array>
void open_if(std::uint8_t features, Feature feature, Array& array) {
  if (((features >> static_cast<unsigned>(feature)) & 1U) != 0) array.emplace();
}

/// Where a counter is kept by the minute, its floors are of its rate (per second, over five
/// minutes): what it has counted up to says little, and begins anew with every attempt.
std::optional<Sample> sample_of_floor(const MinuteRises* minutes, const Sample& sample) {
  if (minutes == nullptr) return sample;
  const TimestampMs end = sample.at / kMinuteMs * kMinuteMs;
  const auto rate = minutes->per_second(end - 5 * kMinuteMs, end);
  if (!rate) return std::nullopt;
  return Sample{sample.at, *rate};
}

}  // namespace

SeriesColumn::SeriesColumn(std::uint8_t features) {
  open_if(features, Feature::raw, raw_);
  open_if(features, Feature::plateaus, plateaus_);
  open_if(features, Feature::floors, floors_);
  if (!floors_) open_if(features, Feature::source_floors, floors_);
  open_if(features, Feature::minutes, minutes_);
  open_if(features, Feature::moves, moves_);
}

template <class Visit>
void SeriesColumn::each_array(Visit visit) {
  visit(series_);
  if (raw_) visit(*raw_);
  if (plateaus_) visit(*plateaus_);
  if (floors_) visit(*floors_);
  if (minutes_) visit(*minutes_);
  if (moves_) visit(*moves_);
}

SeriesColumn::Row SeriesColumn::add(EntityId entity, Keep keep) {
  const auto row = static_cast<Row>(size());
  each_array([](auto& array) { array.emplace_back(); });
  series_.back().entity = entity;
  if (floors_) floors_->back().keep = keep;
  if (!rows_.add(entity, row)) index();
  return row;
}

void SeriesColumn::add_sample(Row row, const Sample& sample) {
  series_[row].latest = sample;
  if (raw_) (*raw_)[row].push_apart(sample, kRawApartMs);
  if (plateaus_) (*plateaus_)[row].add(sample);
  if (minutes_) (*minutes_)[row].add(sample);
  if (floors_) add_floor(row, sample);
  if (moves_) (*moves_)[row].add(sample);
}

void SeriesColumn::add_floor(Row row, const Sample& sample) {
  KeptFloors& kept = (*floors_)[row];
  if (kept.keep == Keep::no_floors) return;
  const std::optional<Sample> value = sample_of_floor(minutes(row), sample);
  if (!value) return;
  if (!kept.floors) kept.floors = std::make_unique<Floors>();
  kept.floors->add(*value);
}

void SeriesColumn::keep(Row row, Keep keep) {
  if (!floors_) return;
  KeptFloors& kept = (*floors_)[row];
  kept.keep = keep;
  if (keep == Keep::no_floors) kept.floors.reset();
}

void SeriesColumn::restore(Row row, const Floors& floors) {
  if (!floors_ || floors.empty()) return;
  (*floors_)[row].floors = std::make_unique<Floors>(floors);
}

/// The last one takes its place.
void SeriesColumn::remove(Row row) {
  const bool is_last = row + 1U == size();
  each_array([&](auto& array) {
    if (!is_last) array[row] = std::move(array.back());
    array.pop_back();
  });
}

std::optional<SeriesColumn::Row> SeriesColumn::find(EntityId entity) const {
  const Row row = rows_.find(entity, [&](Row at) { return series_[at].entity == entity; });
  if (row == FlatIndex::kNone) return std::nullopt;
  return row;
}

std::optional<SeriesColumn::Row> SeriesColumn::find_next(EntityId entity) {
  if (next_ < size() && series_[next_].entity == entity) return next_++;
  const std::optional<Row> row = find(entity);
  if (row) next_ = *row + 1;
  return row;
}

/// With room for a third more.
void SeriesColumn::index() {
  rows_.rebuild(size(), size() + size() / 3 + 1, [&](Row row) { return series_[row].entity; });
}

}  // namespace doctor
