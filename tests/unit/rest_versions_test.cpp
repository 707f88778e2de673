// What differs between Flink 1.13 and 2.3, by hand-made bodies after rest_api_v1.snapshot.
#include <gmock/gmock.h>

#include "collectors/rest/parse.hpp"
#include "collectors/rest/stack_trace.hpp"

namespace doctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kVertexId = "ea632d67b7d595e5b851708ae9ad79d6";

const Limits kLimits;

TEST(RestVersions, VersionTexts) {
  const auto parse = [](const std::string& text) {
    return *rest::parse_version(R"({"flink-version":")" + text + R"("})");
  };
  EXPECT_EQ(parse("1.13.6").minor, 13);
  EXPECT_EQ(parse("2.3-SNAPSHOT").major, 2);
  EXPECT_EQ(parse("1.15.2-vvp-2.9").minor, 15);
  EXPECT_EQ(parse("<unknown>").major, 0);
  EXPECT_EQ(parse("<unknown>").text, "<unknown>");
}

TEST(RestVersions, ExceptionsWithoutHistoryFallBack) {
  JobFacts job;
  const char* body = R"json({
    "root-exception":"java.lang.Exception: outer\n\tat a.A.a(A.java:1)\nCaused by: x.Y: inner\n\tat b.B.b(B.java:2)\n\t... 3 more\n",
    "timestamp":30,
    "all-exceptions":[
      {"exception":"x.Y: inner\n\tat b.B.b(B.java:2)","task":"map (1/2)","location":"(unassigned)","timestamp":29},
      {"exception":"q.Z: other","task":"sink (2/2)","location":"h:1","timestamp":20}],
    "truncated":false})json";
  ASSERT_TRUE(rest::parse_exceptions(body, kLimits, job).ok());
  ASSERT_THAT(job.exceptions, SizeIs(2));
  EXPECT_EQ(job.exceptions[0].root_cause, "q.Z: other");
  EXPECT_EQ(job.exceptions[1].name, "java.lang.Exception");
  EXPECT_EQ(job.exceptions[1].message, "outer");
  EXPECT_EQ(job.exceptions[1].root_cause, "x.Y: inner");
  EXPECT_THAT(job.exceptions[1].frames, ElementsAre("b.B.b(B.java:2)"));
  EXPECT_EQ(job.exceptions[1].task, "map (1/2)");

  const char* none = R"json({"root-exception":null,"timestamp":null,"all-exceptions":[]})json";
  ASSERT_TRUE(rest::parse_exceptions(none, kLimits, job).ok());
  EXPECT_THAT(job.exceptions, IsEmpty());
}

TEST(RestVersions, AJobWideFaultHasNoPlace) {
  JobFacts job;
  const char* body = R"json({"exceptionHistory":{"entries":[
    {"exceptionName":"a.B","stacktrace":"a.B","timestamp":5,"taskName":null,
     "taskManagerId":"(unassigned)"}],"truncated":false}})json";
  ASSERT_TRUE(rest::parse_exceptions(body, kLimits, job).ok());
  ASSERT_THAT(job.exceptions, SizeIs(1));
  EXPECT_EQ(job.exceptions[0].root_cause, "a.B");
  EXPECT_EQ(job.exceptions[0].message, "");
  EXPECT_EQ(job.exceptions[0].task, "");
  EXPECT_EQ(job.exceptions[0].task_manager, "");
}

std::string entry(const std::string& name, int at) {
  return R"("exceptionName":")" + name + R"(","stacktrace":")" + name + R"(","timestamp":)" +
         std::to_string(at) + R"(,"taskName":"t")";
}

