// Entities are found by what they are, whatever was made and released before.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <tuple>

#include "model/entity.hpp"

namespace doctor {
namespace {

TEST(EntityTable, IndexAndNameAndLevelTellNodesApart) {
  EntityTable table(100);
  const EntityId job = table.intern(Level::job, kClusterEntity, "a");
  const EntityId vertex = table.intern(Level::vertex, job, "a");
  EXPECT_EQ(table.intern(Level::job, kClusterEntity, "a"), job);
  EXPECT_NE(table.intern(Level::process, kClusterEntity, "a"), job);
  EXPECT_NE(table.intern(Level::subtask, vertex, "", 0),
            table.intern(Level::subtask, vertex, "", 1));
  EXPECT_EQ(table.find(Level::vertex, job, "b"), kNoEntity);
  EXPECT_EQ(table.find(Level::subtask, vertex, "", 2), kNoEntity);
}

TEST(EntityTable, WhatWasReleasedIsGoneAndTheOthersAreFound) {
  using Key = std::tuple<EntityId, std::string, std::uint32_t>;
  EntityTable table(3000);
  std::map<Key, EntityId> model;
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const auto parent_of = [&](std::uint32_t job) {
    return table.intern(Level::job, kClusterEntity, "job-" + std::to_string(job));
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t job = below(40);
    const EntityId parent = parent_of(job);
    if (below(50) == 0) {
      std::erase_if(model, [&](const auto& entry) { return std::get<0>(entry.first) == parent; });
      table.release(parent);
      ASSERT_EQ(table.find(Level::job, kClusterEntity, "job-" + std::to_string(job)), kNoEntity);
      continue;
    }
    const std::string name = "v" + std::to_string(below(20));
    const std::uint32_t index = below(3);
    const EntityId made = table.intern(Level::vertex, parent, name, index);
    ASSERT_NE(made, kNoEntity);
    const auto [known, is_new] = model.try_emplace(Key{parent, name, index}, made);
    ASSERT_EQ(known->second, made);
  }
  ASSERT_GT(model.size(), 500U);
  for (const auto& [key, id] : model) {
    const auto& [parent, name, index] = key;
    EXPECT_EQ(table.find(Level::vertex, parent, name, index), id);
    EXPECT_EQ(table.at(id).index, index);
  }
}

}  // namespace
}  // namespace doctor
