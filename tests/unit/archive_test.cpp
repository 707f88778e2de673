#include "agent/history/archive.hpp"

#include <sqlite3.h>

#include <fstream>

#include "agent/history/data_directory.hpp"
#include "history_kit.hpp"

namespace doctor {
namespace {

namespace fs = std::filesystem;

class ArchiveTest : public HistoryTest {
 protected:
  /// Rows [from, to) a quarter of a minute apart, committed in fours.
  void fill(Archive& archive, std::int64_t from, std::int64_t to,
            DurationMs step = 15 * kSecondMs) {
    for (std::int64_t i = from; i < to; ++i) {
      const TimestampMs now = kDayBegin + i * step;
      archive.take({row(i, now)}, now);
      if (i % 4 == 3) {
        ASSERT_TRUE(archive.commit(now, false));
      }
      if (i % 40 == 39) settle(archive, now);
    }
    ASSERT_TRUE(archive.commit(kDayBegin + to * step, true));
  }
  std::int64_t count(const std::string& path, const char* sql) const {
    const Result<Database> file = Database::open(path, Database::Access::read, 1, "");
    return file ? *file->number(sql) : -1;
  }
  std::string day_path(int day = 0) const {
    return history_path(directory, kDayBegin + day * kDayMs, 0, false);
  }
};

TEST_F(ArchiveTest, RowsAreSealedBySlotsOfTwoHoursAndReadBack) {
  Archive archive(directory, {});
  fill(archive, 0, 1440);  // six hours
  settle(archive, kDayBegin + 1440 * 15 * kSecondMs);
  EXPECT_GE(count(day_path(), "SELECT count(*) FROM chunk"), 2);
  EXPECT_LE(count(day_path(), "SELECT count(*) FROM chunk"), 4);
  EXPECT_LT(count(day_path(), "SELECT count(*) FROM journal"), 500);
  const std::vector<HistoryPoint> found = points();
  ASSERT_EQ(found.size(), 1440U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].value, value(static_cast<std::int64_t>(i)));
  }
  EXPECT_EQ(points("jvm_threads").size(), 720U);  // absent every second time, not zero
}

TEST_F(ArchiveTest, ADayThatIsOverIsRewrittenInBinsOfFiveMinutes) {
  Archive archive(directory, {});
  fill(archive, 0, 480);
  const TimestampMs later = kDayBegin + 2 * kDayMs + kHourMs;
  HistoryRow more = row(0, later);
  more.seq = 100'000;
  more.source = 9;
  archive.take({more}, later);
  ASSERT_TRUE(archive.commit(later, true));
  settle(archive, later);
  EXPECT_FALSE(fs::exists(day_path()));
  EXPECT_TRUE(fs::exists(history_path(directory, kDayBegin, 0, true)));
  const std::vector<HistoryPoint> counter = points();
  ASSERT_EQ(counter.size(), 24U + 1U);
  EXPECT_TRUE(counter[1].is_bin);
  EXPECT_EQ(counter[1].at, kDayBegin + 5 * kMinuteMs);
  EXPECT_EQ(counter[1].value, value(39));  // the last of its 20
  EXPECT_FALSE(counter[1].range);
  const std::vector<HistoryPoint> gauge = points("jvm_heap_used");
  ASSERT_TRUE(gauge.at(1).range);
  EXPECT_EQ(gauge[1].range->least, 0);
  EXPECT_DOUBLE_EQ(gauge[1].range->most, 0.6);
  EXPECT_NEAR(gauge[1].range->mean, 0.3, 0.05);
  EXPECT_FALSE(counter.back().is_bin);
}

TEST_F(ArchiveTest, TheOldestGoesFirstByDaysAndByBytes) {
  HistorySettings settings;
  settings.days = 3;
  Archive archive(directory, settings);
  for (int day = 0; day < 6; ++day) {
    const TimestampMs now = kDayBegin + day * kDayMs;
    archive.take({row(day, now)}, now);
    ASSERT_TRUE(archive.commit(now, true));
    settle(archive, now);
  }
  std::vector<HistoryFile> files = history_files(directory);
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files.front().day, kDayBegin + 2 * kDayMs);

  settings.bytes_max = 100'000;
  Archive small(directory, settings);
  settle(small, kDayBegin + 5 * kDayMs);
  files = history_files(directory);
  ASSERT_FALSE(files.empty());
  EXPECT_GT(files.front().day, kDayBegin + 2 * kDayMs);
  EXPECT_EQ(files.back().day, kDayBegin + 5 * kDayMs);
  EXPECT_LE(small.bytes(), 100'000U);
}

