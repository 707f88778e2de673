// Which agent watches which cluster: the same for ever, even, and as little moved as can be.
#include "agent/config/shard.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "model/hash.hpp"

namespace doctor {
namespace {

std::vector<std::string> names(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back("cluster-" + std::to_string(i));
  return all;
}

TEST(Shard, TheHashIsTheOneOfTheBook) {
  // draft-eastlake-fnv, test vectors of FNV-1a, 64 bits.
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325U);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8U);
  EXPECT_EQ(fnv1a("bar", fnv1a("foo")), fnv1a("foobar"));
}

// An agent of another version must not take a cluster away from one of this: these never change.
TEST(Shard, StaysWhereItIsForEver) {
  std::string drawn;
  for (const std::string& name : names(30)) drawn += std::to_string(shard_of(name, 3));
  EXPECT_EQ(drawn, "221211121210112221122100200022");
  EXPECT_EQ(shard_of("orders", 1), 0U);
}

TEST(Shard, EveryClusterHasExactlyOne) {
  for (const std::string& name : names(200)) {
    int takers = 0;
    for (std::uint32_t k = 0; k < 5; ++k) takers += Shard{k, 5}.takes(name) ? 1 : 0;
    EXPECT_EQ(takers, 1) << name;
  }
}

TEST(Shard, SharesAreEven) {
  std::map<std::uint32_t, int> sizes;
  for (const std::string& name : names(10'000)) ++sizes[shard_of(name, 10)];
  ASSERT_EQ(sizes.size(), 10U);
  for (const auto& [shard, size] : sizes) {
    EXPECT_GT(size, 880) << shard;  // four standard deviations
    EXPECT_LT(size, 1120) << shard;
  }
}

TEST(Shard, OneMoreTakesOnlyWhatBecomesItsOwn) {
  int moved = 0;
  for (const std::string& name : names(1000)) {
    if (shard_of(name, 3) == shard_of(name, 4)) continue;
    ++moved;
    EXPECT_EQ(shard_of(name, 4), 3U) << name;
  }
  EXPECT_GT(moved, 190);
  EXPECT_LT(moved, 310);
}

TEST(Shard, IsReadFromFlagsAndHostNames) {
  EXPECT_EQ(parse_shard("1/3", "")->text(), "1/3");
  EXPECT_EQ(parse_shard("auto/3", "flink-doctor-2")->text(), "2/3");
  for (const char* wrong : {"", "1", "/", "3/3", "-1/3", "1/0", "a/3", "1/3x", "auto", "1/1001"}) {
    EXPECT_FALSE(parse_shard(wrong, "flink-doctor-0")) << wrong;
  }
  for (const char* host : {"", "laptop", "doctor-", "doctor-7", "doctor-x1"}) {
    EXPECT_FALSE(parse_shard("auto/3", host)) << host;
  }
}

}  // namespace
}  // namespace doctor
