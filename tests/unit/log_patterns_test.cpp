#include "collectors/logs/patterns.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace doctor {
namespace {

/// One for each row, in the table's order: a line that says it, and one that nearly does.
struct Example {
  std::string_view identifier;
  std::string_view line;
  std::string_view near_miss;
};

constexpr Example kExamples[] = {
    {"metaspace_oom", "Caused by: java.lang.OutOfMemoryError: Metaspace",
     "jvm_params: -XX:MaxMetaspaceSize=268435456"},
    {"heap_oom", "java.lang.OutOfMemoryError: Java heap space", "OutOfMemoryError: heap space"},
    {"gc_overhead", "java.lang.OutOfMemoryError: GC overhead limit exceeded",
     "GC overhead is below its limit"},
    {"direct_oom", "java.lang.OutOfMemoryError: Direct buffer memory. The direct out-of-memory",
     "Direct buffer memory: 128 mb"},
    {"direct_oom",
     "java.lang.OutOfMemoryError: Cannot reserve 65536 bytes of direct buffer memory (allocated: 1",
     "Cannot reserve slots for 2 tasks"},
    {"direct_oom",
     "io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16777216 byte",
     "OutOfDirectMemory"},
    {"native_oom", "# There is insufficient memory for the Java Runtime Environment to continue.",
     "There is insufficient memory to run this job"},
    {"native_thread", "java.lang.OutOfMemoryError: unable to create new native thread",
     "able to create new native threads"},
    {"native_thread",
     "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory",
     "unable to create thread"},
    {"oom_killed",
     "container termination statuses: [flink-main-container(exitCode=137, reason=OOMKilled, messag",
     "[flink-main-container(exitCode=127, reason=Error, message=null)]"},
    {"oom_killed",
     "Container [pid=1,containerID=c_1] is running beyond physical memory limits. Current usage: 4",
     "Container is running within physical memory limits"},
    {"network_buffers",
     "java.io.IOException: Insufficient number of network buffers: required 513, but only 9 availa",
     "Number of network buffers: 2048"},
    {"jvm_crash", "# A fatal error has been detected by the Java Runtime Environment:",
     "A fatal error has been detected by the user"},
    {"jvm_crash", "Terminating due to java.lang.OutOfMemoryError: Java heap",
     "Terminating due to a request"},
    {"fatal_exit", "ERROR ClusterEntrypoint [] - Fatal error occurred in the cluster entrypoint.",
     "No error occurred in the cluster entrypoint."},
    {"fatal_exit", "Fatal error occurred while executing the TaskManager. Shutting it down...",
     "Error occurred while executing the TaskManager."},
    {"cancel_stuck", "Task did not exit gracefully within 180 + seconds.",
     "Task did exit within 3 s"},
    {"signal", "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.",
     "Shutting down as requested."},
    {"worker_terminated",
     "Worker orders-taskmanager-1-3 is terminated. Diagnostics: Pod terminated, container",
     "Thread is terminated. Diagnostics: none"},
    {"start_worker_failures", "Reaching max start worker failure rate: 10 events/min",
     "Configured max start worker failure rate"},
    {"heartbeat_timeout", "Heartbeat of TaskManager with id 10.0.0.7:35211-ab12cd timed out.",
     "Heartbeat of TaskManager with id 10.0.0.7:35211-ab12cd"},
    {"heartbeat_timeout", "The heartbeat of JobManager with id 0d6e timed out.",
     "Heartbeat of the JobManager timed out"},
    {"heartbeat_timeout", "The heartbeat of ResourceManager with id 0d6e timed out.",
     "Connecting to ResourceManager with id 0d6e"},
    {"unreachable", "TaskManager with id 10.0.0.7:35211-ab12cd is no longer reachable.",
     "TaskManager with id 10.0.0.7:35211-ab12cd is reachable."},
    {"leader_lost", "DefaultDispatcherRunner was revoked the leadership with leader id 2. Stopping",
     "Resource manager service is revoked leadership with session id 2."},
    {"leader_granted", "DefaultDispatcherRunner was granted leadership with leader id 2. Creating",
     "http://127.0.0.1:8081 was granted leadership with leaderSessionID=2"},
    {"zookeeper_lost", "Connection to ZooKeeper suspended, waiting for reconnection.",
     "Connection to ZooKeeper was reconnected."},
    {"zookeeper_lost", "Connection to ZooKeeper lost. The contender no longer participates",
     "Connected to ZooKeeper quorum."},
    {"no_resources", "DeclarativeSlotPoolBridge: Could not acquire the minimum required resources.",
     "Acquired the minimum required resources"},
    {"no_resources",
     "org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: Slot request bu",
     "ResourceNotAvailableException: none of Flink's"},
    {"partition_not_found", "PartitionNotFoundException: Partition 7b@1 not found.",
     "Partition 7b@1 not found."},
    {"disk_full", "java.io.IOException: No space left on device", "Space left on device: 3 GiB"},
    {"disk_full", "java.io.IOException: Disk quota exceeded", "Disk quota: 3 GiB"},
    {"open_files", "java.net.SocketException: Too many open files", "many open files"},
    {"blob_fetch",
     "Failed to fetch BLOB 1f/p-2a from jm/10.0.0.1:6124 and store it under /tmp/blob Retrying...",
     "Fetch BLOB 1f/p-2a from jm/10.0.0.1:6124"},
    {"blob_not_found",
     "FileNotFoundException: Local file /tmp/jm_1/b does not exist and failed to copy from blob st"
     "ore.",
     "Local file /tmp/jm_1/b does not exist."},
    {"upload_dir_deleted",
     "Upload directory /tmp/flink-web-1/flink-web-upload has been deleted externally. Previously u",
     "ConfigMap orders has been deleted externally."},
    {"upload_dir_deleted", "Jar storage directory /tmp/flink-web-1 has been deleted externally.",
     "Jar storage directory /tmp/flink-web-1 has been created."},
    {"upload_dir_deleted", "Jar upload dir /tmp/u does not exist, or had been deleted externally.",
     "Jar upload dir /tmp/u does not exist."},
    {"flink_class_lost",
     "java.lang.NoClassDefFoundError: org/apache/flink/runtime/rpc/pekko/ControlMessages",
     "java.lang.NoClassDefFoundError: com/example/Order"},
    {"flink_class_lost", "java.lang.NoClassDefFoundError: org/apache/pekko/dispatch/Futures",
     "java.lang.ClassNotFoundException: org.apache.pekko.dispatch.Futures"},
    {"rpc_too_large",
     "Discarding oversized payload sent to Actor[akka.tcp://flink@tm:6122/user/rpc/taskmanager_0]",
     "Invocation timed out, due to problems like oversized payload"},
    {"rpc_too_large", "The rpc invocation size 27329480 exceeds the maximum akka framesize.",
     "Maximum framesize must be positive."},
    {"rpc_too_large",
     "The method requestX's result size 11000000 exceeds the maximum size 10485760 .",
     "BLOB size exceeds the maximum size (2 GB)."},
    {"closed_classloader",
     "IllegalStateException: Trying to access closed classloader. Please check",
     "Trying to access a classloader"},
    {"generic_type",
     "Class a.Order cannot be used as a POJO type and must be processed as GenericType.",
     "GenericType"},
    {"async_timeout", "java.util.concurrent.TimeoutException: Async function call has timed out.",
     "Async function call has succeeded."},
    {"checkpoint_expired", "Checkpoint 12 of job 1f expired before completing.",
     "Session expired before completing."},
    {"checkpoint_declined", "Decline checkpoint 79 by task 5ef of job 1f at tm @ 10.0.0.7.",
     "Decline message is ignored."},
    {"checkpoint_snapshot", "Could not complete snapshot 3 for operator map (1/2)#0.",
     "Complete snapshot 3 for operator map (1/2)#0."},
    {"checkpoint_tolerance",
     "FlinkRuntimeException: Exceeded checkpoint tolerable failure threshold.",
     "checkpoint tolerable failure threshold: 3"},
};

std::set<std::string> found_in(std::string_view line, LogProcess writer) {
  std::set<std::string> identifiers;
  const LogMatches matches = LogMatcher::shared()->find(line, writer);
  for (std::size_t i = 0; i < log_patterns().size(); ++i) {
    if (matches[i]) identifiers.emplace(log_patterns()[i].identifier);
  }
  return identifiers;
}

TEST(LogPatterns, EveryRowHasALineThatSaysItAndOneThatNearlyDoes) {
  ASSERT_EQ(std::size(kExamples), log_patterns().size());
  for (std::size_t i = 0; i < log_patterns().size(); ++i) {
    const LogPattern& row = log_patterns()[i];
    const Example& example = kExamples[i];
    const std::string identifier(row.identifier);
    ASSERT_EQ(example.identifier, row.identifier) << "row " << i;
    EXPECT_NE(example.line.find(row.needle), std::string_view::npos) << identifier << " " << i;
    EXPECT_NE(example.line.find(row.also), std::string_view::npos) << identifier << " " << i;
    EXPECT_TRUE(found_in(example.line, row.process).contains(identifier)) << example.line;
    EXPECT_FALSE(found_in(example.near_miss, row.process).contains(identifier))
        << example.near_miss;
  }
}

TEST(LogPatterns, ALineOfTwoWordingsCountsOnce) {
  const LogMatches matches = LogMatcher::shared()->find(
      "NoResourceAvailableException: Could not acquire the minimum required resources.",
      LogProcess::jobmanager);
  EXPECT_EQ(matches.count(), 1U);
}

TEST(LogPatterns, TheTableIsWellFormed) {
  std::set<std::string_view> ended;
  std::string_view before;
  for (const LogPattern& row : log_patterns()) {
    if (row.identifier != before) {
      EXPECT_TRUE(ended.insert(row.identifier).second) << row.identifier << " stands apart";
    }
    before = row.identifier;
    EXPECT_FALSE(row.needle.empty() || row.source.empty() || row.title.empty()) << row.identifier;
    EXPECT_EQ(find_log_pattern(row.identifier)->title, row.title) << "wordings of one thing";
    EXPECT_EQ(find_log_pattern(row.identifier)->severity, row.severity) << row.identifier;
  }
  EXPECT_EQ(find_log_pattern("no such text"), nullptr);
}

TEST(LogPatterns, WhatOneProcessSaysIsNotBelievedOfTheOther) {
  constexpr std::string_view kLine = "Task did not exit gracefully within 180 + seconds.";
  EXPECT_TRUE(found_in(kLine, LogProcess::taskmanager).contains("cancel_stuck"));
  EXPECT_TRUE(found_in(kLine, LogProcess::unknown).contains("cancel_stuck"));
  EXPECT_TRUE(found_in(kLine, LogProcess::jobmanager).empty());
}

TEST(LogPatterns, ThePathTellsTheProcess) {
  EXPECT_EQ(process_of("/opt/flink/log/flink-root-taskexecutor-0-vm.log"), LogProcess::taskmanager);
  EXPECT_EQ(process_of("/opt/flink/log/flink--standalonesession-0-vm.out"), LogProcess::jobmanager);
  EXPECT_EQ(process_of("/opt/flink/log/flink-x-standalonejob-0-vm.log"), LogProcess::jobmanager);
  EXPECT_EQ(process_of("flink--kubernetes-taskmanager-0-orders.log"), LogProcess::taskmanager);
  EXPECT_EQ(process_of("flink--kubernetes-session-0-orders.log"), LogProcess::jobmanager);
  EXPECT_EQ(process_of("flink--kubernetes-application-0-orders.log"), LogProcess::jobmanager);
  EXPECT_EQ(process_of("/var/log/pods/a_orders-taskmanager-1-1_u/flink-main-container/0.log"),
            LogProcess::taskmanager);
  EXPECT_EQ(process_of("/srv/taskmanager/log/jobmanager.log"), LogProcess::jobmanager);
  EXPECT_EQ(process_of("/opt/flink/log/flink-root-historyserver-0-vm.log"), LogProcess::unknown);
  EXPECT_EQ(process_of(""), LogProcess::unknown);
}

TEST(Needles, FindsNeedlesInsideAndAcrossEachOther) {
  const std::string_view texts[] = {"he", "she", "hers", "his", "a b"};
  const Needles needles(texts);
  const auto found = [&](std::string_view text) { return needles.find(text).to_ulong(); };
  EXPECT_EQ(found("ushers"), 0b00111U);
  EXPECT_EQ(found("hhis"), 0b01000U);
  EXPECT_EQ(found("sheha b"), 0b10011U);
  EXPECT_EQ(found(std::string_view("h\0e", 3)), 0U);
  EXPECT_EQ(found("h\xffishe"), 0b00011U);
  EXPECT_EQ(found(""), 0U);
}

}  // namespace
}  // namespace doctor
