#include "agent/history/series_column.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace doctor {
namespace {

constexpr std::uint8_t kRaw = 1U << static_cast<unsigned>(Feature::raw);

TEST(SeriesColumn, FindsTheSameRowInEveryOrderAndAfterSomeLeft) {
  std::mt19937 random(7);
  SeriesColumn column(kRaw);
  std::map<EntityId, double> there;  // and its latest value
  const auto expect_all_found = [&] {
    std::vector<EntityId> order;
    for (const auto& [entity, value] : there) order.push_back(entity);
    for (int turn = 0; turn < 3; ++turn) {  // as they were added, and then in any order
      for (const EntityId entity : order) {
        const auto row = column.find_next(entity);
        ASSERT_TRUE(row.has_value()) << entity;
        EXPECT_EQ(row, column.find(entity));
        EXPECT_EQ(column.at(*row).entity, entity);
        EXPECT_EQ(column.at(*row).latest.value, there.at(entity));
      }
      std::shuffle(order.begin(), order.end(), random);
    }
  };
  for (int round = 0; round < 20; ++round) {
    for (EntityId entity = 1; entity < 200; ++entity) {
      if (random() % 3 != 0 || there.contains(entity)) continue;
      EXPECT_FALSE(column.find_next(entity).has_value());
      there[entity] = entity * 2.0 + round;
      column.add_sample(column.add(entity), {round, there[entity]});
    }
    expect_all_found();
    column.erase_if([&](SeriesColumn::Row row) {
      const EntityId entity = column.at(row).entity;
      return random() % 2 == 0 && there.erase(entity) == 1;
    });
    ASSERT_EQ(column.size(), there.size());
    expect_all_found();
    EXPECT_FALSE(column.find_next(999).has_value());
  }
}

}  // namespace
}  // namespace doctor
