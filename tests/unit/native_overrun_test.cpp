#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/fake_features.hpp"

namespace doctor {

namespace detectors {
extern const Detector native_overrun;
}

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr double kMib = 1024.0 * 1024.0;

struct Slots {
  Slots() {
    process = fake.task_manager("tm-1", "host-1", 2);
    MemoryConfiguration& memory = fake.facts.task_managers.back().memory;
    memory.managed = 512 * kMib;
    memory.overhead = 192 * kMib;
    memory.total_process = 1728 * kMib;
    JobFacts& job = fake.job("j", "sessions", "RUNNING", fake.now - kHourMs);
    job.checkpoint_config = CheckpointConfig{};
    job.checkpoint_config->state_backend = "EmbeddedRocksDBStateBackend";
    VertexFacts vertex;
    vertex.id = "v";
    vertex.name = "aggregate";
    job.vertices = {vertex};
  }
  EntityId family(std::uint32_t subtask, const std::string& name) {
    const EntityId of_subtask = fake.subtask("j", "v", subtask);
    fake.features.place(of_subtask, process);
    return fake.column_family(of_subtask, "aggregate", name);
  }
  void put(EntityId cf, double capacity, double usage, double memtables, double readers) {
    FakeFeatures& features = fake.features;
    features.put(Metric::rocksdb_block_cache_capacity, cf, fake.now, capacity * kMib);
    features.put(Metric::rocksdb_block_cache_usage, cf, fake.now, usage * kMib);
    features.put(Metric::rocksdb_memtables, cf, fake.now, memtables * kMib);
    features.put(Metric::rocksdb_table_readers, cf, fake.now, readers * kMib);
  }
  void reserve(double used, double total) {
    fake.features.put(Metric::managed_used, process, fake.now, used * kMib);
    fake.features.put(Metric::managed_total, process, fake.now, total * kMib);
  }
  // Two slots of 256 MiB, six column families in each, all on the slot's cache.
  void managed(double usage, double memtables = 8, double readers = 0.1) {
    reserve(512, 512);
    for (std::uint32_t subtask = 0; subtask < 2; ++subtask) {
      for (int i = 0; i < 6; ++i) {
        put(family(subtask, "state-" + std::to_string(i)), 0.8333 * 256, usage, memtables, readers);
      }
    }
  }
  // In both slots, or in the first only: that many column families in all.
  void unmanaged(int families, double memtables, std::uint32_t slots = 2) {
    reserve(0, 512);
    for (int i = 0; i < families; ++i) {
      const auto subtask = static_cast<std::uint32_t>(i) % slots;
      put(family(subtask, "state-" + std::to_string(i)), 8, 8, memtables, 1);
    }
  }
  Verdict judge() { return fake.judge(detectors::native_overrun); }
  Finding expect_one(Severity severity) {
    const Verdict verdict = judge();
    EXPECT_EQ(verdict.findings.size(), 1U) << verdict.why;
    if (verdict.findings.empty()) return {};
    EXPECT_EQ(verdict.findings.front().severity, severity) << verdict.findings.front().summary;
    return verdict.findings.front();
  }

