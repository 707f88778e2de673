#include "tests/detection/exact_bounds.hpp"

#include "detectors/statistics/failure_share.hpp"
#include "detectors/statistics/poisson.hpp"

namespace doctor::detection {

double share_low(std::uint64_t hits, std::uint64_t n, double confidence) {
  if (hits == 0 || n == 0) return 0;
  return failure_share(hits, n, confidence).low;
}

double mean_high(std::uint64_t k, double confidence) {
  // The upper end of a two-sided interval with both tails as small as our one.
  return poisson_interval(k, 2 * confidence - 1).high;
}

}  // namespace doctor::detection
