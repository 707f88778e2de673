// One of a group that stands out upwards from its peers, on a log scale, so that distances are
// ratios. The scale is the peers' own spread, drawn towards that of a healthy group: the MAD of a
// few values alone makes one group in ten "anomalous" (measured: 8 to 12 % for four to eight peers
// at 3.5). Two and three values have no spread worth the name: for them only the ratio counts.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace doctor {

struct Peer {
  double log_value{};
  /// Variance of log_value that comes from counting: 1 / (1 + events) for a Poisson count.
  double noise{0};
};

struct PeerStand {
  double ratio{1};    // to the median of the others
  double distance{};  // from the median, in spreads
};

/// Spread of healthy subtasks: a seventh up or down.
double healthy_spread();

/// In the order of `peers`. O(n log n).
std::vector<PeerStand> stands_of(std::span<const Peer> peers);

/// By what ratio one of so many must exceed the others.
double peer_ratio_min(std::size_t peers);

/// Far enough for a group of that size: one look at healthy peers is wrong less than once in 10,000
/// for normal spreads of 15 %. With heavy tails (Student's t of 5) it is .2 % for four peers and 3
/// % for 128, so one look is never enough.
bool stands_out(const PeerStand& stand, std::size_t peers);

/// Indexes of those that stand out in the whole and, less far, in each of its parts: a burst stands
/// out of the whole too, but only in one part. Parts hold the same peers in the same order.
std::vector<std::size_t> persistent_outliers(std::span<const Peer> whole,
                                             std::span<const std::vector<Peer>> parts);

}  // namespace doctor
