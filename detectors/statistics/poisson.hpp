// Counts of independent events: how sure a rate is that was seen k times, and how odd a count is.
#pragma once

#include <cstdint>

namespace doctor {

struct MeanInterval {
  double low{};
  double high{};
};

/// Exact (Garwood) interval of the mean behind k events: [chi2(a/2, 2k), chi2(1-a/2, 2k+2)] / 2.
MeanInterval poisson_interval(std::uint64_t k, double confidence = 0.95);

/// P(X >= k) for X ~ Poisson(mean).
double poisson_tail(std::uint64_t k, double mean);

/// The same where the rate is only known as Gamma(shape, exposure): of events in `span`, in units
/// of the exposure (> 0, both). Negative binomial (Gelman et al., Bayesian Data Analysis, 2.6).
double gamma_poisson_tail(std::uint64_t k, double shape, double exposure, double span);

/// How long until k ≥ 1 further events, of a rate that was seen `shape` times in `exposure`: the
/// time within which they come with this probability, exposure · k/shape · F(2k, 2·shape).
double gamma_poisson_wait(std::uint64_t k, double shape, double exposure, double probability);

}  // namespace doctor
