#include <vector>

#include "tests/detection/baselines/baselines.hpp"

namespace doctor::detection {

std::span<const Baseline> all_baselines() {
#define LIST(name) baselines::name,
  static const std::vector<Baseline> kAll{DETECTION_BASELINES(LIST)};
#undef LIST
  return kAll;
}

}  // namespace doctor::detection
