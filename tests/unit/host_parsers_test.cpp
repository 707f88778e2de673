// What the kernel writes, good, cut short and wrong.
#include <gtest/gtest.h>

#include "collectors/host/cgroup.hpp"
#include "collectors/host/mounts.hpp"
#include "collectors/host/pressure.hpp"
#include "collectors/host/process_status.hpp"
#include "collectors/host/report.hpp"
#include "collectors/host/sockets.hpp"

namespace doctor::host {
namespace {

TEST(ProcessStatus, TakesWhatIsWhole) {
  const ProcessStatus status =
      parse_status("Name:\tVmRSS: 7 kB\nVmRSS:\t  2048 kB\nRssAnon:\t 1024 kB\nThreads:\t84\n");
  EXPECT_EQ(status.resident_bytes, 2048U * 1024);
  EXPECT_EQ(status.anonymous_bytes, 1024U * 1024);
  EXPECT_EQ(status.threads, 84U);
  EXPECT_FALSE(status.swap_bytes);
}

TEST(ProcessStatus, LeavesOutWhatIsNotWhatItShouldBe) {
  for (const char* line :
       {"VmRSS:\t12", "VmRSS:\t12 k", "VmRSS:\t-1 kB", "VmRSS:\t12 MB", "VmRSS:\t12 13 kB",
        "VmRSS:\t99999999999999999999 kB", "VmRSS:\t18446744073709551615 kB", "VmRSS12 kB", ""}) {
    EXPECT_FALSE(parse_status(line).resident_bytes) << line;
  }
}

TEST(ProcessStatus, StartsAfterTheLastParenthesis) {
  const std::string rest = " S 1 1 1 0 -1 4194304 1 0 0 0 9 8 0 0 20 0 80 0 4711 1 2";
  EXPECT_EQ(parse_start_ticks("7 (java)" + rest), 4711U);
  EXPECT_EQ(parse_start_ticks("7 (a) b) S 9 9 (x)" + rest), 4711U);
  EXPECT_FALSE(parse_start_ticks("7 (java) S 1 1"));
  EXPECT_FALSE(parse_start_ticks("7 java S"));
}

TEST(ProcessStatus, DescriptorLimits) {
  EXPECT_EQ(parse_descriptor_limit("Limit Soft\nMax open files            1024  4096 files\n"),
            1024U);
  EXPECT_FALSE(parse_descriptor_limit("Max open files            unlimited unlimited files\n"));
  EXPECT_FALSE(parse_descriptor_limit("Max open files "));
  EXPECT_EQ(parse_boot_seconds("cpu 1 2\nbtime 1795240000\n"), 1795240000U);
  EXPECT_FALSE(parse_boot_seconds("btime soon\n"));
}

TEST(Pressure, TotalsInSeconds) {
  const Pressure both = parse_pressure(
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1000000\n");
  EXPECT_EQ(both.waiting_seconds, 2.5);
  EXPECT_EQ(both.stalled_seconds, 1.0);
  const Pressure cpu = parse_pressure("some avg10=0.00 total=0\n");  // before 5.13: no "full"
  EXPECT_EQ(cpu.waiting_seconds, 0.0);
  EXPECT_FALSE(cpu.stalled_seconds);
  EXPECT_FALSE(parse_pressure("some total=1e6\nfull total=\n").waiting_seconds);
}

constexpr const char* kMounts =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "35 22 8:17 / /data rw - xfs /dev/sdb1 rw\n"
    "41 22 0:45 / /data/check\\040points rw shared:30 - nfs4 nas:/flink rw,hard\n"
    "50 22 8:33 / /data rw - ext4 /dev/sdc1 rw\n"  // covers the first one
    "60 22 8:1 / /cut\n"
    "- - -\n";

TEST(Mounts, LongestPrefixAndLatestOfEquals) {
  const auto mounts = parse_mountinfo(kMounts);
  ASSERT_EQ(mounts.size(), 4U);
  EXPECT_EQ(mount_of(mounts, "/data/check points/flink")->type, "nfs4");
  EXPECT_EQ(mount_of(mounts, "/data/tmp")->device, "8:33");
  EXPECT_EQ(mount_of(mounts, "/database")->device, "8:1");  // not below /data
  EXPECT_EQ(mount_of(mounts, "/cut/x")->device, "8:1");
  EXPECT_EQ(mount_of({}, "/"), nullptr);
}

TEST(Mounts, KnowsNetworks) {
  for (const char* type : {"nfs", "nfs4", "cifs", "ceph", "fuse.sshfs", "fuse.s3fs", "virtiofs"}) {
    EXPECT_TRUE(is_network(type)) << type;
  }
  for (const char* type : {"ext4", "xfs", "overlay", "tmpfs", "fuse.lxcfs", ""}) {
    EXPECT_FALSE(is_network(type)) << type;
  }
}

TEST(Sockets, CountsByStateAtOurEnd) {
  const std::string row = " 00000000:00000000 00:00000000 00000000  1000        0 ";
  const std::string table =
      "  sl  local_address rem_address   st tx_queue ...\n"
      "   0: 00000000:17EC 00000000:0000 0A" +
      row +
      "100 1\n"
      "   1: 0100007F:17EC 0100007F:9999 01" +
      row +
      "101 1\n"
      "   2: 0100007F:9999 0100007F:17EC 01" +
      row +
      "102 1\n"  // the other end
      "   3: 0100007F:17EC 0100007F:9998 08" +
      row +
      "103 1\n"
      "   4: 0100007F:17EC 0100007F:9997 55" +
      row +
      "104 1\n"
      "   5: 0100007F:17EC";
  std::map<std::string_view, std::uint64_t> counts;
  count_connections(table, 0x17EC, counts);
  EXPECT_EQ(counts,
            (std::map<std::string_view, std::uint64_t>{{"established", 1}, {"close_wait", 1}}));
  const auto listening = listening_sockets(table);
  ASSERT_EQ(listening.size(), 1U);
  EXPECT_EQ(listening[0].port, 0x17EC);
  EXPECT_EQ(listening[0].inode, 100U);
}

TEST(Cgroup, FindsTheMemoryHierarchy) {
  const auto v1 = parse_cgroup_path("12:cpu,memory:/docker/a:b\n0::/unified\n");
  ASSERT_TRUE(v1);
  EXPECT_EQ(v1->version, 1);
  EXPECT_EQ(v1->path, "/docker/a:b");
  const auto v2 = parse_cgroup_path("1:name=systemd:/x\n0::/flink.slice\n");
  ASSERT_TRUE(v2);
  EXPECT_EQ(v2->version, 2);
  EXPECT_FALSE(parse_cgroup_path("memory\n::\n0:x\n0::relative\n3:hugememory:/x\n"));
}

TEST(Cgroup, LimitsThatAreNone) {
  EXPECT_EQ(parse_limit("4294967296\n"), 4294967296U);
  EXPECT_EQ(parse_limit("0\n"), 0U);
  for (const char* none : {"max\n", "9223372036854771712\n", "18446744073709551615\n", "", "-1"}) {
    EXPECT_FALSE(parse_limit(none)) << none;
  }
}

TEST(Cgroup, NamespacesCancelOut) {
  const auto located = [](const char* path, const char* root) {
    return locate_cgroup({2, path}, {{"0:28", root, "/sys/fs/cgroup", "cgroup2", "cgroup", "rw"}});
  };
  EXPECT_EQ(located("/a/b", "/")->below, "/a/b");
  EXPECT_EQ(located("/", "/")->below, "");
  EXPECT_EQ(located("/../other", "/../other")->below, "");
  EXPECT_EQ(located("/../other/in", "/../other")->below, "/in");
  // A neighbour's group is not below our own: no number is better than ours under its name.
  EXPECT_EQ(located("/../other", "/").error().code, ErrorCode::refused);
  EXPECT_EQ(located("/docker/abc", "/docker/ab").error().code, ErrorCode::refused);
  EXPECT_EQ(locate_cgroup({2, "/"}, {}).error().code, ErrorCode::gone);
  EXPECT_EQ(locate_cgroup({1, "/"}, {{"0:1", "/", "/c", "cgroup", "c", "rw,cpu"}}).error().code,
            ErrorCode::gone);
}

TEST(DeviceStat, TimesAreSeconds) {
  const auto device = parse_device_stat("  120 0 960 60000 800 0 640 1600000 2 900000 1660000\n");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->reads, 120U);
  EXPECT_EQ(device->writes, 800U);
  EXPECT_EQ(device->write_seconds, 1600.0);
  EXPECT_EQ(device->busy_seconds, 900.0);
  EXPECT_FALSE(parse_device_stat("1 2 3"));
  EXPECT_FALSE(parse_device_stat("1 2 3 4 5 x 7 8 9 10"));
}

}  // namespace
}  // namespace doctor::host
