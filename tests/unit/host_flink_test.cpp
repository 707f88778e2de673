// Which processes are Flink's, and what they say of themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/host/command_line.hpp"
#include "collectors/host/directories.hpp"
#include "collectors/host/flink_options.hpp"
#include "collectors/host/log_head.hpp"

namespace doctor::host {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string cmdline(std::initializer_list<const char*> arguments) {
  std::string text;
  for (const char* argument : arguments) text.append(argument).push_back('\0');
  return text;
}

TEST(CommandLine, KnowsEveryEntryPoint) {
  const std::initializer_list<std::tuple<const char*, Role, const char*>> known{
      {"runtime.taskexecutor.TaskManagerRunner", Role::task_manager, "standalone"},
      {"runtime.entrypoint.StandaloneSessionClusterEntrypoint", Role::job_manager, "standalone"},
      {"container.entrypoint.StandaloneApplicationClusterEntryPoint", Role::job_manager,
       "standalone"},
      {"kubernetes.taskmanager.KubernetesTaskExecutorRunner", Role::task_manager, "kubernetes"},
      {"kubernetes.entrypoint.KubernetesSessionClusterEntrypoint", Role::job_manager, "kubernetes"},
      {"kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint", Role::job_manager,
       "kubernetes"},
      {"yarn.YarnTaskExecutorRunner", Role::task_manager, "yarn"},
      {"yarn.entrypoint.YarnSessionClusterEntrypoint", Role::job_manager, "yarn"},
      {"yarn.entrypoint.YarnApplicationClusterEntryPoint", Role::job_manager, "yarn"}};
  for (const auto& [name, role, deployment] : known) {
    const std::string main_class = std::string("org.apache.flink.") + name;
    const auto line =
        parse_command_line(cmdline({"/usr/bin/java", "-cp", "a", main_class.c_str()}));
    ASSERT_TRUE(line) << name;
    EXPECT_EQ(line->role, role) << name;
    EXPECT_EQ(line->deployment, deployment) << name;
  }
}

TEST(CommandLine, IsNotFooledByThoseWhoNameIt) {
  constexpr const char* kRunner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner";
  EXPECT_FALSE(parse_command_line(cmdline({"grep", kRunner})));
  EXPECT_FALSE(parse_command_line(cmdline({"/bin/bash", "-c", kRunner})));
  EXPECT_FALSE(parse_command_line(cmdline({"java", "-jar", "my.jar", kRunner})));
  EXPECT_FALSE(parse_command_line(cmdline({"java", "-cp", kRunner, "com.example.Main"})));
  EXPECT_FALSE(parse_command_line(cmdline({"java", "-version"})));
  EXPECT_FALSE(parse_command_line(cmdline({"java"})));
  EXPECT_FALSE(parse_command_line(""));
  EXPECT_FALSE(parse_command_line(std::string(4096, '\0')));
}

TEST(CommandLine, TellsOptionsOfTheJvmFromThoseOfFlink) {
  const auto line = parse_command_line(
      cmdline({"java", "-Xmx512m", "-XX:MaxMetaspaceSize=256M", "-XX:MaxDirectMemorySize=268435458",
               "-Dlog.file=/l/tm.log", "-classpath", "/lib/a.jar:/lib/b.jar",
               "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", "--configDir", "/conf",
               "-D", "a=1", "-Da=2", "-Dtaskmanager.resource-id=w=1", "-D=x", "-D"}));
  ASSERT_TRUE(line);
  EXPECT_EQ(line->heap_max_bytes, 512U << 20U);
  EXPECT_EQ(line->metaspace_max_bytes, 256U << 20U);
  EXPECT_EQ(line->direct_max_bytes, 268435458U);
  EXPECT_EQ(line->conf_dir, "/conf");
  EXPECT_THAT(line->properties, ElementsAre(Pair("log.file", "/l/tm.log")));
  EXPECT_THAT(line->options, ElementsAre(Pair("a", "2"), Pair("taskmanager.resource-id", "w=1")));
}

TEST(CommandLine, SizesOfTheJvm) {
  EXPECT_EQ(parse_jvm_size("1048576"), 1048576U);
  EXPECT_EQ(parse_jvm_size("2G"), 2ULL << 30U);
  for (const char* wrong :
       {"", "m", "12q", "1.5g", "-1m", "99999999999999999999", "99999999999t"}) {
    EXPECT_FALSE(parse_jvm_size(wrong)) << wrong;
  }
}

TEST(CommandLine, StaysSmallWhateverIsSaid) {
  std::string text = cmdline({"java", "org.apache.flink.yarn.YarnTaskExecutorRunner"});
  for (int i = 0; i < 10'000; ++i)
    text += "-Dkey" + std::to_string(i) + "=v" + std::string(1, '\0');
  text += "-Dlong=" + std::string(100'000, 'x');
  const auto line = parse_command_line(text);
  ASSERT_TRUE(line);
  EXPECT_LE(line->options.size(), 512U);
  EXPECT_FALSE(line->options.contains("long"));
}

TEST(FlinkOptions, OldFilesAreLinesAndNewOnesYaml) {
  EXPECT_THAT(
      parse_legacy_options("io.tmp.dirs: /a,/b # both\n#web.tmpdir: /x\nblob.server.port:1\n"
                           "s3.secret-key: hidden\nbroken\nstate.checkpoints.dir: file:///c"),
      UnorderedElementsAre(Pair("io.tmp.dirs", "/a,/b"),
                           Pair("state.checkpoints.dir", "file:///c")));
  const auto yaml = parse_yaml_options(
      "io:\n  tmp:\n    dirs: [/a, /b]\nstate.checkpoints.dir: file:///c\nblob: {server: {port: "
      "6124}}\ns3.secret-key: hidden\nweb.tmpdir: {}\n");
  ASSERT_TRUE(yaml);
  EXPECT_THAT(*yaml, UnorderedElementsAre(Pair("io.tmp.dirs", "/a;/b"),
                                          Pair("state.checkpoints.dir", "file:///c"),
                                          Pair("blob.server.port", "6124")));
}

TEST(FlinkOptions, HostileYamlEndsWell) {
  EXPECT_EQ(parse_yaml_options("a: [1, 2\n  b: {\n").error().code, ErrorCode::malformed);
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string last = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " {p: " + last + ", q: " + last + ", r: " + last +
            ", s: " + last + ", t: " + last + "}\n";
  }
  EXPECT_EQ(parse_yaml_options(bomb).error().code, ErrorCode::too_large);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{a: ";
  EXPECT_FALSE(parse_yaml_options(deep + "1" + std::string(100, '}')).ok());
  EXPECT_TRUE(parse_yaml_options("").ok());
  EXPECT_TRUE(parse_yaml_options("- just\n- a list\n")->empty());
}

std::vector<std::string> shown(const Directories& directories) {
  std::vector<std::string> all;
  for (const DirectoryUse& use : directories.local)
    all.push_back(std::string(use.role) + " " + use.path);
  return all;
}

TEST(Directories, OfATaskManager) {
  CommandLine line;
  line.role = Role::task_manager;
  line.properties["log.file"] = "/var/log/flink/tm.log";
  const Directories found =
      directories_of(line, {{"io.tmp.dirs", "/a:/b|/c,/a"},
                            {"taskmanager.tmp.dirs", "/old"},
                            {"state.backend.rocksdb.localdir", "file:///r/"},
                            {"execution.checkpointing.dir", "file:/mnt/c"},
                            {"state.checkpoints.dir", "/old/c"},
                            {"state.savepoints.dir", "s3://b/s"},
                            {"high-availability.storageDir", "/ha"},  // the JobManager's business
                            {"process.working-dir", "relative"}});
  EXPECT_THAT(shown(found), ElementsAre("tmp /a", "tmp /b", "tmp /c", "rocksdb /r",
                                        "checkpoint /mnt/c", "log /var/log/flink"));
  EXPECT_THAT(found.remote, ElementsAre("savepoint"));
  EXPECT_THAT(found.omitted, ElementsAre("working"));
}

TEST(Directories, DefaultsAndCaps) {
  CommandLine line;
  EXPECT_THAT(shown(directories_of(line, {})), ElementsAre("tmp /tmp"));
  line.properties["java.io.tmpdir"] = "/scratch";
  EXPECT_THAT(shown(directories_of(line, {})), ElementsAre("tmp /scratch"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "/d" + std::to_string(i) + ",";
  const Directories found = directories_of(line, {{"io.tmp.dirs", many}});
  EXPECT_EQ(found.local.size(), kDirectoriesMax);
  EXPECT_THAT(found.omitted, ElementsAre("tmp"));
}

TEST(Directories, TemporaryNames) {
  EXPECT_EQ(temporary_kind("tm_10.0.0.7:41251-8c5a02"), "working_directory");
  EXPECT_EQ(temporary_kind("blobStore-6c1e"), "blob_store");
  EXPECT_EQ(temporary_kind("flink-rpc-akka_8d1f.jar"), "rpc_jar");
  EXPECT_EQ(temporary_kind("flink-rpc-akka1a24-2dc.jar"), "rpc_jar");  // 2.2
  EXPECT_EQ(temporary_kind("flink-rpc-akka_8d1f.txt"), "");
  EXPECT_EQ(temporary_kind("hsperfdata_flink"), "");
}

TEST(LogHead, TakesTheLastWholeStart) {
  const LogHead head = parse_log_head(
      "x - Starting TaskManager with ResourceID: 10.0.0.7:1-aaaaaa\n"
      "x - Starting TaskManager with ResourceID: 10.0.0.7:41251-8c5a02 (localhost)\n"
      "x - Started BLOB server at [::]:45134 - max concurrent requests: 50\n");
  EXPECT_EQ(head.tm_id, "10.0.0.7:41251-8c5a02");
  EXPECT_EQ(head.blob_port, 45134);
  EXPECT_EQ(parse_log_head("x - Starting TaskManager with ResourceID: 10.0.0.7:4125").tm_id, "");
  EXPECT_FALSE(parse_log_head("x - Started BLOB server at 0.0.0.0:99999 - max\n").blob_port);
  EXPECT_FALSE(parse_log_head("x - Started BLOB server at nowhere\n").blob_port);
  EXPECT_FALSE(parse_log_head("").blob_port);
}

}  // namespace
}  // namespace doctor::host