TEST(RestVersions, ManyConcurrentExceptionsDoNotPushOutTheRoots) {
  Limits limits;
  limits.exceptions_per_job_max = 4;
  std::string entries;
  for (int at = 300; at > 0; at -= 100) {
    entries += (entries.empty() ? "{" : ",{") + entry("root", at) + R"(,"concurrentExceptions":[)";
    for (int i = 1; i <= 4; ++i) entries += (i == 1 ? "{" : ",{") + entry("also", at + i) + "}";
    entries += "]}";
  }
  JobFacts job;
  const std::string body = R"({"exceptionHistory":{"entries":[)" + entries + "]}}";
  ASSERT_TRUE(rest::parse_exceptions(body, limits, job).ok());
  std::vector<std::string> names;
  for (const auto& record : job.exceptions) names.push_back(record.name);
  EXPECT_THAT(names, ElementsAre("root", "root", "root", "also"));
}

TEST(RestVersions, StackTraceOfTheInnermostCause) {
  const auto trace = rest::read_stack_trace(
      "a.Outer: first line\nsecond line\n\tat o.O.o(O.java)\n\tSuppressed: s.S: no\n"
      "\tCaused by: s.T: neither\nCaused by: m.M: middle\n\tat m.M.m(M.java)\n\t... 2 more\n"
      "Caused by: i.I: inner\n detail\n\tat i.I.1(I.java)\n\tat i.I.2(I.java)\n\t... 9 more\n",
      200);
  EXPECT_EQ(trace.name, "a.Outer");
  EXPECT_EQ(trace.message, "first line");
  EXPECT_EQ(trace.root_cause, "i.I: inner");
  EXPECT_THAT(trace.frames, ElementsAre("i.I.1(I.java)", "i.I.2(I.java)"));
  EXPECT_EQ(rest::read_stack_trace("", 200).root_cause, "");
  EXPECT_EQ(rest::read_stack_trace("no trace at all", 200).message, "no trace at all");
}

TEST(RestVersions, OldCheckpointsHaveOneSize) {
  JobFacts job;
  const char* body = R"json({
    "counts":{"restored":0,"total":2,"in_progress":0,"completed":1,"failed":1},
    "summary":{"state_size":{"min":77,"max":79,"avg":78},
               "end_to_end_duration":{"min":2,"max":4,"avg":3},
               "alignment_buffered":{"min":0,"max":0,"avg":0}},
    "latest":{"completed":null,"savepoint":null,"failed":null,"restored":null},
    "history":[
      {"id":2,"status":"SOMETHING_NEW","trigger_timestamp":20},
      {"id":1,"status":"COMPLETED","is_savepoint":false,"trigger_timestamp":10,
       "latest_ack_timestamp":12,"state_size":77,"end_to_end_duration":2,"num_subtasks":4,
       "num_acknowledged_subtasks":4,"persisted_data":-1}]})json";
  ASSERT_TRUE(rest::parse_checkpoints(body, kLimits, job).ok());
  ASSERT_THAT(job.checkpoints, SizeIs(1)) << "an unknown status is ignored";
  EXPECT_FALSE(job.checkpoints[0].checkpointed_size);
  EXPECT_EQ(job.checkpoints[0].state_size, 77.0);
  EXPECT_FALSE(job.checkpoints[0].persisted_data);
  EXPECT_EQ(job.checkpoints[0].type, "CHECKPOINT");
  EXPECT_EQ(job.checkpoints[0].ended, 12);
  ASSERT_TRUE(job.checkpoint_summary);
  EXPECT_EQ(job.checkpoint_summary->duration, (CheckpointSpread{2, 4, 3, {}, {}}));
  EXPECT_EQ(job.checkpoint_summary->state_size, (CheckpointSpread{77, 79, 78, {}, {}}));
  EXPECT_FALSE(job.checkpoint_summary->checkpointed_size) << "only since 1.15";
}

TEST(RestVersions, CheckpointingOff) {
  EXPECT_TRUE(rest::says_checkpointing_off(
      R"({"errors":["org.apache.flink.runtime.rest.handler.RestHandlerException: Checkpointing )"
      R"(has not been enabled.\n\tat x"]})"));
  EXPECT_FALSE(rest::says_checkpointing_off(R"({"errors":["Job not found"]})"));
  EXPECT_FALSE(rest::says_checkpointing_off("Checkpointing has not been enabled"));
}

