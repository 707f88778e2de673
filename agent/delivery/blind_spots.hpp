// Blind spots: which detectors of a cluster cannot do all they could with the sources it has, what
// they do not see, and what opens that eye.
#pragma once

#include <string>
#include <vector>

#include "agent/capability.hpp"
#include "agent/view.hpp"

namespace doctor {

struct BlindSpot {
  std::string detector;
  /// Judges: some jobs or processes are out of its sight, as its report says.
  Capability capability{};
  std::string unseen;               // what its sources do not tell; empty when it said so itself
  std::vector<std::string> enable;  // Flink's options, or ("--", "clusters[]") ours
};

/// In the order of the detectors. None while the cluster does not answer.
std::vector<BlindSpot> blind_spots(const ClusterView& cluster);

/// Whether a line of `enable` is for flink-doctor and not for Flink.
bool is_for_us(const std::string& line);

}  // namespace doctor
