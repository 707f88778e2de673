#include "agent/recording/encoder.hpp"

#include <bit>

namespace doctor {

bool Encoder::is_full() const {
  return texts_.size() > format::kTextsMax || shared_bytes_ > format::kSharedBytesMax ||
         columns_.size() > format::kColumnsMax;
}

void Encoder::forget() {
  texts_.clear();
  described_.clear();
  shared_.clear();
  shared_bytes_ = 0;
  columns_.clear();
}

void Encoder::put_number(std::uint64_t number) {
  while (number >= 0x80U) {
    bytes_.push_back(static_cast<char>((number & 0x7FU) | 0x80U));
    number >>= 7U;
  }
  bytes_.push_back(static_cast<char>(number));
}

void Encoder::put_bits(std::uint64_t bits) {
  for (unsigned byte = 0; byte < 8; ++byte) {
    bytes_.push_back(static_cast<char>((bits >> (8 * byte)) & 0xFFU));
  }
}

/// 0: what follows, which takes the next place; 1: what follows, too long to take one; else
/// place + 2.
void Encoder::put_text(std::string_view text) {
  const bool is_kept = text.size() <= format::kTextKeptBytesMax;
  if (is_kept) {
    const auto [place, is_new] = texts_.try_emplace(std::string(text), texts_.size());
    if (!is_new) return put_number(place->second + 2);
  }
  put_number(is_kept ? 0 : 1);
  put_number(text.size());
  bytes_.append(text);
}

void Encoder::put_batch(const Batch& batch) {
  const auto& [source, at, layout, values] = batch;
  describe<Batch>();
  put(source);
  put(at);
  const std::uint64_t place = put_shared(layout);
  put_number(values.size());
  put_columns(batch, place);
}

/// The bits of each value against those of the value before (XOR: mostly zeros), all highest bytes
/// first, then all next ones, and so on.
void Encoder::put_columns(const Batch& batch, std::uint64_t layout) {
  Columns& before = columns_[{cluster_, batch.source}];
  if (before.layout != layout || before.values.size() != batch.values.size()) {
    before.layout = layout;
    before.values.assign(batch.values.size(), 0.0);
  }
  const std::size_t begin = bytes_.size();
  const std::size_t count = batch.values.size();
  bytes_.resize(begin + 8 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t changed = std::bit_cast<std::uint64_t>(batch.values[i]) ^
                                  std::bit_cast<std::uint64_t>(before.values[i]);
    for (std::size_t plane = 0; plane < 8; ++plane) {
      bytes_[begin + plane * count + i] = static_cast<char>((changed >> (56 - 8 * plane)) & 0xFFU);
    }
  }
  before.values = batch.values;
}

}  // namespace doctor
