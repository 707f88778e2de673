// Exact bounds of shares and rates from counts.
#pragma once

#include <cstdint>

namespace doctor::detection {

/// One-sided bound of a share of which `hits` of `n` were seen (Clopper and Pearson 1934): with
/// this confidence the true share is at least that. 0 when n is 0.
double share_low(std::uint64_t hits, std::uint64_t n, double confidence = 0.95);

/// One-sided upper bound of the mean behind k events (Garwood 1936).
double mean_high(std::uint64_t k, double confidence = 0.95);

}  // namespace doctor::detection
