// FlatIndex: which row something stands in, by a hash of what it is. Four bytes a slot and nothing
// else: what is hashed stands in the rows. Linear probing, at most two thirds full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doctor {

class FlatIndex {
 public:
  using Row = std::uint32_t;
  static constexpr Row kNone = 0xFFFFFFFFU;

  /// The row with that hash for which `is` says so, or kNone.
  template <class Is>
  Row find(std::uint64_t hash, Is is) const {
    if (slots_.empty()) return kNone;
    for (std::size_t slot = slot_of(hash);; slot = after(slot)) {
      const Row row = slots_[slot];
      if (row == kNone || is(row)) return row;
    }
  }
  /// A row that is not there yet. False: there is no room, rebuild() makes some.
  bool add(std::uint64_t hash, Row row) {
    if (3 * (row + std::size_t{1}) > 2 * slots_.size()) return false;
    put(hash, row);
    return true;
  }
  /// A row that is there. `hash_of` of every row must still be what it was when that was added.
  template <class HashOf>
  void remove(Row row, HashOf hash_of) {
    std::size_t hole = slot_of(hash_of(row));
    while (slots_[hole] != row) hole = after(hole);
    // Whatever was put behind it for want of its own slot moves up.
    for (std::size_t slot = after(hole); slots_[slot] != kNone; slot = after(slot)) {
      const std::size_t home = slot_of(hash_of(slots_[slot]));
      const bool stays = hole < slot ? hole < home && home <= slot : hole < home || home <= slot;
      if (stays) continue;
      slots_[hole] = slots_[slot];
      hole = slot;
    }
    slots_[hole] = kNone;
  }
  /// All rows below `rows`, with room for `rows_max`.
  template <class HashOf>
  void rebuild(std::size_t rows, std::size_t rows_max, HashOf hash_of) {
    slots_ = std::vector<Row>(rows_max + rows_max / 2 + 1, kNone);
    for (Row row = 0; row < rows; ++row) put(hash_of(row), row);
  }

 private:
  std::size_t after(std::size_t slot) const { return slot + 1 == slots_.size() ? 0 : slot + 1; }
  std::size_t slot_of(std::uint64_t hash) const {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
    const std::uint64_t mixed = (hash * kOdd) >> 32U;
    return static_cast<std::size_t>((mixed * slots_.size()) >> 32U);
  }
  void put(std::uint64_t hash, Row row) {
    std::size_t slot = slot_of(hash);
    while (slots_[slot] != kNone) slot = after(slot);
    slots_[slot] = row;
  }

  std::vector<Row> slots_;
};

}  // namespace doctor
