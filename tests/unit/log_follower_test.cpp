#include "agent/logs/log_follower.hpp"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace doctor {
namespace {

namespace fs = std::filesystem;

constexpr TimestampMs kBegin = 1'795'250'000'000;
constexpr const char* kFull = "2026-11-21 10:00:00,000 ERROR a.B [] - No space left on device\n";
constexpr const char* kFiles = "2026-11-21 10:00:00,000 ERROR a.B [] - Too many open files\n";

/// A directory of its own, and a follower whose clock the test moves.
class LogFollowing : public ::testing::Test {
 protected:
  LogFollowing() {
    std::string name = (fs::temp_directory_path() / "doctor-logs-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
    log_ = directory_ / "flink-root-taskexecutor-0-vm.log";
  }
  ~LogFollowing() override {
    std::error_code ignored;
    fs::permissions(directory_, fs::perms::owner_all, ignored);
    fs::remove_all(directory_, ignored);
  }

  std::string glob() const { return (directory_ / "*.log").string(); }

  static void append(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::app) << text;
  }

  /// A round, and so long after the one before that nothing waits: a listing, and all events.
  LogRound round(LogFollower& follower) {
    now_ += 2 * kMinuteMs;
    return follower.round(now_);
  }

  static std::uint64_t count(const LogRound& round, const std::string& pattern,
                             bool backlog = false) {
    std::uint64_t sum = 0;
    for (const LogEvent& event : round.events) {
      if (event.pattern == pattern && event.backlog == backlog) sum += event.count;
    }
    return sum;
  }

  fs::path directory_;
  fs::path log_;
  TimestampMs now_{kBegin};
};

TEST_F(LogFollowing, FollowsWhatIsAppended) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  EXPECT_TRUE(round(follower).events.empty());
  append(log_, kFull);
  const LogRound first = round(follower);
  ASSERT_EQ(first.events.size(), 1U);
  EXPECT_EQ(first.events[0].file, "flink-root-taskexecutor-0-vm.log");
  EXPECT_EQ(first.events[0].process, "taskmanager");
  EXPECT_EQ(first.reading.files, 1U);
  EXPECT_EQ(first.reading.lines, 1U);
  EXPECT_EQ(first.reading.processes, std::set<std::string>{"taskmanager"});
  EXPECT_FALSE(first.fault);
  append(log_, "2026-11-21 10:00:00,000 ERROR a.B [] - No space le");
  EXPECT_EQ(count(round(follower), "disk_full"), 0U);
  append(log_, "ft on device\n");
  EXPECT_EQ(count(round(follower), "disk_full"), 1U);
  EXPECT_EQ(count(round(follower), "disk_full"), 0U);
}

TEST_F(LogFollowing, OfAnOldFileOnlyTheEndIsReadAsBacklog) {
  Limits limits;
  limits.log_first_bytes_max = 1000;
  append(log_, kFull);
  append(log_, std::string(2000, 'x') + "\n" + kFiles);
  LogFollower follower(glob(), limits);
  const LogRound first = round(follower);
  EXPECT_EQ(count(first, "disk_full", true), 0U);
  EXPECT_EQ(count(first, "open_files", true), 1U);
  EXPECT_EQ(count(first, "open_files", false), 0U);
  EXPECT_EQ(first.bytes, 1000U);
  EXPECT_EQ(first.reading.bytes_skipped, 0U);
  append(log_, kFiles);
  EXPECT_EQ(count(round(follower), "open_files", false), 1U);
}

TEST_F(LogFollowing, RotationByRenameLosesNothingAndCountsNothingTwice) {
  append(log_, "");
  LogFollower follower((directory_ / "*").string(), Limits{});
  round(follower);
  append(log_, kFull);
  fs::rename(log_, log_.string() + ".1");
  append(log_.string() + ".1", kFull);
  append(log_, kFiles);
  const LogRound rotated = round(follower);
  EXPECT_EQ(count(rotated, "disk_full"), 2U);
  EXPECT_EQ(count(rotated, "open_files"), 1U);
  const LogRound later = round(follower);
  EXPECT_TRUE(later.events.empty());
  EXPECT_EQ(later.reading.files, 1U);
}

TEST_F(LogFollowing, CopytruncateStartsOver) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  round(follower);
  append(log_, std::string(kFull) + kFull);
  EXPECT_EQ(count(round(follower), "disk_full"), 2U);
  fs::resize_file(log_, 0);
  append(log_, kFiles);
  EXPECT_EQ(count(round(follower), "open_files"), 1U);
}

TEST_F(LogFollowing, CopytruncateIsSeenEvenWhenTheFileHasGrownPastItsOldEnd) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  round(follower);
  append(log_, kFull);
  round(follower);
  fs::resize_file(log_, 0);
  append(log_, std::string(kFiles) + kFiles + kFiles);
  EXPECT_EQ(count(round(follower), "open_files"), 3U);
}