  FakeCluster fake;
  EntityId process{};
};

struct NativeOverrun : ::testing::Test, Slots {};

TEST_F(NativeOverrun, AFullSharedCacheIsByDesign) {
  managed(0.8333 * 256);
  EXPECT_EQ(judge().state, DetectorState::ok);
  managed(250);  // above capacity, within the share
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(NativeOverrun, MemtablesAreChargedToTheSharedCacheAndNotAddedAgain) {
  managed(200, 80);  // 949 MB were reported like that at 628 MB resident
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(NativeOverrun, ACacheAboveTheSlotsShareIsReportedOnItsTaskManager) {
  managed(300);
  const Finding finding = expect_one(Severity::warning);
  EXPECT_EQ(finding.subject.host, "host-1");
  EXPECT_EQ(finding.subject.process, "taskmanager");
  EXPECT_NEAR(finding.evidence[0].value.value_or(0), 300.6 * kMib, kMib);
  EXPECT_EQ(finding.evidence[0].limit, 256 * kMib);
  EXPECT_THAT(finding.evidence[0].limit_source, HasSubstr("2 slots"));
  EXPECT_THAT(finding.evidence[1].sentence, HasSubstr("\"sessions\" / aggregate"));
  EXPECT_EQ(finding.remedy[0].option, "taskmanager.memory.managed.size");
  EXPECT_EQ(finding.remedy[0].current, "512m");
}

TEST_F(NativeOverrun, IndexAndFilterBlocksOutsideTheCacheCount) {
  managed(200, 8, 10);
  expect_one(Severity::warning);
}

TEST_F(NativeOverrun, BeyondTheOverheadItPages) {
  managed(460);
  expect_one(Severity::critical);
}

TEST_F(NativeOverrun, UnmanagedColumnFamiliesAddUp) {
  unmanaged(10, 64);  // 10 * (56 + 8 + 1) = 650 MiB
  const Finding finding = expect_one(Severity::warning);
  EXPECT_NEAR(finding.evidence[0].value.value_or(0), 650 * kMib, 1);
  EXPECT_EQ(finding.evidence[0].limit, 512 * kMib);
  EXPECT_EQ(finding.remedy[0].option, "state.backend.rocksdb.memory.managed");
  EXPECT_EQ(finding.remedy[0].value, "true");
  unmanaged(12, 64);  // 780 MiB, more than managed memory and overhead together
  EXPECT_THAT(expect_one(Severity::critical).summary, HasSubstr("killed"));
}

TEST_F(NativeOverrun, UnmanagedIsMeasuredAgainstTheSlotsThatRunIt) {
  unmanaged(5, 64);  // 325 MiB over two slots of 256
  EXPECT_EQ(judge().state, DetectorState::ok);
  Slots one_slot;
  one_slot.unmanaged(5, 64, 1);
  const Finding finding = one_slot.expect_one(Severity::warning);
  EXPECT_EQ(finding.evidence[0].limit, 256 * kMib);
  EXPECT_THAT(finding.evidence[0].limit_source, HasSubstr("1 slot"));
}

TEST_F(NativeOverrun, UntouchedArenaBlocksAreNotUse) {
  unmanaged(30, 8);  // 30 * (0 + 8 + 1) = 270 MiB touched, 510 reserved
  EXPECT_EQ(judge().state, DetectorState::ok);
}

TEST_F(NativeOverrun, UnmanagedOnConfigurationWordWhenFlinkShowsNoReservation) {
  for (std::uint32_t i = 0; i < 10; ++i) {
    put(family(i % 2, "state-" + std::to_string(i)), 8, 8, 64, 1);
  }
  const Verdict verdict = judge();
  EXPECT_EQ(verdict.state, DetectorState::blind);
  EXPECT_THAT(verdict.unjudged, Contains("tm-1"));
  fake.facts.configuration["state.backend.rocksdb.memory.managed"] = "false";
  expect_one(Severity::warning);
}

TEST_F(NativeOverrun, AFixedAmountPerSlotIsTheLimit) {
  fake.facts.configuration["state.backend.rocksdb.memory.fixed-per-slot"] = "128mb";
  reserve(0, 512);
  put(family(0, "a"), 0.8333 * 128, 120, 8, 0);
  EXPECT_EQ(judge().state, DetectorState::ok);
  put(family(0, "a"), 0.8333 * 128, 140, 8, 0);
  EXPECT_EQ(expect_one(Severity::warning).remedy[0].option,
            "state.backend.rocksdb.memory.fixed-per-slot");
}

TEST_F(NativeOverrun, PinPressureIsAStatementOfItsOwn) {
  managed(300);
  fake.features.put(Metric::rocksdb_block_cache_pinned_usage, family(0, "state-0"), fake.now,
                    200 * kMib);
  EXPECT_THAT(expect_one(Severity::warning).evidence.back().sentence, HasSubstr("pinned"));
}

TEST_F(NativeOverrun, WithoutNativeMetricsItSaysWhatToEnable) {
  const Verdict verdict = judge();
  EXPECT_EQ(verdict.state, DetectorState::blind);
  EXPECT_THAT(verdict.enable, Contains("state.backend.rocksdb.metrics.block-cache-usage: true"));
  EXPECT_THAT(verdict.enable, Contains(HasSubstr("metrics.reporter.prom.port")));
}

TEST_F(NativeOverrun, WithoutRocksDbThereIsNothingToJudge) {
  fake.jobs.front()->checkpoint_config->state_backend = "HashMapStateBackend";
  EXPECT_EQ(judge().state, DetectorState::ok);
  fake.jobs.front()->checkpoint_config.reset();
  EXPECT_EQ(judge().state, DetectorState::ok);
  fake.facts.configuration["state.backend.type"] = "rocksdb";
  EXPECT_EQ(judge().state, DetectorState::blind);
}

TEST_F(NativeOverrun, OldSamplesAndEndedJobsDoNotSpeak) {
  managed(300);
  fake.now += 5 * kMinuteMs;
  EXPECT_EQ(judge().state, DetectorState::blind);
  fake.jobs.front()->state = "CANCELED";
  EXPECT_EQ(judge().state, DetectorState::ok);
}

}  // namespace
}  // namespace doctor
