#include "collectors/raw_key.hpp"

#include <bit>
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

std::array<std::uint64_t, 4> random_seed() {
  std::random_device device;
  std::array<std::uint64_t, 4> seed{};
  for (std::uint64_t& word : seed) {
    word = (static_cast<std::uint64_t>(device()) << 32U) | device();
  }
  return seed;
}

}  // namespace

/// xoshiro256** (Blackman, Vigna) makes the long key of the short seed.
RawHash::RawHash(std::array<std::uint64_t, 4> seed) {
  for (std::uint64_t& word : key_) {
    word = std::rotl(seed[1] * 5, 7) * 9;
    const std::uint64_t shifted = seed[1] << 17U;
    seed[2] ^= seed[0];
    seed[3] ^= seed[1];
    seed[1] ^= seed[2];
    seed[0] ^= seed[3];
    seed[2] ^= shifted;
    seed[3] = std::rotl(seed[3], 45);
  }
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