TEST_F(ArchiveTest, ALargeFileIsFollowedByAnotherPartOfItsDay) {
  HistorySettings settings;
  settings.bytes_max = 8 * 40'000;
  Archive archive(directory, settings);
  fill(archive, 0, 1200);
  settle(archive, kDayBegin + kHourMs);
  const std::vector<HistoryFile> files = history_files(directory);
  EXPECT_GT(files.size(), 1U);
  EXPECT_EQ(files.back().day, kDayBegin);
  const std::vector<HistoryPoint> found = points();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back().value, value(1199));
}

TEST_F(ArchiveTest, AForeignFileIsPutAsideAndTheirNumberIsBounded) {
  for (int i = 0; i < 8; ++i) {
    std::ofstream(day_path(), std::ios::trunc) << std::string(20'000, 'x');
    fs::remove(day_path() + "-wal");
    Archive archive(directory, {});
    archive.take({row(0, kDayBegin)}, kDayBegin);
    ASSERT_TRUE(archive.commit(kDayBegin, true)) << i;
    EXPECT_GE(archive.damaged(), 1U);
    EXPECT_EQ(points().size(), 1U);
  }
  EXPECT_EQ(corrupt_files(), kCorruptMax);
}

TEST_F(ArchiveTest, ADamagedOlderFileIsPutAsideAndTheRestGoesOn) {
  {
    Archive archive(directory, {});
    fill(archive, 0, 40);
  }
  fs::resize_file(day_path(), fs::file_size(day_path()) / 2);
  Archive archive(directory, {});
  const TimestampMs later = kDayBegin + kDayMs;
  archive.take({row(0, later)}, later);
  ASSERT_TRUE(archive.commit(later, true));
  for (int i = 0; i < 20; ++i) (void)archive.maintain(later);
  EXPECT_EQ(points().back().at, later);
}

TEST_F(ArchiveTest, AFlippedByteCostsItsRowsAndNoFalseValueIsRead) {
  {
    Archive archive(directory, {});
    fill(archive, 0, 1000);
    settle(archive, kDayBegin + 1000 * 15 * kSecondMs);
  }
  std::string bytes;
  {
    std::ifstream file(day_path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::size_t shorter = 0;
  for (std::size_t at = 100; at < bytes.size(); at += bytes.size() / 61) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    std::ofstream(day_path(), std::ios::binary | std::ios::trunc) << flipped;
    const std::vector<HistoryPoint> found = points();
    if (found.size() < 1000) ++shorter;
    for (const HistoryPoint& point : found) {
      const std::int64_t i = (point.at - kDayBegin) / (15 * kSecondMs);
      ASSERT_EQ(point.at, kDayBegin + i * 15 * kSecondMs);
      ASSERT_EQ(point.value, value(i)) << "byte " << at;
    }
  }
  EXPECT_GT(shorter, 0U);
}

TEST_F(ArchiveTest, AFileOfANewerVersionIsLeftAlone) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(day_path().c_str(), &handle), SQLITE_OK);
  sqlite3_exec(handle, "CREATE TABLE future(x); PRAGMA user_version=2", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  Archive archive(directory, {});
  archive.take({row(0, kDayBegin)}, kDayBegin);
  const Status done = archive.commit(kDayBegin, true);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("newer flink-doctor"), std::string::npos);
  EXPECT_EQ(corrupt_files(), 0U);
}

TEST_F(ArchiveTest, AClockThatIsSetBackNeitherLosesRowsNorHangs) {
  Archive archive(directory, {});
  for (std::int64_t i = 0; i < 30; ++i) {
    const TimestampMs now = kDayBegin + 3 * kDayMs - i * 2 * kHourMs;
    archive.take({row(i, now)}, now);
    ASSERT_TRUE(archive.commit(now, true));
    settle(archive, now);
  }
  EXPECT_EQ(points().size(), 30U);
}

}  // namespace
}  // namespace doctor
