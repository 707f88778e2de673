// What statistics_test.cpp holds against tables, here against the definitions: sums of single
// probabilities, and the integral that a guessed rate stands for.
#include "detectors/statistics/poisson.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace doctor {
namespace {

/// P(X < k), term by term from the first one.
double head_by_terms(std::uint64_t k, double mean) {
  double term = std::exp(-mean);
  double sum = 0;
  for (std::uint64_t i = 0; i < k; ++i) {
    sum += term;
    term *= mean / static_cast<double>(i + 1);
  }
  return sum;
}

/// The same of a negative binomial: every term is q · (shape + i) / (i + 1) of the one before.
double gamma_head_by_terms(std::uint64_t k, double shape, double q) {
  double term = std::pow(1 - q, shape);
  double sum = 0;
  for (std::uint64_t i = 0; i < k; ++i) {
    sum += term;
    term *= q * (shape + static_cast<double>(i)) / (static_cast<double>(i) + 1);
  }
  return sum;
}

/// Simpson's rule over all rates that count: what a Gamma rate means.
double gamma_tail_by_integral(std::uint64_t k, double shape, double exposure, double span) {
  constexpr int kSteps = 20'000;
  const double width = (shape + 12 * std::sqrt(shape) + 20) / exposure / kSteps;
  const auto weighted = [&](int i) {
    const double rate = i * width;
    if (rate == 0) return 0.0;
    const double log_density = shape * std::log(exposure) + (shape - 1) * std::log(rate) -
                               rate * exposure - std::lgamma(shape);
    return std::exp(log_density) * (1 - head_by_terms(k, rate * span));
  };
  double sum = 0;
  for (int i = 0; i < kSteps; i += 2) {
    sum += weighted(i) + 4 * weighted(i + 1) + weighted(i + 2);
  }
  return sum * width / 3;
}

TEST(PoissonInterval, EndsWhereTheCountWouldBeThatOdd) {
  for (const double confidence : {0.5, 0.9, 0.95, 0.999}) {
    const double tail = (1 - confidence) / 2;
    for (const std::uint64_t k : {1, 2, 3, 7, 20, 60}) {
      const MeanInterval interval = poisson_interval(k, confidence);
      ASSERT_LT(interval.low, static_cast<double>(k));
      ASSERT_GT(interval.high, static_cast<double>(k));
      EXPECT_NEAR(1 - head_by_terms(k, interval.low), tail, 1e-9) << k << " at " << confidence;
      EXPECT_NEAR(head_by_terms(k + 1, interval.high), tail, 1e-9) << k << " at " << confidence;
    }
  }
}

TEST(PoissonInterval, OfNoneAndOfOneHasAClosedForm) {
  // P(none) = e^-m, P(one or more) = 1 - e^-m.
  EXPECT_EQ(poisson_interval(0, 0.9).low, 0);
  EXPECT_NEAR(poisson_interval(0, 0.9).high, -std::log(0.05), 1e-9);
  EXPECT_NEAR(poisson_interval(1, 0.9).low, -std::log(0.95), 1e-9);
}

TEST(PoissonTail, IsOneLessTheTermsBeforeIt) {
  for (const double mean : {0.1, 0.9, 1.0, 3.5, 12.0, 30.0}) {
    for (std::uint64_t k = 0; k <= 40; ++k) {
      EXPECT_NEAR(poisson_tail(k, mean), 1 - head_by_terms(k, mean), 1e-12) << k << " of " << mean;
    }
  }
}

TEST(PoissonTail, LosesExactlyATermPerStepAlsoWhereItsSumChangesSides) {
  // From k ≤ mean on it is summed from below, then from above; e^-1000 alone is 0.
  constexpr double kMean = 1000;
  for (std::uint64_t k = 990; k <= 1010; ++k) {
    const auto n = static_cast<double>(k);
    const double term = std::exp(n * std::log(kMean) - kMean - std::lgamma(n + 1));
    EXPECT_NEAR(poisson_tail(k, kMean) - poisson_tail(k + 1, kMean), term, 1e-10) << k;
  }
}

TEST(PoissonTail, KeepsItsDigitsFarOut) {
  // Beyond the first term the sum is a geometric one with the ratio mean / (k + 1), or less.
  const double first = std::exp(50 * std::log(0.5) - 0.5 - std::lgamma(51.0));
  EXPECT_GT(poisson_tail(50, 0.5) / first, 1);
  EXPECT_LT(poisson_tail(50, 0.5) / first, 1 / (1 - 0.5 / 51));
  EXPECT_EQ(poisson_tail(1, -1), 0) << "no mean at all";
}

TEST(GammaPoissonTail, IsOneLessTheTermsBeforeIt) {
  for (const double shape : {0.5, 1.0, 2.5, 40.0}) {
    for (const double q : {0.01, 0.3, 0.5, 0.9}) {
      for (std::uint64_t k = 0; k <= 60; ++k) {
        EXPECT_NEAR(gamma_poisson_tail(k, shape, 1 - q, q), 1 - gamma_head_by_terms(k, shape, q),
                    1e-10)
            << k << ", shape " << shape << ", q " << q;
      }
    }
  }
}

TEST(GammaPoissonTail, IsThePoissonTailOverAllRates) {
  EXPECT_NEAR(gamma_poisson_tail(1, 2, 12, 3), gamma_tail_by_integral(1, 2, 12, 3), 1e-6);
  EXPECT_NEAR(gamma_poisson_tail(4, 3.5, 12, 3), gamma_tail_by_integral(4, 3.5, 12, 3), 1e-6);
  EXPECT_NEAR(gamma_poisson_tail(9, 6, 5, 10), gamma_tail_by_integral(9, 6, 5, 10), 1e-6);
}

TEST(GammaPoissonTail, CountsTimeInAnyUnitAndOfNoTimeNothing) {
  EXPECT_DOUBLE_EQ(gamma_poisson_tail(3, 2.5, 12, 1), gamma_poisson_tail(3, 2.5, 43.2e6, 3.6e6));
  EXPECT_EQ(gamma_poisson_tail(1, 2.5, 12, 0), 0);
  EXPECT_EQ(gamma_poisson_tail(0, 2.5, 12, 0), 1);
}

TEST(GammaPoissonWait, IsWhenTheTailReachesTheProbability) {
  for (const double shape : {0.5, 3.0, 64.0}) {
    for (const std::uint64_t k : {1, 2, 10, 100}) {
      double before = 0;
      for (const double p : {0.025, 0.5, 0.975}) {
        const double wait = gamma_poisson_wait(k, shape, 24, p);
        EXPECT_GT(wait, before);
        EXPECT_NEAR(gamma_poisson_tail(k, shape, 24, wait), p, 1e-9) << k << ", shape " << shape;
        before = wait;
      }
    }
  }
}

TEST(GammaPoissonWait, ForTheFirstHasAClosedForm) {
  // 1 - (exposure / (exposure + wait))^shape = p.
  for (const double shape : {0.5, 1.0, 7.0}) {
    for (const double p : {0.1, 0.9}) {
      EXPECT_NEAR(gamma_poisson_wait(1, shape, 24, p), 24 * (std::pow(1 - p, -1 / shape) - 1),
                  1e-6);
    }
  }
}

TEST(GammaPoissonTail, OfManyEventsIsNotLostBelowTheLeastDouble) {
  EXPECT_NEAR(gamma_poisson_tail(1100, 1100, 1, 1), 0.5, 0.01) << "the mean";
  EXPECT_NEAR(gamma_poisson_tail(1000, 1000, 1, 1), gamma_poisson_tail(1100, 1100, 1, 1), 1e-3);
  EXPECT_EQ(gamma_poisson_tail(10, 5000, 1, 1), 1) << "far below it";
  EXPECT_NEAR(gamma_poisson_wait(1100, 1100, 1, 0.975), 1.087, 1e-3);
}

}  // namespace
}  // namespace doctor