TEST_F(LogFollowing, ZerosThatTruncationUnderAWriterLeavesHideNoLine) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  round(follower);
  append(log_, kFull);
  round(follower);
  fs::resize_file(log_, 0);
  fs::resize_file(log_, 30'000);  // the writer carries on where it was
  append(log_, kFiles);
  EXPECT_EQ(count(round(follower), "open_files"), 1U);
}

TEST_F(LogFollowing, DeletedAndCreatedAnewIsReadFromItsBeginning) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  round(follower);
  append(log_, kFull);
  fs::remove(log_);
  const LogRound gone = round(follower);
  EXPECT_EQ(count(gone, "disk_full"), 1U) << "written before it was deleted";
  EXPECT_EQ(gone.reading.files, 0U);
  ASSERT_TRUE(gone.fault);
  EXPECT_EQ(gone.fault->code, ErrorCode::gone);
  append(log_, kFiles);
  const LogRound back = round(follower);
  EXPECT_EQ(count(back, "open_files"), 1U);
  EXPECT_FALSE(back.fault);
}

TEST_F(LogFollowing, ReplacedBetweenTwoListingsIsNoticedAtOnce) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  round(follower);
  fs::remove(log_);
  append(log_, kFiles);
  EXPECT_EQ(count(follower.round(now_ + 1), "open_files"), 1U);
}

TEST_F(LogFollowing, AFileThatAppearsLaterIsReadFromItsBeginning) {
  LogFollower follower((directory_ / "later" / "*.log").string(), Limits{});
  const LogRound nothing = round(follower);
  ASSERT_TRUE(nothing.fault);
  EXPECT_EQ(nothing.fault->code, ErrorCode::gone);
  fs::create_directory(directory_ / "later");
  append(directory_ / "later" / "jobmanager.log", kFull);
  const LogRound found = round(follower);
  EXPECT_EQ(count(found, "disk_full"), 1U);
  EXPECT_EQ(found.events.at(0).process, "jobmanager");
}

TEST_F(LogFollowing, ALineOfAHundredMegabytesIsBoundedAndCounted) {
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  round(follower);
  {
    std::ofstream file(log_, std::ios::binary | std::ios::app);
    const std::string window(1U << 20U, 'x');
    for (int i = 0; i < 100; ++i) file << window;
    file << '\n' << kFull;
  }
  const LogRound first = round(follower);
  EXPECT_EQ(count(first, "disk_full"), 1U);
  EXPECT_LE(first.bytes, Limits{}.log_round_bytes_max);
  EXPECT_GT(first.reading.bytes_skipped, 80U << 20U);
  EXPECT_EQ(first.bytes + first.reading.bytes_skipped, fs::file_size(log_));
}

