#include "detectors/statistics/peer_outlier.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr std::size_t kFew = 4;    // fewer have no spread
constexpr std::size_t kMany = 16;  // more have, by chance, a far one among them

// What a part must show of what the whole shows: less, since it rests on less.
constexpr double kPartShare = 0.7;
constexpr double kPartDistanceMin = 3;

// Two key groups instead of one are exactly twice the records, but for rounding.
constexpr double kRatioSlack = 0.99;

double distance_min(std::size_t peers) { return peers > kMany ? 6 : 5; }

/// Median of sorted values without the one at `rank`. Not for a single value.
double median_without(std::span<const double> sorted, std::size_t rank) {
  const std::size_t left = sorted.size() - 1;
  const auto at = [&](std::size_t i) { return sorted[i < rank ? i : i + 1]; };
  return left % 2 == 1 ? at(left / 2) : (at(left / 2 - 1) + at(left / 2)) / 2;
}

}  // namespace

double healthy_spread() { return std::log(1.15); }

std::vector<PeerStand> stands_of(std::span<const Peer> peers) {
  const std::size_t n = peers.size();
  std::vector<PeerStand> stands(n);
  if (n < 2) return stands;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return peers[a].log_value < peers[b].log_value; });
  std::vector<double> sorted;
  std::vector<double> noises;
  for (const std::size_t i : order) {
    sorted.push_back(peers[i].log_value);
    noises.push_back(peers[i].noise);
  }
  const double center = median(sorted).value();
  const double typical_noise = median(noises).value();
  const double prior = healthy_spread();
  const double spread = n < kFew ? prior : shrunken_sd(sorted, center, prior, 0);
  for (std::size_t rank = 0; rank < n; ++rank) {
    const Peer& peer = peers[order[rank]];
    const double others = median_without(sorted, rank);
    const double from = n < kFew ? others : center;
    stands[order[rank]] = {
        std::exp(peer.log_value - others),
        (peer.log_value - from) / std::sqrt(spread * spread + peer.noise + typical_noise)};
  }
  return stands;
}

double peer_ratio_min(std::size_t peers) {
  if (peers == 2) return 3;
  return peers == 3 || peers > kMany ? 2.5 : 2;
}

bool stands_out(const PeerStand& stand, std::size_t peers) {
  return peers >= 2 && stand.ratio >= kRatioSlack * peer_ratio_min(peers) &&
         stand.distance >= distance_min(peers);
}

std::vector<std::size_t> persistent_outliers(std::span<const Peer> whole,
                                             std::span<const std::vector<Peer>> parts) {
  const std::size_t n = whole.size();
  std::vector<std::size_t> in_parts(n, 0);
  for (const std::vector<Peer>& part : parts) {
    const std::vector<PeerStand> stands = stands_of(part);
    for (std::size_t i = 0; i < std::min(n, stands.size()); ++i) {
      const bool far = stands[i].ratio >= kPartShare * peer_ratio_min(n) &&
                       stands[i].distance >= kPartDistanceMin;
      in_parts[i] += far ? 1 : 0;
    }
  }
  const std::vector<PeerStand> stands = stands_of(whole);
  std::vector<std::size_t> outliers;
  for (std::size_t i = 0; i < n; ++i) {
    if (in_parts[i] == parts.size() && stands_out(stands[i], n)) outliers.push_back(i);
  }
  return outliers;
}

}  // namespace doctor
