#include "detectors/statistics/rocksdb_use.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

constexpr double kMb = 1 << 20;
constexpr double kArena = 8 * kMb;
constexpr double kCapacityShare =
    2.5 / 3;  // of a slot's share, with the default write-buffer ratio

/// A job on tm-1, which has two slots; sizes in MB.
class RocksDb : public testing::Test {
 protected:
  RocksDb()
      : process_(fake_.task_manager("tm-1", "host-1", 2)),
        job_(fake_.job("j1", "orders", "RUNNING", fake_.now - kHourMs)) {
    VertexFacts& vertex = job_.vertices.emplace_back();
    vertex.id = "v1";
    vertex.name = "window";
  }
  struct Family {
    std::optional<double> usage, memtables, capacity{}, pinned{}, readers{};
  };
  void tell(std::uint32_t subtask, const std::string& name, const Family& of) {
    const EntityId task = fake_.subtask("j1", "v1", subtask);
    fake_.features.place(task, process_);
    const EntityId family = fake_.column_family(task, "op", name);
    put(Metric::rocksdb_block_cache_usage, family, of.usage);
    put(Metric::rocksdb_memtables, family, of.memtables);
    put(Metric::rocksdb_block_cache_capacity, family, of.capacity);
    put(Metric::rocksdb_block_cache_pinned_usage, family, of.pinned);
    put(Metric::rocksdb_table_readers, family, of.readers);
  }
  void put(Metric metric, EntityId entity, std::optional<double> mb) {
    if (mb) fake_.features.put(metric, entity, fake_.now, *mb * kMb);
  }
  void managed(std::optional<double> used, double total) {
    put(Metric::managed_used, process_, used);
    put(Metric::managed_total, process_, total);
  }
  RocksDbProcesses all() { return rocksdb_processes(fake_.window(), kArena); }
  RocksDbProcess judge() { return all().at({process_, "j1"}); }
  void set(const std::string& option, const std::string& value) {
    fake_.facts.configuration["state.backend.rocksdb.memory." + option] = value;
  }

  FakeCluster fake_;
  EntityId process_;
  JobFacts& job_;
};

TEST_F(RocksDb, OfAnInstanceColumnFamiliesAddUpAndOneCacheDoesNot) {
  tell(0, "a", {100, 20, 150, 5, 3});
  tell(0, "b", {90, 6, 140, 7, {}});
  tell(1, "a", {1, {}, {}, {}, {}});
  const RocksDbProcess process = judge();
  ASSERT_EQ(process.instances.size(), 2U);
  const RocksDbInstance& instance = process.instances.front();
  EXPECT_EQ(instance.job, "orders");
  EXPECT_EQ(instance.vertex, "window");
  EXPECT_EQ(instance.operator_, "op");
  EXPECT_EQ(instance.subtask, 0);
  EXPECT_EQ(instance.column_families, 2);
  EXPECT_EQ(instance.cache_usage, 100 * kMb);
  EXPECT_EQ(instance.cache_capacity, 150 * kMb);
  EXPECT_EQ(instance.cache_pinned, 7 * kMb);
  EXPECT_EQ(instance.cache_usage_sum, 190 * kMb);
  EXPECT_EQ(instance.memtables, 26 * kMb);
  EXPECT_EQ(instance.memtables_touched, 12 * kMb) << "20 less a block, and less than a block";
  EXPECT_EQ(instance.table_readers, 3 * kMb);
  EXPECT_EQ(instance.touched(), (12 + 190 + 3) * kMb);
  EXPECT_EQ(instance.reserved(), (26 + 190 + 3) * kMb);
  EXPECT_EQ(process.instances[1].subtask, 1);
  EXPECT_FALSE(process.instances[1].memtables) << "not told is not 0";
  EXPECT_EQ(process.instances[1].reserved(), 1 * kMb);
}

TEST_F(RocksDb, OnlyWhatIsToldNowOfJobsThatRunOnKnownProcessesIsSeen) {
  EXPECT_TRUE(all().empty());
  tell(0, "a", {{}, {}, 150, {}, {}});
  EXPECT_TRUE(all().empty()) << "a capacity alone is no use";
  tell(0, "a", {100, 20, 150, {}, {}});
  EXPECT_EQ(all().size(), 1U);
  job_.state = "CANCELED";
  EXPECT_TRUE(all().empty());
  job_.state = "RUNNING";
  fake_.features.place(fake_.subtask("j1", "v1", 0), kNoEntity);
  EXPECT_TRUE(all().empty());
  fake_.features.place(fake_.subtask("j1", "v1", 0), process_);
  fake_.now += 2 * kMinuteMs;
  EXPECT_TRUE(all().empty()) << "old samples are not the present";
}

TEST_F(RocksDb, ReservedManagedMemoryIsSharedByTheSlots) {
  tell(0, "a", {100, 20, 100 * kCapacityShare, {}, {}});
  managed(200, 200);
  const RocksDbProcess process = judge();
  EXPECT_EQ(process.mode, RocksDbMode::managed);
  EXPECT_EQ(process.slots, 2);
  EXPECT_DOUBLE_EQ(process.share.value(), 100 * kMb);
  EXPECT_NE(process.share_source.find("/ 2 slots"), std::string::npos);
}

