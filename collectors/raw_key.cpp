#include "collectors/raw_key.hpp"

#include <cassert>
#include <cstring>
#include <random>

namespace doctor {
namespace {

__extension__ using Wide = unsigned __int128;  // 64 × 64 bits in one instruction

constexpr std::size_t kBlockBytes = 16;

/// One block's part of the sum.
Wide product(const char* block, const std::uint64_t* key) {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::memcpy(&first, block, sizeof first);
  std::memcpy(&second, block + sizeof first, sizeof second);
  return static_cast<Wide>(first + key[0]) * (second + key[1]);
}

RawHash::Seed random_seed() {
  std::random_device device;
  RawHash::Seed seed{};
  for (std::uint32_t& word : seed) word = device();
  return seed;
}

}  // namespace

RawHash::RawHash(const Seed& seed) {
  std::seed_seq sequence(seed.begin(), seed.end());
  std::mt19937_64 random(sequence);
  for (std::uint64_t& word : key_) word = random();
}

const RawHash& RawHash::of_process() {
  static const RawHash hash(random_seed());
  return hash;
}

/// The last block overlaps the one before, so that no byte beyond the text is read; with the length
/// added, two texts never give the same words.
RawKey RawHash::operator()(std::string_view text) const {
  assert(text.size() <= kTextBytesMax);
  const std::uint64_t* key = key_.data();
  const char* at = text.data();
  std::size_t left = text.size();
  Wide even = left;
  Wide odd = 0;
  for (; left >= 2 * kBlockBytes; left -= 2 * kBlockBytes, at += 2 * kBlockBytes, key += 4) {
    even += product(at, key);
    odd += product(at + kBlockBytes, key + 2);
  }
  if (left >= kBlockBytes) {
    even += product(at, key);
    left -= kBlockBytes, at += kBlockBytes, key += 2;
  }
  if (left > 0 && text.size() >= kBlockBytes) {
    odd += product(at + left - kBlockBytes, key);
  } else if (left > 0) {
    std::array<char, kBlockBytes> last{};
    std::memcpy(last.data(), at, left);
    odd += product(last.data(), key);
  }
  const Wide sum = even + odd;
  return {static_cast<std::uint64_t>(sum >> 64U), static_cast<std::uint64_t>(sum)};
}

}  // namespace doctor
