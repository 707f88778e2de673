// Whatever the disk does, the history reopens and holds a prefix of what it was given: all that was
// acknowledged, nothing twice, nothing else. FLINK_DOCTOR_LONG=1 tries every point, not some.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "agent/history/state_file.hpp"
#include "agent/history/store.hpp"
#include "faulty_disk.hpp"
#include "history_kit.hpp"

namespace doctor {
namespace {

using Fault = FaultyDisk::Fault;

constexpr std::int64_t kRows = 24;
constexpr DurationMs kStep = 40 * kMinuteMs;  // a cycle seals, and ends one day
constexpr TimestampMs kFrom = kDayBegin + 14 * kHourMs;

int stride() { return std::getenv("FLINK_DOCTOR_LONG") != nullptr ? 1 : 23; }

class HistoryFaults : public HistoryTest {
 protected:
  struct Promised {
    std::int64_t kept{0};    // rows that a commit has taken
    std::int64_t synced{0};  // rows that a durable commit has taken
  };

  /// Writes all rows, whatever comes back.
  Promised write_cycle() {
    Promised promised;
    Archive archive(directory, {});
    for (std::int64_t i = 0; i < kRows; ++i) {
      const TimestampMs now = kFrom + i * kStep;
      archive.take({row(i, now)}, now);
      const bool durable = i % 3 == 2;
      if (!archive.commit(now, durable)) continue;
      promised.kept = i + 1;
      if (durable) promised.synced = i + 1;
      settle(archive, now);
    }
    // A fault may have struck the last commit.
    if (archive.commit(kFrom + (kRows - 1) * kStep, true)) promised = {kRows, kRows};
    return promised;
  }

  /// How many rows there are, if they are a prefix.
  std::int64_t check_prefix() const {
    const std::vector<HistoryPoint> found = points();
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto n = static_cast<std::int64_t>(i);
      EXPECT_EQ(found[i].at, kFrom + n * kStep);
      EXPECT_EQ(found[i].value, value(n));
    }
    return static_cast<std::int64_t>(found.size());
  }

  /// Opens it as the next process would, and writes one more row.
  void reopen() {
    Archive archive(directory, {});
    const TimestampMs now = kFrom + kRows * kStep;
    HistoryRow more = row(0, now);
    more.seq = 1000;
    more.source = 8;
    more.added->cluster = "other";
    archive.take({more}, now);
    const Status done = archive.commit(now, true);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    settle(archive, now);
  }

  void next_round() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
  }

  FaultyDisk disk;
};

TEST_F(HistoryFaults, AProcessThatIsKilledAnywhereLosesNothingThatWasCommitted) {
  int rounds = 0;
  for (int nth = 1;; nth += stride(), ++rounds) {
    disk.die_at(nth);
    const Promised promised = write_cycle();
    const bool was_killed = disk.has_struck();
    disk.heal();
    reopen();
    const std::int64_t found = check_prefix();
    ASSERT_GE(found, promised.kept) << "killed at operation " << nth;
    ASSERT_LE(found, promised.kept + kRows);
    if (!was_killed) {
      EXPECT_EQ(found, kRows);
      break;
    }
    ASSERT_EQ(corrupt_files(), 0U) << "killed at operation " << nth;
    next_round();
  }
  EXPECT_GT(rounds, 5);
}

TEST_F(HistoryFaults, APowerLossAnywhereLosesNothingThatWasSynced) {
  for (int nth = 1;; nth += stride()) {
    disk.die_at(nth);
    const Promised promised = write_cycle();
    const bool was_killed = disk.has_struck();
    disk.heal();
    disk.lose_power(static_cast<unsigned>(nth));
    reopen();
    ASSERT_GE(check_prefix(), promised.synced) << "lost power at operation " << nth;
    if (!was_killed) break;
    next_round();
  }
}

class HistoryFault : public HistoryFaults, public testing::WithParamInterface<Fault> {};

TEST_P(HistoryFault, OnceIsSurvivedWithoutALoss) {
  int rounds = 0;
  for (int nth = 1;; nth += stride(), ++rounds) {
    disk.fail(GetParam(), nth);
    write_cycle();
    const bool has_struck = disk.has_struck();
    disk.heal();
    reopen();
    ASSERT_EQ(check_prefix(), kRows) << "failed at operation " << nth;
    if (!has_struck) break;
    next_round();
  }
  EXPECT_GT(rounds, 0);
}

TEST_P(HistoryFault, ForGoodIsToldAndEndsWhenItEnds) {
  Archive archive(directory, {});
  archive.take({row(0, kFrom)}, kFrom);
  ASSERT_TRUE(archive.commit(kFrom, true));
  disk.fail(GetParam(), 1, true);
  for (std::int64_t i = 1; i < 10; ++i) {
    archive.take({row(i, kFrom + i * kStep)}, kFrom + i * kStep);
    const Status done = archive.commit(kFrom + i * kStep, true);
    const bool is_needed = GetParam() != Fault::open && GetParam() != Fault::read;
    EXPECT_TRUE(!is_needed || !done) << i;
    (void)archive.maintain(kFrom + i * kStep);
  }
  disk.heal();
  EXPECT_TRUE(archive.commit(kFrom + 10 * kStep, true));
  EXPECT_EQ(check_prefix(), 10);
}

