#include "agent/history/sample_table.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "agent/history/column_codec.hpp"

namespace doctor {
namespace {

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// Each column of another nature; `row` of `random` is what one scrape may say.
double drawn(std::size_t column, std::size_t row, std::mt19937_64& random) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  switch (column) {
    case 0:
      return 0;
    case 1:
      return 1e9 + 17.0 * static_cast<double>(row) + static_cast<double>(random() % 5);
    case 2:
      return random() % 3 == 0 ? kAbsent : static_cast<double>(random() % 9);
    case 3:
      return std::bit_cast<double>(random());
    case 4:
      return static_cast<double>(random() % 1000) / 100;
    case 5:
      return kAbsent;
    case 6:
      return -0.0;
    case 7:
      return row % 2 == 0 ? 1e300 : -5e-324;
    case 8:
      return row % 3 == 0 ? kInf : -kInf;
    case 9:
      return static_cast<double>(random() % (1ULL << 53U)) * (random() % 2 == 0 ? 1 : -1);
    default:
      return row == 0 ? kAbsent : 7.5;
  }
}

SampleTable drawn_table(std::size_t rows, std::mt19937_64& random) {
  SampleTable table;
  for (std::size_t row = 0; row < rows; ++row) {
    table.at.push_back(1'700'000'000'000 + 15'000 * static_cast<TimestampMs>(row) +
                       static_cast<TimestampMs>(random() % 30));
  }
  for (std::size_t column = 0; column < 11; ++column) {
    std::vector<double>& values = table.columns.emplace_back();
    for (std::size_t row = 0; row < rows; ++row) values.push_back(drawn(column, row, random));
  }
  return table;
}

TEST(SampleTableTest, EveryValueComesBackBitByBit) {
  std::mt19937_64 random(1);
  for (const std::size_t rows : {0U, 1U, 2U, 3U, 8U, 61U, 480U}) {
    const SampleTable table = drawn_table(rows, random);
    const std::optional<SampleTable> again = unpack_table(pack_table(table));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->at, table.at);
    ASSERT_EQ(again->columns.size(), table.columns.size());
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      for (std::size_t row = 0; row < rows; ++row) {
        EXPECT_TRUE(same(again->columns[i][row], table.columns[i][row])) << i << " " << row;
      }
    }
  }
}

TEST(SampleTableTest, ColumnsAreReadAloneAndLaterOnesAreAbsent) {
  std::mt19937_64 random(2);
  const SampleTable table = drawn_table(40, random);
  constexpr std::array<std::uint32_t, 3> kWanted{1, 4, 25};
  const std::optional<SampleTable> some = unpack_columns(pack_table(table), kWanted);
  ASSERT_TRUE(some);
  ASSERT_EQ(some->columns.size(), 3U);
  EXPECT_EQ(some->columns[0], table.columns[1]);
  EXPECT_EQ(some->columns[1], table.columns[4]);
  EXPECT_FALSE(is_present(some->columns[2][39]));
}

TEST(SampleTableTest, ARowComesBack) {
  const std::vector<double> values{1, kAbsent, -0.0, 1e-300};
  const auto again = unpack_row(pack_row(values));
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(same((*again)[i], values[i]));
  EXPECT_TRUE(unpack_row(pack_row({}))->empty());
  EXPECT_FALSE(unpack_row("nonsense"));
}

TEST(SampleTableTest, DamagedBytesAreRefusedOrReadAsSomethingElseButNeverPastTheEnd) {
  std::mt19937_64 random(3);
  const std::string packed = pack_table(drawn_table(30, random));
  EXPECT_FALSE(unpack_table(""));
  EXPECT_FALSE(unpack_table("nonsense"));
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = packed;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const std::optional<SampleTable> table = unpack_table(bytes);
    refused += table ? 0 : 1;
    EXPECT_LE(table ? table->cells() : 0, kTableCellsMax);
    EXPECT_FALSE(unpack_table(packed.substr(0, random() % packed.size())));
  }
  EXPECT_GT(refused, 0);
}

TEST(SampleTableTest, NoByteOfAColumnIsReadTwiceOrPastItsEnd) {
  ColumnWriter writer;
  writer.put(std::vector<double>{1, 5, 2});
  const std::string packed = writer.pack(1);
  std::optional<ColumnReader> reader = ColumnReader::unpack(packed, 1000);
  ASSERT_TRUE(reader);
  std::vector<double> values;
  EXPECT_FALSE(ColumnReader::unpack(packed, 3));
  EXPECT_TRUE(reader->read(3, &values));
  EXPECT_EQ(values, (std::vector<double>{1, 5, 2}));
  EXPECT_FALSE(reader->read(3, &values));
  reader = ColumnReader::unpack(packed, 1000);
  EXPECT_FALSE(reader->read(4, &values));
}

TEST(SampleTableTest, WhatStandsStillOrGrowsEvenlyCostsNextToNothing) {
  SampleTable table;
  for (TimestampMs row = 0; row < 480; ++row) table.at.push_back(row * 15'000);
  for (int column = 0; column < 100; ++column) {
    std::vector<double>& values = table.columns.emplace_back();
    for (int row = 0; row < 480; ++row) values.push_back(column % 2 == 0 ? 0 : 1500.0 * row);
  }
  EXPECT_LT(pack_table(table).size(), 1000U);  // of 48,000 samples
}

}  // namespace
}  // namespace doctor
