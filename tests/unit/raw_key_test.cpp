// The hash that series are known by: a function of the bytes and the seed alone.
#include "collectors/raw_key.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace doctor {
namespace {

const RawHash kHash({1, 2, 3, 4});

TEST(RawKey, TellsTextsApart) {
  const std::string text =
      "flink_taskmanager_job_task_numRecordsIn{job_id=\"a\",task_id=\"b\",subtask_index=\"1\",}";
  std::set<RawKey> keys;
  std::size_t texts = 0;
  const auto add = [&](std::string_view other) {
    keys.insert(kHash(other));
    ++texts;
  };
  for (std::size_t length = 0; length <= text.size(); ++length) add(text.substr(0, length));
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
      add(flipped);
    }
  }
  for (std::size_t length = 1; length <= 64; ++length) {
    add(std::string(length, '\0'));
    add(std::string(length, 'a'));
  }
  add("ab");
  add(std::string("ab\0", 3));
  EXPECT_EQ(keys.size(), texts);
}

TEST(RawKey, SwappedBlocksDiffer) {
  const std::string one(16, 'x');
  const std::string two(16, 'y');
  EXPECT_NE(kHash(one + two), kHash(two + one));
  EXPECT_NE(kHash(one + one + two), kHash(one + two + one));
  EXPECT_NE(kHash("12345678abcdefgh"), kHash("abcdefgh12345678"));
}

TEST(RawKey, DependsOnBytesOnlyAndReadsNoOthers) {
  for (std::size_t length = 0; length < 100; ++length) {
    // A block of its own for each, so that a sanitizer sees a read beyond it.
    const auto exact = std::make_unique<char[]>(length);
    std::fill_n(exact.get(), length, 'q');
    const RawKey key = kHash({exact.get(), length});
    for (std::size_t shift = 0; shift < 8; ++shift) {
      const std::string shifted = std::string(shift, 'z') + std::string(length, 'q') + "tail";
      EXPECT_EQ(kHash(std::string_view(shifted).substr(shift, length)), key);
    }
  }
}

TEST(RawKey, DependsOnTheSeed) {
  const RawHash other({1, 2, 3, 5});
  EXPECT_NE(kHash("numRecordsIn"), other("numRecordsIn"));
  const RawHash same({1, 2, 3, 4});
  EXPECT_EQ(kHash("numRecordsIn"), same("numRecordsIn"));
}

TEST(RawKey, TakesTheLongestText) {
  std::string text(RawHash::kTextBytesMax, 'a');
  const RawKey key = kHash(text);
  text.back() = 'b';
  EXPECT_NE(kHash(text), key);
}

}  // namespace
}  // namespace doctor