INSTANTIATE_TEST_SUITE_P(Each, HistoryFault,
                         testing::Values(Fault::write, Fault::full, Fault::short_write, Fault::sync,
                                         Fault::open, Fault::read));

TEST_F(HistoryFaults, ADayThatCannotBeRenamedStaysAsItWasAndIsBinnedLater) {
  Archive archive(directory, {});
  for (std::int64_t i = 0; i < 3; ++i) {
    archive.take({row(i, kFrom + i * kMinuteMs)}, kFrom + i * kMinuteMs);
    ASSERT_TRUE(archive.commit(kFrom + i * kMinuteMs, true));
  }
  const TimestampMs later = kFrom + 3 * kDayMs;
  archive.take({row(3, later)}, later);
  ASSERT_TRUE(archive.commit(later, true));  // into the file of another day
  disk.fail(Fault::rename, 1, true);
  Result<bool> more = true;
  for (int i = 0; i < 100 && more && *more; ++i) more = archive.maintain(later);
  ASSERT_TRUE(disk.has_struck());
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().message.find("cannot rename"), std::string::npos);
  EXPECT_EQ(points().size(), 3U + 1U);
  disk.heal();
  settle(archive, later);
  EXPECT_EQ(points().size(), 1U + 1U);  // the last of a bin
}

TEST_F(HistoryFaults, WhatCannotBePutAsideIsNotWrittenOverAndTheNextPartTakesItsPlace) {
  const std::string damaged = history_path(directory, kDayBegin, 0, false);
  std::ofstream(damaged) << std::string(20'000, 'x');
  disk.fail(Fault::rename, 1, true);
  Archive archive(directory, {});
  archive.take({row(0, kFrom)}, kFrom);
  const Status done = archive.commit(kFrom, true);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  ASSERT_TRUE(disk.has_struck());
  EXPECT_EQ(points().size(), 1U);
  std::ifstream file(damaged);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), std::string(20'000, 'x'));
}

TEST_F(HistoryFaults, TheLastStateIsWrittenIntoTheReserveOfAFullDisk) {
  const std::string reserve = directory + "/reserve";
  const auto found = [&] {
    auto store = Store::open(std::make_shared<DataDirectory>(directory));
    return store ? (*store)->load()["key"].body : "no store";
  };
  const auto save = [&](const std::string& body) {
    auto store = Store::open(std::make_shared<DataDirectory>(directory));
    ASSERT_TRUE(store);
    (*store)->save("key", {body, 1});
  };
  save("first");
  ASSERT_TRUE(std::filesystem::exists(reserve));
  EXPECT_EQ(std::filesystem::file_size(reserve), static_cast<std::uintmax_t>(kReserveBytes));
  {
    auto store = Store::open(std::make_shared<DataDirectory>(directory));
    ASSERT_TRUE(store);
    disk.fail(Fault::full, 1);  // until the reserve is given back
    (*store)->save("key", {"last", 2});
    store->reset();  // the process ends: there is no second try but the one at once
    EXPECT_TRUE(disk.has_struck());
    disk.heal();
  }
  EXPECT_EQ(found(), "last");
  EXPECT_TRUE(std::filesystem::exists(reserve));  // taken again when there was room
}

TEST_F(HistoryFaults, ImagesAreTheLastOnesThatWereWritten) {
  const std::string path = directory + "/state.db";
  for (int nth = 1;; nth += (stride() + 5) / 6) {
    disk.die_at(nth);
    std::int64_t written = 0;
    if (const Result<StateFile> file = StateFile::open(path)) {
      for (std::int64_t i = 1; i <= 12; ++i) {
        if (!file->write({{"key", {std::to_string(i) + std::string(6000, 'x'), i}}})) break;
        written = i;
      }
    }
    const bool was_killed = disk.has_struck();
    disk.heal();
    disk.lose_power(static_cast<unsigned>(nth));
    const Result<StateFile> file = StateFile::open(path);
    ASSERT_TRUE(file) << file.error().message << ", killed at operation " << nth;
    std::uint64_t damaged = 0;
    const Result<Images> images = file->load(damaged);
    ASSERT_TRUE(images);
    const std::int64_t found = images->contains("key") ? images->at("key").mark : 0;
    ASSERT_TRUE(found == written || found == written + 1) << found << " of " << written;
    ASSERT_EQ(damaged, 0U);
    if (!was_killed) break;
    next_round();
  }
}

}  // namespace
}  // namespace doctor
