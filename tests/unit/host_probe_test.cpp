// The collector over machines made of files, over spoiled ones, and over the real one.
#include "collectors/host/host_probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/host_fixtures.hpp"

namespace doctor::test {
namespace {

using host::DirectoryReport;
using host::HostProbe;
using host::HostReport;
using host::ProcessReport;
using ::testing::ElementsAre;
using ::testing::Pair;

HostReport round(const std::string& name) {
  DiskFiles files;
  return HostProbe(files, machine(name)).collect();
}

const DirectoryReport& directory(const ProcessReport& process, std::string_view role) {
  for (const DirectoryReport& one : process.directories) {
    if (one.role == role) return one;
  }
  throw std::runtime_error("no such directory");
}

std::uint64_t unread(const HostReport& report, const std::string& what, std::string_view reason) {
  const auto found = report.unreadable.find({what, reason});
  return found == report.unreadable.end() ? 0 : found->second;
}

TEST(HostProbe, StandaloneOnAMachine) {
  const HostReport report = round("vm");
  EXPECT_EQ(report.host, "vm7");
  EXPECT_EQ(report.processes_seen, 6U);
  ASSERT_EQ(report.processes.size(), 2U);
  const ProcessReport& tm = report.processes[1];
  EXPECT_EQ(tm.pid, 4242);
  EXPECT_EQ(tm.role, host::Role::task_manager);
  EXPECT_EQ(tm.tm_id, "10.0.0.7:41251-8c5a02");
  EXPECT_EQ(tm.cluster_id, "orders");
  EXPECT_EQ(tm.start_seconds, 1795240000 + 3600.0);
  EXPECT_EQ(tm.status.resident_bytes, 1904640ULL << 10U);
  EXPECT_EQ(tm.status.threads, 84U);
  EXPECT_EQ(tm.descriptors, 5U);
  EXPECT_EQ(tm.descriptors_max, 65536U);
  EXPECT_EQ(tm.heap_max_bytes, 536870902U);
  EXPECT_EQ(tm.out_bytes, 210U);
  EXPECT_EQ(tm.working_directory_present, true);
  ASSERT_TRUE(tm.cgroup);
  EXPECT_EQ(tm.cgroup->path, "/flink.slice");  // its own group has no limit
  EXPECT_EQ(tm.cgroup->limit_bytes, 4294967296U);
  EXPECT_EQ(tm.cgroup->oom_kills, 3U);
  EXPECT_EQ(tm.cgroup->working_set_bytes, 2147483648U - 31457280U);
  EXPECT_EQ(report.devices.at("8:17").writes, 800000U);
  EXPECT_EQ(unread(report, "savepoint_directory", "remote"), 2U);
}

TEST(HostProbe, BlobServerOfAJobManager) {
  const HostReport report = round("vm");
  const ProcessReport& jm = report.processes.at(0);
  EXPECT_EQ(jm.role, host::Role::job_manager);
  EXPECT_EQ(jm.tm_id, "");
  EXPECT_EQ(jm.blob_port, 45134);
  EXPECT_THAT(jm.blob_connections, ElementsAre(Pair("close_wait", 1), Pair("established", 6),
                                               Pair("syn_recv", 2), Pair("time_wait", 3)));
  EXPECT_FALSE(report.processes.at(1).blob_connections_known);
}

TEST(HostProbe, DirectoriesOfAProcess) {
  const HostReport report = round("vm");
  const ProcessReport& tm = report.processes.at(1);
  const DirectoryReport& checkpoint = directory(tm, "checkpoint");
  EXPECT_EQ(checkpoint.path, "/mnt/check points/flink");
  EXPECT_EQ(checkpoint.file_system, "nfs4");
  EXPECT_TRUE(checkpoint.network);
  EXPECT_EQ(checkpoint.present, true);
  ASSERT_TRUE(checkpoint.space);
  EXPECT_GT(checkpoint.space->size_bytes, 0U);
  EXPECT_FALSE(directory(tm, "rocksdb").network);
  const DirectoryReport& tmp = directory(tm, "tmp");
  EXPECT_EQ(tmp.temporary.at("working_directory"), 3U);
  EXPECT_EQ(tmp.temporary.at("rpc_jar"), 1U);
  EXPECT_EQ(tmp.temporary.at("blob_store"), 0U);
  EXPECT_GT(directory(tm, "log").file_bytes.value_or(0), 900U);
  EXPECT_TRUE(directory(tm, "rocksdb").temporary.empty());  // was not listed
}

TEST(HostProbe, InsideAContainerOfCgroupV1) {
  const HostReport report = round("container-v1");
  ASSERT_EQ(report.processes.size(), 1U);
  const ProcessReport& tm = report.processes[0];
  EXPECT_EQ(tm.tm_id, "worker-1");  // what the command line says wins over the file
  EXPECT_EQ(tm.cluster_id, "payments");
  ASSERT_TRUE(tm.cgroup);
  EXPECT_EQ(tm.cgroup->version, 1);
  EXPECT_EQ(tm.cgroup->usage_bytes, 1288490188U);
  EXPECT_EQ(tm.cgroup->limit_bytes, 1811939328U);
  EXPECT_EQ(tm.cgroup->oom_kills, 1U);
  EXPECT_FALSE(tm.cgroup->memory_pressure.waiting_seconds);
  EXPECT_FALSE(tm.descriptors_max);  // unlimited
  EXPECT_EQ(tm.directories.at(1).path, "/var/flink");
  EXPECT_EQ(tm.directories.at(1).present, false);
  EXPECT_FALSE(tm.directories.at(1).space);
  EXPECT_FALSE(tm.working_directory_present);  // never seen: Flink may be too old for one
}

TEST(HostProbe, BesideFlinkInAPodReadsFlinksCgroupAndNotItsOwn) {
  const HostReport report = round("shared-pid");
  ASSERT_EQ(report.processes.size(), 1U);
  const ProcessReport& tm = report.processes[0];
  EXPECT_EQ(tm.deployment, "kubernetes");
  ASSERT_TRUE(tm.cgroup);
  EXPECT_EQ(tm.cgroup->limit_bytes, 1811939328U);          // ours is 32 MiB
  EXPECT_EQ(directory(tm, "tmp").path, "/opt/flink/tmp");  // 2.x does not read flink-conf.yaml
  EXPECT_EQ(tm.working_directory_present, true);
}

TEST(HostProbe, WithoutTheRightToEnterItClaimsNothing) {
  SpoiledFiles files;
  for (const char* closed : {"/fd", "/smaps_rollup", "/opt/flink/tmp", "/opt/flink/log",
                             "/opt/flink/conf/config.yaml", "root/sys/fs/cgroup"}) {
    files.fail(closed, ErrorCode::refused);
  }
  const HostReport report = HostProbe(files, machine("shared-pid")).collect();
  ASSERT_EQ(report.processes.size(), 1U);
  const ProcessReport& tm = report.processes[0];
  EXPECT_TRUE(tm.status.resident_bytes);  // everybody may read this
  EXPECT_FALSE(tm.descriptors);
  EXPECT_FALSE(tm.proportional_bytes);
  EXPECT_FALSE(tm.cgroup);  // and not our own group instead
  EXPECT_FALSE(directory(tm, "log").present);
  for (const char* what : {"fd", "smaps_rollup", "cgroup", "configuration", "log_directory"}) {
    EXPECT_EQ(unread(report, what, "denied"), 1U) << what;
  }
}

TEST(HostProbe, OnAMachineTheGroupIsSeenWithoutEnteringTheProcess) {
  SpoiledFiles files;
  files.fail("root/sys/fs/cgroup/flink.slice/flink-jobmanager.service", ErrorCode::refused);
  const HostReport report = HostProbe(files, machine("vm")).collect();
  ASSERT_TRUE(report.processes.at(0).cgroup);
  EXPECT_EQ(report.processes[0].cgroup->limit_bytes, 1073741824U);
}

TEST(HostProbe, BrokenFilesMakeHolesAndNoNumbers) {
  const HostReport report = round("broken");
  EXPECT_EQ(report.host, "");
  ASSERT_EQ(report.processes.size(), 2U);
  const ProcessReport& tm = report.processes[0];
  EXPECT_FALSE(tm.status.resident_bytes);
  EXPECT_FALSE(tm.status.anonymous_bytes);
  EXPECT_FALSE(tm.heap_max_bytes);
  EXPECT_FALSE(tm.metaspace_max_bytes);
  EXPECT_FALSE(tm.start_seconds);
  EXPECT_FALSE(tm.cgroup);
  const ProcessReport& jm = report.processes[1];
  EXPECT_FALSE(jm.cgroup);
  EXPECT_FALSE(jm.blob_connections_known);
  EXPECT_EQ(directory(jm, "tmp").present, false);  // a link out of its root leads nowhere
  EXPECT_EQ(directory(jm, "log").present, false);
  EXPECT_EQ(unread(report, "stat", "malformed"), 1U);  // the third one
  EXPECT_EQ(unread(report, "status", "malformed"), 1U);
  EXPECT_EQ(unread(report, "configuration", "malformed"), 1U);
  EXPECT_EQ(unread(report, "cgroup", "outside"), 1U);
}

/// A copy of a machine that a test may change.
class ChangedMachine : public ::testing::Test {
 protected:
  ChangedMachine()
      : root_(::testing::TempDir() + "flink-doctor-host-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
    const std::string from = machine("vm").proc;
    std::filesystem::copy(
        std::filesystem::path(from).parent_path(), root_,
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  }
  ~ChangedMachine() override { std::filesystem::remove_all(root_); }
  host::HostRoots roots() const { return {root_ + "/proc", root_ + "/sys"}; }
  /// A path as its processes see it.
  std::string inside(const std::string& path) const { return root_ + "/root" + path; }

  std::string root_;
};

TEST_F(ChangedMachine, RemembersWhatARolledLogSaidAndMissesWhatACleanerTook) {
  DiskFiles files;
  HostProbe probe(files, roots());
  ASSERT_EQ(probe.collect().processes.at(1).working_directory_present, true);
  std::filesystem::remove(inside("/opt/flink/log/flink-flink-taskexecutor-0-vm7.log"));
  std::filesystem::remove_all(inside("/data/tmp/tm_10.0.0.7:41251-8c5a02"));
  const HostReport later = probe.collect();
  EXPECT_EQ(later.processes.at(1).tm_id, "10.0.0.7:41251-8c5a02");
  EXPECT_EQ(later.processes[1].working_directory_present, false);
  EXPECT_FALSE(later.processes[1].log_bytes);
}

TEST_F(ChangedMachine, TheWorkingDirectoryNamesATaskManagerWhoseLogIsGone) {
  std::filesystem::remove(inside("/opt/flink/log/flink-flink-taskexecutor-0-vm7.log"));
  DiskFiles files;
  const HostReport report = HostProbe(files, roots()).collect();
  EXPECT_EQ(report.processes.at(1).tm_id, "10.0.0.7:41251-8c5a02");  // not the leftover beside it
}

TEST_F(ChangedMachine, AnIdThatAnEarlierProcessLeftIsNotTaken) {
  for (const char* table : {"/proc/4242/net/tcp", "/proc/4242/net/tcp6"}) {
    std::ofstream(root_ + table)
        << "sl\n 0: 0700000A:1F90 00000000:0000 0A 0:0 0:0 0 1000 0 90001\n";
  }
  DiskFiles files;
  const HostReport report = HostProbe(files, roots()).collect();
  EXPECT_EQ(report.processes.at(1).tm_id, "");
  EXPECT_EQ(unread(report, "tm_id", "missing"), 1U);
}

TEST_F(ChangedMachine, CapsProcesses) {
  for (int pid = 5000; pid < 5100; ++pid) {
    const std::string process = root_ + "/proc/" + std::to_string(pid);
    std::filesystem::create_directory(process);
    for (const char* file : {"/cmdline", "/stat"}) {
      std::filesystem::copy(root_ + "/proc/4242" + file, process + file);
    }
  }
  DiskFiles files;
  const HostReport report = HostProbe(files, roots()).collect();
  EXPECT_EQ(report.processes.size(), host::kProcessesMax);
  EXPECT_EQ(report.processes_omitted, 102 - host::kProcessesMax);
}

TEST_F(ChangedMachine, HugeFilesAreNotTaken) {
  std::ofstream(root_ + "/proc/4242/status") << std::string(1U << 20U, 'x');
  std::ofstream(root_ + "/proc/4242/cmdline") << std::string(4U << 20U, '\0');
  std::ofstream(root_ + "/proc/4100/net/tcp") << std::string(9U << 20U, '\n');
  DiskFiles files;
  const HostReport report = HostProbe(files, roots()).collect();
  ASSERT_EQ(report.processes.size(), 1U);
  EXPECT_FALSE(report.processes[0].blob_connections_known);  // half a count would be a smaller one
  EXPECT_EQ(unread(report, "sockets", "too_large"), 1U);
}

TEST(HostProbe, OnThisMachineThisTestIsNotFlink) {
  DiskFiles files;
  const HostReport report = HostProbe(files, {}).collect();
  EXPECT_GT(report.processes_seen, 0U);
  for (const ProcessReport& process : report.processes) EXPECT_NE(process.pid, ::getpid());
}

TEST(HostProbe, WithoutProcItSaysSo) {
  DiskFiles files;
  const HostReport report = HostProbe(files, {"/nonexistent", "/nonexistent"}).collect();
  EXPECT_TRUE(report.processes.empty());
  EXPECT_EQ(unread(report, "proc", "missing"), 1U);
}

}  // namespace
}  // namespace doctor::test
