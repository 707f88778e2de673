#include "agent/config/shard.hpp"

#include <charconv>
#include <optional>

#include "model/hash.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

/// Vigna's SplitMix64: FNV-1a alone tells texts that differ in their last digit hardly apart in its
/// high bits.
constexpr std::uint64_t stirred(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31U);
}

std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, number);
  if (text.empty() || fault != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

}  // namespace

std::uint32_t shard_of(std::string_view cluster, std::uint32_t count) {
  const std::uint64_t named = fnv1a("/", fnv1a(cluster));
  std::uint32_t best = 0;
  std::uint64_t best_score = 0;
  for (std::uint32_t k = 0; k < count; ++k) {
    const std::uint64_t score = stirred(fnv1a(std::to_string(k), named));
    if (k > 0 && score <= best_score) continue;
    best = k;
    best_score = score;
  }
  return best;
}

std::string Shard::text() const { return std::to_string(index) + "/" + std::to_string(count); }

bool Shard::takes(std::string_view cluster) const { return shard_of(cluster, count) == index; }

Result<Shard> parse_shard(std::string_view text, std::string_view host_name) {
  const std::size_t slash = text.find('/');
  const std::string_view first = text.substr(0, slash);
  std::uint32_t count = 0;
  if (slash != std::string_view::npos) count = number_in(text.substr(slash + 1)).value_or(0);
  const bool is_auto = first == "auto";
  const std::size_t dash = host_name.rfind('-');
  std::optional<std::uint32_t> index = number_in(first);
  if (is_auto && dash != std::string_view::npos) index = number_in(host_name.substr(dash + 1));
  if (is_auto && !index) {
    return invalid("--shard auto/N takes the ordinal of a StatefulSet's pod, and the host name \"" +
                   printable(host_name, 80) + "\" does not end with one");
  }
  if (!index || count == 0 || count > Shard::kCountMax) {
    return invalid("--shard \"" + printable(text, 40) + "\" is not K/N or auto/N, such as 0/3");
  }
  if (*index >= count) {
    return invalid("--shard: there is no shard " + std::to_string(*index) + " of " +
                   std::to_string(count) + "; they are counted from 0");
  }
  return Shard{*index, count};
}

}  // namespace doctor
