// FNV-1a, 64 bits (Fowler, Noll, Vo; the constants of RFC 9923): the same on every machine and in
// every version, as std::hash is not.
#pragma once

#include <cstdint>
#include <string_view>

namespace doctor {

inline constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325U;

/// `state`: of what came before, so that texts can be hashed piece by piece.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t state = kFnvOffset) {
  constexpr std::uint64_t kPrime = 0x100000001b3U;
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * kPrime;
  return state;
}

}  // namespace doctor
