#include "collectors/exposition/plain_end.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__) || defined(__i386__)
#define DOCTOR_HAS_X86
#include <emmintrin.h>
#endif

namespace doctor::exposition {
namespace {

constexpr std::uint64_t kEveryByte = 0x0101010101010101U;
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// The high bit of each byte that is `c`; only the lowest is sure.
std::uint64_t bytes_that_are(char c, std::uint64_t word) {
  const std::uint64_t zero_there = word ^ (kEveryByte * static_cast<unsigned char>(c));
  return (zero_there - kEveryByte) & ~zero_there & kHighBits;
}

inline const char* by_words(const char* at, const char* end) {
  for (; end - at >= 8; at += 8) {
    const std::uint64_t word = word_at(at);
    const std::uint64_t found =
        bytes_that_are('"', word) | bytes_that_are('\\', word) | (word & kHighBits);
    if (found == 0) continue;
    at += std::countr_zero(found) / 8;
    return *at == '"' ? at : nullptr;
  }
  for (; at < end; ++at) {
    if (*at == '"') return at;
    if (*at == '\\' || static_cast<unsigned char>(*at) >= 0x80) return nullptr;
  }
  return nullptr;
}

#ifdef DOCTOR_HAS_X86
__attribute__((target("sse2"))) const char* sse2_plain_end(const char* at, const char* end) {
  const __m128i quotes = _mm_set1_epi8('"');
  const __m128i backslashes = _mm_set1_epi8('\\');
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i special = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(block, quotes), _mm_cmpeq_epi8(block, backslashes)), block);
    const int found = _mm_movemask_epi8(special);  // the high bits, so non-ASCII too
    if (found == 0) continue;
    at += std::countr_zero(static_cast<unsigned>(found));
    return *at == '"' ? at : nullptr;
  }
  return by_words(at, end);
}
#endif

}  // namespace

const char* portable_plain_end(const char* at, const char* end) { return by_words(at, end); }

PlainEnd best_plain_end() {
#ifdef DOCTOR_HAS_X86
  if (__builtin_cpu_supports("sse2")) return sse2_plain_end;
#endif
  return portable_plain_end;
}

}  // namespace doctor::exposition