TEST_F(RocksDb, WhereTheCapacitySaysOtherwiseItIsTheShare) {
  // A job of other weights: the cache has half of what the slot's share would give it.
  tell(0, "a", {10, 20, 50 * kCapacityShare, {}, {}});
  managed(200, 200);
  EXPECT_EQ(judge().mode, RocksDbMode::managed);
  EXPECT_NEAR(judge().share.value(), 50 * kMb, 1);
  EXPECT_NE(judge().share_source.find("0.833"), std::string::npos);
  set("write-buffer-ratio", "0.9");  // the cache has 2.1 / 3 of the share
  EXPECT_NEAR(judge().share.value(), 50 * kCapacityShare / 0.7 * kMb, 1);
  set("write-buffer-ratio", "lots");
  EXPECT_NEAR(judge().share.value(), 50 * kMb, 1) << "as if it were not set";
}

TEST_F(RocksDb, NothingReservedIsUnmanaged) {
  tell(0, "a", {8, 20, 8, {}, {}});
  managed(0, 200);
  EXPECT_EQ(judge().mode, RocksDbMode::unmanaged);
  EXPECT_EQ(judge().share, 100 * kMb) << "what was meant for it and stays unused";
}

TEST_F(RocksDb, ACacheThatFitsNoShareIsUnmanagedThoughOthersReserve) {
  tell(0, "a", {8, 20, 8, {}, {}});
  managed(200, 200);
  EXPECT_EQ(judge().mode, RocksDbMode::unmanaged) << "8 of 100: less than two fifths";
  tell(0, "a", {8, 20, 41, {}, {}});
  EXPECT_EQ(judge().mode, RocksDbMode::managed);
}

TEST_F(RocksDb, WithoutTheReservationTheCapacityOrTheConfigurationTells) {
  tell(0, "a", {8, 20, 100 * kCapacityShare, {}, {}});
  EXPECT_EQ(judge().mode, RocksDbMode::unknown);
  EXPECT_FALSE(judge().share);
  fake_.facts.task_managers[0].memory.managed = 200 * kMb;
  EXPECT_EQ(judge().mode, RocksDbMode::managed);
  EXPECT_EQ(judge().share, 100 * kMb);
  set("managed", "false");
  EXPECT_EQ(judge().mode, RocksDbMode::unmanaged);
}

TEST_F(RocksDb, FixedMemoryPerSlotComesFirst) {
  tell(0, "a", {8, 20, 60, {}, {}});
  managed(200, 200);
  set("fixed-per-slot", "64mb");
  EXPECT_EQ(judge().mode, RocksDbMode::fixed_per_slot);
  EXPECT_EQ(judge().share, 64 * kMb);
  EXPECT_EQ(judge().share_source, "state.backend.rocksdb.memory.fixed-per-slot");
  set("fixed-per-slot", "160mb");
  EXPECT_EQ(judge().mode, RocksDbMode::managed) << "this job's cache is far smaller";
  set("fixed-per-slot", "0");
  EXPECT_EQ(judge().mode, RocksDbMode::managed);
}

TEST_F(RocksDb, FixedMemoryPerTaskManagerLeavesManagedMemoryUnused) {
  tell(0, "a", {8, 20, 60, {}, {}});
  set("fixed-per-tm", "64mb");
  managed(0, 200);
  EXPECT_EQ(judge().mode, RocksDbMode::fixed_per_tm);
  EXPECT_EQ(judge().share, 64 * kMb);
  managed(200, 200);
  EXPECT_EQ(judge().mode, RocksDbMode::managed);
}

TEST_F(RocksDb, EachJobOfAProcessIsItsOwn) {
  tell(0, "a", {100, 20, {}, {}, {}});
  fake_.job("j2", "clicks", "RUNNING", fake_.now - kHourMs);
  const EntityId task = fake_.subtask("j2", "v9", 3);
  fake_.features.place(task, process_);
  put(Metric::rocksdb_memtables, fake_.column_family(task, "op", "a"), 5);
  const RocksDbProcesses processes = all();
  ASSERT_EQ(processes.size(), 2U);
  const RocksDbInstance& other = processes.at({process_, "j2"}).instances.front();
  EXPECT_EQ(other.job, "clicks");
  EXPECT_EQ(other.vertex, "v9") << "its id, where the name is not known";
  EXPECT_FALSE(other.cache_usage);
}

TEST_F(RocksDb, WhatAJobSaysOfItsBackendDecides) {
  const auto uses = [&] { return uses_rocksdb(fake_.window(), job_); };
  EXPECT_EQ(uses(), UsesRocksDb::unknown);
  fake_.facts.configuration["state.backend.type"] = "hashmap";
  EXPECT_EQ(uses(), UsesRocksDb::unknown) << "a job may set its own";
  fake_.facts.configuration["state.backend.type"] = "RocksDB";
  EXPECT_EQ(uses(), UsesRocksDb::yes);
  job_.checkpoint_config = CheckpointConfig{};
  EXPECT_EQ(uses(), UsesRocksDb::yes) << "it says nothing";
  job_.checkpoint_config->state_backend = "HashMapStateBackend";
  EXPECT_EQ(uses(), UsesRocksDb::no);
  job_.checkpoint_config->state_backend = "EmbeddedRocksDBStateBackend";
  EXPECT_EQ(uses(), UsesRocksDb::yes);
  job_.checkpoint_config->state_backend = "ForStStateBackend";
  EXPECT_EQ(uses(), UsesRocksDb::yes);
}

}  // namespace
}  // namespace doctor
