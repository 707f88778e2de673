#include "detectors/statistics/peer_outlier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "detectors/statistics/key_groups.hpp"

namespace doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Peer> peers_of(const std::vector<double>& values) {
  std::vector<Peer> peers;
  for (const double value : values) peers.push_back({std::log(value)});
  return peers;
}

TEST(PeerOutlier, DistancesAsComputedByHand) {
  // ln: 0, 0, 0, ln 2; median 0; MAD 0, so s² = 8/12 · ln(1.15)² = 0.013022, s = 0.114115.
  const auto stands = stands_of(peers_of({1, 1, 1, 2}));
  ASSERT_EQ(stands.size(), 4U);
  EXPECT_NEAR(stands[3].ratio, 2, 1e-9);
  EXPECT_NEAR(stands[3].distance, std::log(2) / 0.114115, 1e-3);
  EXPECT_NEAR(stands[0].ratio, 1, 1e-9);
  EXPECT_NEAR(stands[0].distance, 0, 1e-9);
}

TEST(PeerOutlier, TheSpreadOfThePeersCounts) {
  // 1, 2, 4, 8, 16: median ln 4, distances 2,1,0,1,2 · ln 2, MAD = ln 2;
  // s² = (5 · (1.4826 · .693147)² + 8 · .139762²) / 13 = .418202.
  const auto stands = stands_of(peers_of({1, 2, 4, 8, 16}));
  EXPECT_NEAR(stands[4].distance, 2 * std::log(2) / std::sqrt(0.418202), 1e-3);
  EXPECT_NEAR(stands[4].ratio, 16 / std::sqrt(8), 1e-9) << "to the median of 1, 2, 4, 8";
  EXPECT_FALSE(stands_out(stands[4], 5));
}

TEST(PeerOutlier, CountingFewIsNoise) {
  std::vector<Peer> few;
  for (const double count : {3.0, 3.0, 3.0, 12.0})
    few.push_back({std::log1p(count), 1 / (1 + count)});
  EXPECT_FALSE(stands_out(stands_of(few)[3], 4));
  std::vector<Peer> many;
  for (const double count : {3e4, 3e4, 3e4, 12e4}) {
    many.push_back({std::log1p(count), 1 / (1 + count)});
  }
  EXPECT_TRUE(stands_out(stands_of(many)[3], 4));
}

TEST(PeerOutlier, TwoAndThreeNeedMore) {
  EXPECT_FALSE(stands_out(stands_of(peers_of({1, 2.9}))[1], 2));
  EXPECT_TRUE(stands_out(stands_of(peers_of({1, 3.1}))[1], 2));
  EXPECT_FALSE(stands_out(stands_of(peers_of({1, 1, 2.4}))[2], 3));
  EXPECT_TRUE(stands_out(stands_of(peers_of({1, 1, 2.6}))[2], 3));
  EXPECT_THAT(stands_of(peers_of({5})), testing::SizeIs(1));
  EXPECT_FALSE(stands_out(stands_of(peers_of({5}))[0], 1));
}

TEST(PeerOutlier, OnlyUpwards) {
  EXPECT_FALSE(stands_out(stands_of(peers_of({100, 100, 100, 100, 1}))[4], 5));
}

TEST(PeerOutlier, ABurstInOnePartIsNone) {
  const auto even = peers_of({100, 100, 100, 100});
  const auto burst = peers_of({100, 2000, 100, 100});
  const auto hot = peers_of({100, 400, 100, 100});
  EXPECT_THAT(persistent_outliers(burst, std::vector{even, burst, even}), IsEmpty());
  EXPECT_THAT(persistent_outliers(hot, std::vector{hot, hot, hot}), ElementsAre(1));
}

TEST(PeerOutlier, TwoHotOnesMayTakeTurnsAtTheTop) {
  const auto first = peers_of({100, 500, 450, 100, 100, 100, 100, 100});
  const auto second = peers_of({100, 450, 500, 100, 100, 100, 100, 100});
  EXPECT_THAT(persistent_outliers(first, std::vector{first, second, first}), ElementsAre(1, 2));
}

