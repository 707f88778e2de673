// Shard: which of many clusters an agent watches, when several agents share one configuration. A
// cluster goes to the shard with the highest score (rendezvous hashing): score(k) is the 64-bit
// FNV-1a hash of "NAME/k", k in decimal from 0, stirred by the finalizer of SplitMix64. The same
// everywhere and for ever; with one shard more, only what goes to the new one moves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.hpp"

namespace doctor {

struct Shard {
  static constexpr std::uint32_t kCountMax = 1000;

  std::uint32_t index{0};  // from 0, as the ordinals of a StatefulSet
  std::uint32_t count{1};

  std::string text() const;  // "1/3"
  bool takes(std::string_view cluster) const;
};

/// "1/3", or "auto/3": then the ordinal is what `host_name` ends with, as "flink-doctor-1" does.
Result<Shard> parse_shard(std::string_view text, std::string_view host_name);

std::uint32_t shard_of(std::string_view cluster, std::uint32_t count);

}  // namespace doctor
