#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "detectors/advice.hpp"
#include "detectors/statistics/poisson.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

TEST(RisingTest, HasTheExactProbabilitiesOfSmallSamples) {
  // Published tables of Kendall's exact distribution.
  EXPECT_NEAR(rising_test(std::vector<double>{1, 2, 3, 4, 5}).p, 1.0 / 120, 1e-12);
  EXPECT_NEAR(rising_test(std::vector<double>{1, 2, 3, 4, 5, 6}).p, 1.0 / 720, 1e-12);
  EXPECT_NEAR(rising_test(std::vector<double>{1, 2, 3, 5, 4, 6, 7}).p, 7.0 / 5040, 1e-12);
  EXPECT_NEAR(rising_test(std::vector<double>{2, 1, 3, 4, 5, 6, 8, 7}).p, 0.00087, 1e-5);
}

TEST(RisingTest, AgreesWithCountingAllOrders) {
  std::vector<double> order{1, 2, 3, 4, 5, 6, 7};
  std::map<int, int> orders_with;  // falling pairs → orders
  do {
    ++orders_with[rising_test(order).discordant];
  } while (std::next_permutation(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  do {
    const RisingTest test = rising_test(order);
    int as_few = 0;
    for (const auto& [falling, orders] : orders_with) {
      as_few += falling <= test.discordant ? orders : 0;
    }
    ASSERT_NEAR(test.p, as_few / 5040.0, 1e-12);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(RisingTest, IsSymmetricForTheLargestSample) {
  // 64 values with just under half of the 2016 pairs falling, and just as many rising.
  std::vector<double> values;
  for (int i = 0; i < 64; ++i) values.push_back(i < 32 ? 2 * i : 127 - 2 * i);
  const RisingTest up = rising_test(values);
  for (double& value : values) value = -value;
  const RisingTest down = rising_test(values);
  ASSERT_EQ(up.concordant, down.discordant);
  // P(as few falling) + P(as few rising) counts the middle once too often.
  EXPECT_NEAR(up.p + down.p, 1, 0.03);
  EXPECT_GT(up.p, 0.2);
  EXPECT_LT(up.p, 0.8);
}

TEST(RisingTest, CountsPairsAndIsNotFooledByFallsAndTies) {
  const RisingTest falling = rising_test(std::vector<double>{5, 4, 3, 2, 1});
  EXPECT_EQ(falling.discordant, 10);
  EXPECT_DOUBLE_EQ(falling.p, 1.0);
  const RisingTest flat = rising_test(std::vector<double>{3, 3, 3, 3, 3});
  EXPECT_EQ(flat.tied, 10);
  EXPECT_DOUBLE_EQ(flat.p, 1.0);
  EXPECT_DOUBLE_EQ(rising_test(std::vector<double>{3}).p, 1.0);
  EXPECT_DOUBLE_EQ(rising_test({}).p, 1.0);
}

TEST(RisingTest, TakesTheNewestWhenThereAreTooMany) {
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(i < 136 ? -i : i);
  const RisingTest test = rising_test(values);
  EXPECT_EQ(test.concordant, 64 * 63 / 2);
  EXPECT_LT(test.p, 1e-50);
}

TEST(TheilSen, IsNotBentByOneWildPoint) {
  std::vector<double> x, y;
  for (int i = 0; i < 11; ++i) {
    x.push_back(i);
    y.push_back(i == 4 ? 1e9 : 10 + 3.0 * i);
  }
  const auto slope = theil_sen(x, y);
  ASSERT_TRUE(slope);
  EXPECT_NEAR(slope->value, 3, 1e-9);
  EXPECT_LE(slope->low, 3);
  EXPECT_GE(slope->high, 3);
}

TEST(TheilSen, SaysWhenItCannotBoundTheSlopeOrHasNone) {
  EXPECT_FALSE(theil_sen({}, {}));
  EXPECT_FALSE(theil_sen(std::vector<double>{2, 2}, std::vector<double>{1, 5}));
  const auto slope = theil_sen(std::vector<double>{0, 1, 2}, std::vector<double>{0, 5, 10});
  ASSERT_TRUE(slope);
  EXPECT_DOUBLE_EQ(slope->value, 5);
  EXPECT_TRUE(std::isinf(slope->high));
}

TEST(Median, OfOddEvenAndNothing) {
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 2, 3}), 2.5);
  EXPECT_FALSE(median({}));
}

TEST(Poisson, IntervalsMatchTheTables) {
  EXPECT_NEAR(poisson_interval(0).low, 0, 1e-12);
  EXPECT_NEAR(poisson_interval(0).high, 3.689, 1e-3);
  EXPECT_NEAR(poisson_interval(5).low, 1.623, 1e-3);
  EXPECT_NEAR(poisson_interval(5).high, 11.668, 1e-3);
  EXPECT_NEAR(poisson_interval(100).low, 81.36, 1e-2);
  EXPECT_NEAR(poisson_interval(100).high, 121.63, 1e-2);
}

TEST(Poisson, TailsMatchDirectSums) {
  EXPECT_DOUBLE_EQ(poisson_tail(0, 3), 1);
  EXPECT_DOUBLE_EQ(poisson_tail(3, 0), 0);
  EXPECT_NEAR(poisson_tail(1, 0.5), 1 - std::exp(-0.5), 1e-12);
  EXPECT_NEAR(poisson_tail(2, 1), 1 - 2 * std::exp(-1), 1e-12);
  EXPECT_NEAR(poisson_tail(4, 0.01) / (std::pow(0.01, 4) / 24 * std::exp(-0.01)), 1, 0.01);
  EXPECT_NEAR(poisson_tail(1000, 1000), 0.5, 0.02);
}

TEST(GammaPoisson, TailsOfARateThatIsOnlyGuessed) {
  EXPECT_DOUBLE_EQ(gamma_poisson_tail(0, 0.5, 12, 1), 1);
  // Shape 1 is the geometric distribution: q^k with q = span / (exposure + span).
  for (std::uint64_t k = 1; k < 6; ++k) {
    EXPECT_NEAR(gamma_poisson_tail(k, 1, 9, 1), std::pow(0.1, static_cast<double>(k)), 1e-12);
    EXPECT_NEAR(gamma_poisson_tail(k, 1, 1, 9), std::pow(0.9, static_cast<double>(k)), 1e-12);
  }
  EXPECT_NEAR(gamma_poisson_tail(1, 0.5, 12, 4), 1 - std::sqrt(0.75), 1e-12);
  // A rate that is all but known.
  EXPECT_NEAR(gamma_poisson_tail(4, 2e7, 1e7, 1), poisson_tail(4, 2), 1e-5);
  EXPECT_NEAR(gamma_poisson_tail(1, 2e7, 1e7, 1), poisson_tail(1, 2), 1e-5);
}

TEST(GammaPoisson, WaitsAreThoseOfTheFDistribution) {
  // F(2, 2) and F(4, 4) have the median 1; F(4, 10) has its upper 2.5 % at 4.468, F(10, 4)
  // at 8.844.
  EXPECT_NEAR(gamma_poisson_wait(1, 1, 7, 0.5), 7, 1e-6);
  EXPECT_NEAR(gamma_poisson_wait(2, 2, 7, 0.5), 7, 1e-6);
  EXPECT_NEAR(gamma_poisson_wait(2, 5, 5, 0.975), 2 * 4.468, 2e-3);
  EXPECT_NEAR(gamma_poisson_wait(5, 2, 2, 0.975), 5 * 8.844, 2e-2);
  EXPECT_NEAR(gamma_poisson_wait(5, 2, 2, 0.025), 5 / 4.468, 2e-3);
}

TEST(Advice, ReadsMemorySizesAsFlinkWritesThem) {
  EXPECT_EQ(parse_memory_bytes("256m"), 256.0 * 1024 * 1024);
  EXPECT_EQ(parse_memory_bytes("1 gb"), 1024.0 * 1024 * 1024);
  EXPECT_EQ(parse_memory_bytes("268435456 bytes"), 268435456.0);
  EXPECT_EQ(parse_memory_bytes("64MB"), 64.0 * 1024 * 1024);
  EXPECT_FALSE(parse_memory_bytes("lots"));
  EXPECT_FALSE(parse_memory_bytes("12 parsecs"));
  EXPECT_FALSE(parse_memory_bytes(""));
  EXPECT_EQ(memory_value(512.0 * 1024 * 1024), "512m");
  EXPECT_EQ(memory_value(512.0 * 1024 * 1024 + 1), "513m");
}

TEST(Advice, ReadsDurationsAsFlinkWritesThem) {
  EXPECT_EQ(parse_duration_ms("50 s"), 50 * kSecondMs);
  EXPECT_EQ(parse_duration_ms("10 min"), 10 * kMinuteMs);
  EXPECT_EQ(parse_duration_ms("1h"), kHourMs);
  EXPECT_EQ(parse_duration_ms("60000"), kMinuteMs);
  EXPECT_EQ(parse_duration_ms("PT5M"), 5 * kMinuteMs);
  EXPECT_FALSE(parse_duration_ms("soon"));
  EXPECT_FALSE(parse_duration_ms("9999999999999999 d"));
}

TEST(Advice, UsesTheSpellingOfTheVersion) {
  ClusterFacts facts;
  facts.version = FlinkVersion{1, 16, "1.16.3"};
  EXPECT_EQ(state_backend_option(&facts), "state.backend");
  facts.version = FlinkVersion{2, 0, "2.0.0"};
  EXPECT_EQ(state_backend_option(&facts), "state.backend.type");
  facts.configuration["state.backend"] = "rocksdb";
  EXPECT_EQ(first_option(&facts, {"state.backend.type", "state.backend"}), "rocksdb");
  EXPECT_FALSE(first_option(nullptr, {"state.backend"}));
}

}  // namespace
}  // namespace doctor