/// Healthy or with one hot peer, drawn anew in each of three parts.
class Drawn {
 public:
  explicit Drawn(bool heavy_tails) : heavy_tails_(heavy_tails) {}
  std::vector<std::size_t> outliers(std::size_t n, double factor) {
    std::vector<double> sums(n, 0);
    std::vector<std::vector<Peer>> parts(3, std::vector<Peer>(n));
    for (auto& part : parts) {
      for (std::size_t i = 0; i < n; ++i) {
        part[i] = {0.15 * draw() + (i == 0 ? std::log(factor) : 0), 0.001};
        sums[i] += std::exp(part[i].log_value);
      }
    }
    std::vector<Peer> whole;
    for (const double sum : sums) whole.push_back({std::log(sum), 0.0003});
    return persistent_outliers(whole, parts);
  }

 private:
  double draw() { return heavy_tails_ ? std::sqrt(0.6) * student_(random_) : normal_(random_); }

  bool heavy_tails_;
  std::mt19937_64 random_{17};
  std::normal_distribution<double> normal_;
  std::student_t_distribution<double> student_{5};
};

class PeerOutlierRates : public testing::TestWithParam<std::size_t> {};

TEST_P(PeerOutlierRates, HealthyPeersAreLeftAloneAndFourfoldIsFound) {
  constexpr int kTrials = 400;
  for (const bool heavy_tails : {false, true}) {
    Drawn drawn(heavy_tails);
    int wrong = 0;
    int found = 0;
    for (int i = 0; i < kTrials; ++i) {
      wrong += drawn.outliers(GetParam(), 1).empty() ? 0 : 1;
      const auto hot = drawn.outliers(GetParam(), 4);
      found += !hot.empty() && hot.front() == 0 ? 1 : 0;
    }
    EXPECT_LE(wrong, 1) << "of " << kTrials;
    EXPECT_GE(found, kTrials * 95 / 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PeerOutlierRates, testing::Values(2, 3, 4, 5, 8, 16, 32, 64, 128));

TEST(PeerOutlier, OneLookAtHealthyPeersIsSeldomWrong) {
  std::mt19937_64 random(23);
  std::normal_distribution<double> normal;
  for (const std::size_t n : {2U, 4U, 8U, 16U, 128U}) {
    int wrong = 0;
    for (int i = 0; i < 3000; ++i) {
      std::vector<Peer> peers(n);
      for (Peer& peer : peers) peer = {0.15 * normal(random), 0.001};
      for (const PeerStand& stand : stands_of(peers)) wrong += stands_out(stand, n) ? 1 : 0;
    }
    EXPECT_LE(wrong, 3) << n << " peers, of 3000 looks";
  }
}

TEST(KeyGroups, AreDealtAsFlinkDealsThem) {
  // KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(8, 6, i)
  const std::vector<int> expected{2, 1, 1, 2, 1, 1};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(key_groups_of(i, 6, 8), expected[static_cast<std::size_t>(i)]) << i;
  }
  int sum = 0;
  int with_two = 0;
  for (int i = 0; i < 100; ++i) {
    sum += key_groups_of(i, 100, 128);
    with_two += key_groups_of(i, 100, 128) == 2 ? 1 : 0;
  }
  EXPECT_EQ(sum, 128);
  EXPECT_EQ(with_two, 28);
  EXPECT_EQ(key_groups_of(32766, 32767, 32768), 1) << "no overflow";
  EXPECT_EQ(key_groups_of(0, 0, 128), 0);
  EXPECT_EQ(key_groups_of(0, 4, 2), 0);
}

TEST(KeyGroups, KeyedIsWhatAHashExchangeFeeds) {
  VertexFacts vertex;
  EXPECT_FALSE(is_keyed(vertex));
  vertex.inputs = {{"a", "FORWARD"}, {"b", "BROADCAST"}};
  EXPECT_FALSE(is_keyed(vertex));
  vertex.inputs.push_back({"c", "HASH[user]"});
  EXPECT_TRUE(is_keyed(vertex));
}

}  // namespace
}  // namespace doctor