TEST_F(LogFollowing, WhatGrowsFasterThanTheBudgetIsSkippedAndCounted) {
  Limits limits;
  limits.log_round_bytes_max = 10'000;
  append(log_, "");
  LogFollower follower(glob(), limits);
  round(follower);
  std::uint64_t written = 0;
  LogRound last;
  for (int i = 0; i < 20; ++i) {
    const std::string burst = std::string(30'000, 'x') + "\n" + kFull;
    append(log_, burst);
    written += burst.size();
    last = round(follower);
  }
  EXPECT_GT(last.reading.bytes_skipped, 0U);
  while (last.bytes + last.reading.bytes_skipped < written) {
    const std::uint64_t before = last.bytes;
    last = round(follower);
    ASSERT_GT(last.bytes, before);
  }
  EXPECT_EQ(last.bytes + last.reading.bytes_skipped, written) << "nothing is lost silently";
}

/// Root may read everything: this thread looks at files as somebody else while this lives.
class Stranger {
 public:
  Stranger() : before_(::setfsuid(kNobody)) {}
  ~Stranger() { ::setfsuid(static_cast<uid_t>(before_)); }
  static bool is_possible() {
    const Stranger stranger;
    return ::setfsuid(static_cast<uid_t>(-1)) == static_cast<int>(kNobody);
  }

 private:
  static constexpr uid_t kNobody = 65534;
  int before_;
};

TEST_F(LogFollowing, NoPermissionIsAReasonAndNotAnEmptyFile) {
  if (::geteuid() == 0 && !Stranger::is_possible()) GTEST_SKIP() << "root may read everything";
  append(log_, kFull);
  fs::permissions(directory_, static_cast<fs::perms>(0755));
  fs::permissions(log_, fs::perms::none);
  LogFollower follower(glob(), Limits{});
  const auto round_as_stranger = [&] {
    const Stranger stranger;
    return round(follower);
  };
  const LogRound refused = round_as_stranger();
  ASSERT_TRUE(refused.fault);
  EXPECT_EQ(refused.fault->code, ErrorCode::io);
  EXPECT_EQ(refused.reading.files, 0U);
  fs::permissions(log_, static_cast<fs::perms>(0644));
  const LogRound granted = round_as_stranger();
  EXPECT_EQ(count(granted, "disk_full", true), 1U) << "it was there before us";
  EXPECT_FALSE(granted.fault);
}

TEST_F(LogFollowing, OnlyRegularFilesAreOpened) {
  ASSERT_EQ(::mkfifo((directory_ / "pipe.log").c_str(), 0600), 0);
  fs::create_directory(directory_ / "directory.log");
  fs::create_symlink(directory_ / "nowhere", directory_ / "dangling.log");
  LogFollower any(glob(), Limits{});
  const LogRound nothing = round(any);
  EXPECT_EQ(nothing.reading.files, 0U);
  EXPECT_EQ(nothing.fault->code, ErrorCode::gone);
  const Result<LogFile> pipe = LogFile::open((directory_ / "pipe.log").string());
  ASSERT_FALSE(pipe);
  EXPECT_EQ(pipe.error().code, ErrorCode::malformed);
}

TEST_F(LogFollowing, OfTooManyFilesTheNewestAreFollowedAndTheRestIsCounted) {
  Limits limits;
  limits.log_files_max = 2;
  const auto moment = fs::file_time_type::clock::now();
  for (int i = 0; i < 5; ++i) {
    const fs::path path = directory_ / ("taskmanager-" + std::to_string(i) + ".log");
    append(path, "");
    fs::last_write_time(path, moment - std::chrono::hours(i));
  }
  LogFollower follower(glob(), limits);
  const LogRound first = round(follower);
  EXPECT_EQ(first.reading.files, 2U);
  EXPECT_EQ(first.reading.files_left_out, 3U);
  append(directory_ / "taskmanager-4.log", kFull);
  fs::last_write_time(directory_ / "taskmanager-4.log", moment + std::chrono::hours(1));
  const LogRound second = round(follower);
  EXPECT_EQ(second.reading.files, 2U);
  EXPECT_EQ(count(second, "disk_full", true), 1U) << "it is followed now, but was there before";
}

TEST_F(LogFollowing, APathThatCannotBeLookedUpIsAReason) {
  fs::create_symlink(directory_ / "loop.log", directory_ / "loop.log");
  append(log_, "");
  LogFollower follower(glob(), Limits{});
  const LogRound first = round(follower);
  EXPECT_EQ(first.reading.files, 1U) << "the others are followed all the same";
  ASSERT_TRUE(first.fault);
  EXPECT_EQ(first.fault->code, ErrorCode::io);
}

TEST_F(LogFollowing, MoreEntriesThanAreLookedAtIsSaid) {
  for (int i = 0; i < 20; ++i) append(directory_ / (std::to_string(i) + ".txt"), "");
  EXPECT_FALSE(find_files(glob(), 100).fault);
  const GlobFound found = find_files(glob(), 10);
  ASSERT_TRUE(found.fault);
  EXPECT_EQ(found.fault->code, ErrorCode::too_large);
}

TEST_F(LogFollowing, GlobsReachIntoDirectories) {
  fs::create_directories(directory_ / "pods" / "a" / "main");
  fs::create_directories(directory_ / "pods" / ".hidden" / "main");
  append(directory_ / "pods" / "a" / "main" / "0.log", "");
  append(directory_ / "pods" / "a" / "main" / "0.log.20261121-101010", "");
  append(directory_ / "pods" / ".hidden" / "main" / "0.log", "");
  const GlobFound found = find_files((directory_ / "pods/*/main/?.log*").string(), 100);
  EXPECT_EQ(found.paths,
            std::vector<std::string>{(directory_ / "pods" / "a" / "main" / "0.log").string()});
  EXPECT_TRUE(find_files((directory_ / "pods/a/main/0.log").string(), 100).paths.size() == 1);
}

TEST(LogGlob, OnlyAbsolutePathsWillDo) {
  EXPECT_TRUE(parse_log_glob("/opt/flink/log/*.log"));
  for (const std::string& text : {std::string("log/*.log"), std::string(""), std::string("/opt/"),
                                  std::string("/a\0b", 4), "/" + std::string(2000, 'x')}) {
    EXPECT_FALSE(parse_log_glob(text)) << text;
  }
}

TEST(LogGlob, RotatedNamesAreTold) {
  for (const char* name : {"a.log.1", "a.log.2026-11-21", "0.log.20261121-101010", "a.log.gz"}) {
    EXPECT_TRUE(is_rotated_name(name)) << name;
  }
  for (const char* name : {"a.log", "a.out", "0.log", "a", "a.", "log.1a"}) {
    EXPECT_FALSE(is_rotated_name(name)) << name;
  }
}

}  // namespace
}  // namespace doctor
