// The real disk: what it must not open, follow or hold; and patience with what hangs.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/host/patient_files.hpp"
#include "tests/unit/host_fixtures.hpp"

namespace doctor::test {
namespace {

using host::Place;

class Disk : public ::testing::Test {
 protected:
  Disk() : root_(::testing::TempDir() + "flink-doctor-files-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ + "/inside/etc");
    std::ofstream(root_ + "/outside") << "secret";
    std::ofstream(root_ + "/inside/file") << "0123456789";
    std::ofstream(root_ + "/inside/etc/hostname") << "theirs";
  }
  ~Disk() override { std::filesystem::remove_all(root_); }
  Place inside(const std::string& path) const { return {path, root_ + "/inside"}; }

  DiskFiles files_;
  std::string root_;
};

TEST_F(Disk, ReadsWholeFilesOrNone) {
  EXPECT_EQ(*files_.read(inside("/file"), 10), "0123456789");
  EXPECT_EQ(files_.read(inside("/file"), 9).error().code, ErrorCode::too_large);
  EXPECT_EQ(*files_.head(inside("/file"), 4), "0123");
  EXPECT_EQ(files_.read(inside("/missing"), 9).error().code, ErrorCode::gone);
  EXPECT_EQ(files_.read(inside("/file/below"), 9).error().code, ErrorCode::gone);
}

TEST_F(Disk, LinksStayBelowTheRoot) {
  std::filesystem::create_symlink("/etc/hostname", root_ + "/inside/absolute");
  std::filesystem::create_symlink("../../../../outside", root_ + "/inside/upwards");
  std::filesystem::create_symlink("loop", root_ + "/inside/loop");
  EXPECT_EQ(*files_.read(inside("/absolute"), 99), "theirs");
  EXPECT_EQ(files_.read(inside("/upwards"), 99).error().code, ErrorCode::gone);
  EXPECT_EQ(files_.read(inside("/../outside"), 99).error().code, ErrorCode::gone);
  EXPECT_EQ(files_.read(inside("/loop"), 99).error().code, ErrorCode::malformed);
  EXPECT_EQ(*files_.link(inside("/absolute")), "/etc/hostname");
}

TEST_F(Disk, OpensNeitherPipesNorDevices) {
  ASSERT_EQ(::mkfifo((root_ + "/inside/pipe").c_str(), 0600), 0);
  EXPECT_EQ(files_.read(inside("/pipe"), 99).error().code, ErrorCode::malformed);
  EXPECT_EQ(files_.head({"/dev/zero"}, 99).error().code, ErrorCode::malformed);
  EXPECT_EQ(files_.read(inside("/"), 99).error().code, ErrorCode::malformed);
}

TEST_F(Disk, ListsWithinACap) {
  EXPECT_EQ(*files_.list(inside("/"), 10), (std::vector<std::string>{"etc", "file"}));
  EXPECT_EQ(files_.list(inside("/"), 1).error().code, ErrorCode::too_large);
  EXPECT_EQ(*files_.count(inside("/"), 2), 2U);
  EXPECT_EQ(files_.count(inside("/"), 1).error().code, ErrorCode::too_large);
  EXPECT_EQ(files_.list(inside("/file"), 9).error().code, ErrorCode::gone);
  EXPECT_TRUE(files_.info(inside("/"))->directory);
  EXPECT_EQ(files_.info(inside("/file"))->size_bytes, 10U);
  const auto space = files_.space(inside("/"));
  ASSERT_TRUE(space);
  EXPECT_GE(space->size_bytes, space->available_bytes);
  EXPECT_GT(space->latency_seconds, 0);
}

// Only what hangs waits this long; the rest must not seem to hang on a busy machine.
constexpr DurationMs kPatienceMs = 2 * kSecondMs;

TEST(PatientFiles, GiveWhatTheDiskGives) {
  PatientFiles files(std::make_shared<DiskFiles>(), 10 * kSecondMs);
  const std::string proc = machine("vm").proc;
  EXPECT_EQ(*files.read({proc + "/sys/kernel/hostname"}, 99), "vm7\n");
  EXPECT_EQ(files.read({proc + "/none"}, 99).error().code, ErrorCode::gone);
  EXPECT_EQ(*files.count({proc + "/4242/fd"}, 99), 5U);
  EXPECT_EQ(*files.link({proc + "/4242/fd/200"}), "socket:[90001]");
  EXPECT_TRUE(files.space({proc}).ok());
  EXPECT_EQ(files.hanging(), 0U);
}

TEST(PatientFiles, LeaveOneReaderBehindAndAskAgainWhenItIsBack) {
  auto disk = std::make_shared<SpoiledFiles>();
  disk->hang("/data");
  PatientFiles files(disk, kPatienceMs);
  const std::string root = machine("vm").proc + "/../root";
  EXPECT_EQ(files.space({root + "/data"}).error().code, ErrorCode::timeout);
  EXPECT_EQ(files.hanging(), 1U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(files.space({root + "/data"}).error().code, ErrorCode::timeout);
    EXPECT_EQ(files.list({root + "/data/tmp"}, 9).error().code, ErrorCode::timeout);  // below
    EXPECT_TRUE(files.info({root}).ok());
  }
  EXPECT_EQ(disk->asked("/data"), 1);
  EXPECT_EQ(disk->asked("/data/tmp"), 0);
  EXPECT_EQ(files.hanging(), 1U);
  EXPECT_EQ(files.list({root + "/database"}, 9).error().code, ErrorCode::gone);  // not below
  disk->release();
  ASSERT_TRUE(disk->wait_until_returned());
  for (int i = 0; i < 1000 && files.hanging() > 0; ++i) ::usleep(10'000);
  EXPECT_TRUE(files.space({root + "/data"}).ok());
}

TEST(PatientFiles, NeverLeaveMoreThanAFewBehind) {
  auto disk = std::make_shared<SpoiledFiles>();
  disk->hang("x");
  PatientFiles files(disk, 1);
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(files.info({"/" + std::to_string(i) + "x", "/root"}));
  }
  EXPECT_EQ(files.hanging(), PatientFiles::kHangingDisksMax);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(files.info({"/" + std::to_string(i) + "x"}).error().code, ErrorCode::timeout);
  }
  EXPECT_EQ(files.hanging(), PatientFiles::kHangingMax);
  EXPECT_EQ(files.info({"/quick"}).error().code,
            ErrorCode::timeout);  // blind rather than unbounded
  disk->release();
}

TEST(PatientFiles, ADeadNetworkDiskHidesOnlyItself) {
  auto disk = std::make_shared<SpoiledFiles>();
  disk->hang("/mnt/check points/flink");
  PatientFiles files(disk, kPatienceMs);
  host::HostProbe probe(files, machine("vm"));
  for (int i = 0; i < 2; ++i) {
    const host::HostReport report = probe.collect();
    ASSERT_EQ(report.processes.size(), 2U);
    EXPECT_TRUE(report.processes[1].cgroup);
    for (const host::DirectoryReport& one : report.processes[1].directories) {
      EXPECT_EQ(one.stalled, one.role == "checkpoint") << one.role;
      EXPECT_EQ(one.present.has_value(), one.role != "checkpoint") << one.role;
    }
    EXPECT_GE(report.unreadable.at({"checkpoint_directory", "stalled"}), 1U);
  }
  // Each process has its own way there, but it is one device: one reader is enough.
  EXPECT_EQ(disk->asked("/mnt/check points/flink"), 1);
  EXPECT_EQ(files.hanging(), 1U);
  disk->release();
}

}  // namespace
}  // namespace doctor::test