TEST(RestVersions, AccumulatedTimesOnlyWhereComplete) {
  struct Example {
    const char* metrics;
    std::size_t values;
  };
  const std::string complete = R"("read-records":5,"read-records-complete":true,"write-records":6,)"
                               R"("write-records-complete":true)";
  const Example examples[] = {
      {R"(,"accumulated-busy-time":"NaN","accumulated-backpressured-time":0,)"
       R"("accumulated-idle-time":9)",
       4},
      {"", 2},  // before 1.16
      {R"(,"accumulated-busy-time":0.0,"accumulated-backpressured-time":0,)"
       R"("accumulated-idle-time":0)",
       2},
      // The last of two members counts.
      {R"(,"accumulated-idle-time":9,"read-records-complete":false,)"
       R"("write-records-complete":false)",
       0}};
  for (const Example& example : examples) {
    EntityTable entities(100);
    VertexFacts vertex;
    vertex.id = kVertexId;
    rest::KeyedValues values;
    const std::string place = R"json("host":"node-3:6121","taskmanager-id":"(unassigned)")json";
    const std::string body = R"({"id":")" + std::string(kVertexId) +
                             R"(","subtasks":[{"subtask":0,"status":"RUNNING","attempt":2,)" +
                             place + R"(,"metrics":{)" + complete + example.metrics + "}}]}";
    ASSERT_TRUE(rest::parse_vertex(body, kLimits, "j", entities, vertex, values).ok()) << body;
    EXPECT_THAT(values, SizeIs(example.values)) << example.metrics;
    EXPECT_EQ(vertex.subtasks.at(0).host, "node-3");
    EXPECT_EQ(vertex.subtasks.at(0).task_manager, "");
    EXPECT_EQ(vertex.subtasks.at(0).attempt, 2);
  }
}

TEST(RestVersions, MetricsThatSayNothing) {
  EntityTable entities(100);
  const EntityId process = entities.intern(Level::process, kClusterEntity, "tm");
  rest::KeyedValues values;
  const char* body = R"([{"id":"Status.JVM.Memory.Metaspace.Max","value":"-1"},
    {"id":"Status.JVM.CPU.Time","value":"NaN"},
    {"id":"Status.JVM.Memory.Heap.Used","value":"9.223372036854776E18"},
    {"id":"Status.JVM.Threads.Count","value":"12"},
    {"id":"Status.JVM.GarbageCollector.All.Count","value":"12"},
    {"id":"Status.JVM.GarbageCollector..Count","value":"12"},
    {"id":"Something.New","value":"text"}])";
  ASSERT_TRUE(rest::parse_metrics(body, process, entities, values).ok());
  ASSERT_THAT(values, SizeIs(1));
  EXPECT_EQ(values[0].first.metric, Metric::jvm_threads);
}

TEST(RestVersions, TaskManagersWithoutMemory) {
  const char* body = R"({"taskmanagers":[
    {"id":"tm-1-1","path":"akka.tcp://flink@[2001:db8::7]:6122/user","slotsNumber":1,
     "freeSlots":1,"memoryConfiguration":{"taskHeap":null}}]})";
  const auto managers = rest::parse_task_managers(body, kLimits);
  ASSERT_TRUE(managers.ok());
  EXPECT_EQ(managers->at(0).host, "[2001:db8::7]");
  EXPECT_FALSE(managers->at(0).memory.task_heap);
  EXPECT_FALSE(managers->at(0).memory.total_process);
}

TEST(RestVersions, MetaspaceLimitOfTheJvm) {
  const std::string flag = "-XX:MaxMetaspaceSize=";
  EXPECT_FALSE(rest::metaspace_limit({"-Xmx1g"}));
  EXPECT_EQ(rest::metaspace_limit({flag + "256m"}), 268435456.0);
  EXPECT_EQ(rest::metaspace_limit({flag + "1", flag + "2G"}), 2147483648.0);
  EXPECT_FALSE(rest::metaspace_limit({flag + "many", flag}));
}

}  // namespace
}  // namespace doctor
