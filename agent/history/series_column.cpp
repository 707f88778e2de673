#include "agent/history/series_column.hpp"

#include <algorithm>
#include <utility>

namespace doctor {
namespace {

constexpr SeriesColumn::Row kNone = 0xFFFFFFFFU;
constexpr DurationMs kRawApartMs = 12 * kSecondMs;  // 32 of them are six minutes and more

template <class Array>
void open_if(std::uint8_t features, Feature feature, Array& array) {
  if (((features >> static_cast<unsigned>(feature)) & 1U) != 0) array.emplace();
}

}  // namespace

SeriesColumn::SeriesColumn(std::uint8_t features) {
  open_if(features, Feature::raw, raw_);
  open_if(features, Feature::plateaus, plateaus_);
  open_if(features, Feature::floors, floors_);
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

SeriesColumn::Row SeriesColumn::add(EntityId entity) {
  const auto row = static_cast<Row>(size());
  each_array([](auto& array) { array.emplace_back(); });
  series_.back().entity = entity;
  if (3 * size() > 2 * slots_.size()) {
    index();
    return row;
  }
  std::size_t slot = slot_of(entity);
  while (slots_[slot] != kNone) slot = slot + 1 == slots_.size() ? 0 : slot + 1;
  slots_[slot] = row;
  return row;
}

void SeriesColumn::add_sample(Row row, const Sample& sample) {
  series_[row].latest = sample;
  if (raw_) (*raw_)[row].push_apart(sample, kRawApartMs);
  if (plateaus_) (*plateaus_)[row].add(sample);
  if (floors_) (*floors_)[row].add(sample);
  if (minutes_) (*minutes_)[row].add(sample);
  if (moves_) (*moves_)[row].add(sample);
}

/// The last one takes its place.
void SeriesColumn::remove(Row row) {
  const bool is_last = row + 1U == size();
  each_array([&](auto& array) {
    if (!is_last) array[row] = std::move(array.back());
    array.pop_back();
  });
}

// --- the index: linear probing

std::size_t SeriesColumn::slot_of(EntityId entity) const {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
  const std::uint64_t mixed = (entity * kOdd) >> 32U;
  return static_cast<std::size_t>((mixed * slots_.size()) >> 32U);
}

std::optional<SeriesColumn::Row> SeriesColumn::find(EntityId entity) const {
  if (slots_.empty()) return std::nullopt;
  for (std::size_t slot = slot_of(entity);; slot = slot + 1 == slots_.size() ? 0 : slot + 1) {
    const Row row = slots_[slot];
    if (row == kNone) return std::nullopt;
    if (series_[row].entity == entity) return row;
  }
}

/// Half full, so that the next ones find room.
void SeriesColumn::index() {
  slots_ = std::vector<Row>(2 * size() + 1, kNone);
  for (Row row = 0; row < size(); ++row) {
    std::size_t slot = slot_of(series_[row].entity);
    while (slots_[slot] != kNone) slot = slot + 1 == slots_.size() ? 0 : slot + 1;
    slots_[slot] = row;
  }
}

}  // namespace doctor
