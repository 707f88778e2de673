// The parsers on bodies that are not what was promised: a typed error or a value that is in the
// body, never a crash and never something made up.
#include <gmock/gmock.h>

#include <functional>

#include "collectors/rest/parse.hpp"
#include "tests/unit/rest_fixtures.hpp"

namespace doctor {
namespace {

using testing::HasSubstr;

constexpr const char* kJobId = "cc2c7403def880cd1eab44f7d4bb09d3";
constexpr const char* kVertexId = "ea632d67b7d595e5b851708ae9ad79d6";

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result.ok() ? ErrorCode::io : result.error().code;  // io: nothing here reports it
}

/// Every parser by name, as text → code; ErrorCode::io stands for "accepted".
std::map<std::string, std::function<ErrorCode(std::string_view)>> parsers() {
  static const Limits limits;
  return {
      {"jobs", [](auto body) { return code_of(rest::parse_jobs_overview(body, limits)); }},
      {"job", [](auto body) { return code_of(rest::parse_job(body, limits)); }},
      {"task managers", [](auto body) { return code_of(rest::parse_task_managers(body, limits)); }},
      {"configuration", [](auto body) { return code_of(rest::parse_configuration(body, limits)); }},
      {"jvm", [](auto body) { return code_of(rest::parse_jvm_options(body, limits)); }},
      {"checkpoints",
       [](auto body) {
         JobFacts job;
         const auto code = code_of(rest::parse_checkpoints(body, limits, job));
         if (code != ErrorCode::io) {
           EXPECT_EQ(job, JobFacts{});
         }
         return code;
       }},
      {"checkpoint config",
       [](auto body) {
         JobFacts job;
         const auto code = code_of(rest::parse_checkpoint_config(body, job));
         if (code != ErrorCode::io) {
           EXPECT_EQ(job, JobFacts{});
         }
         return code;
       }},
      {"exceptions",
       [](auto body) {
         JobFacts job;
         const auto code = code_of(rest::parse_exceptions(body, limits, job));
         if (code != ErrorCode::io) {
           EXPECT_EQ(job, JobFacts{});
         }
         return code;
       }},
      {"job config",
       [](auto body) {
         JobFacts job;
         return code_of(rest::parse_job_config(body, job));
       }},
      {"vertex",
       [](auto body) {
         EntityTable entities(100);
         VertexFacts vertex;
         vertex.id = kVertexId;
         rest::KeyedValues values;
         const auto code =
             code_of(rest::parse_vertex(body, limits, kJobId, entities, vertex, values));
         if (code != ErrorCode::io) {
           EXPECT_TRUE(values.empty() && vertex.subtasks.empty() && entities.size() == 1);
         }
         return code;
       }},
      {"metrics",
       [](auto body) {
         EntityTable entities(100);
         const EntityId process = entities.intern(Level::process, kClusterEntity, "jobmanager");
         rest::KeyedValues values;
         const auto code = code_of(rest::parse_metrics(body, process, entities, values));
         if (code != ErrorCode::io) {
           EXPECT_TRUE(values.empty());
         }
         return code;
       }},
      {"metric ids", [](auto body) { return code_of(rest::parse_metric_ids(body, limits)); }},
  };
}

std::map<std::string, std::string> good_bodies() {
  const RecordedCluster recorded{"1.20"};
  return {{"jobs", recorded.body("jobs-overview")},
          {"job", recorded.body("job-payments-failed")},
          {"task managers", recorded.body("lost-taskmanagers")},
          {"configuration", recorded.body("jobmanager-config")},
          {"jvm", recorded.body("jobmanager-environment")},
          {"checkpoints", recorded.body("job-orders-slow-checkpoints")},
          {"checkpoint config", recorded.body("job-orders-slow-checkpoints-config")},
          {"exceptions", recorded.body("job-payments-failed-exceptions")},
          {"job config", recorded.body("job-orders-slow-config")},
          {"vertex", recorded.body("job-orders-slow-vertex-3")},
          {"metrics", recorded.body("jobmanager-metrics")},
          {"metric ids", recorded.body("jobmanager-metrics")}};
}

TEST(RestBroken, TruncatedAtEveryByte) {
  auto bodies = good_bodies();
  for (const auto& [name, parse] : parsers()) {
    const std::string& body = bodies.at(name);
    EXPECT_EQ(parse(body), ErrorCode::io) << name << ": the whole body is good";
    const std::size_t end = body.find_last_not_of(" \n");
    for (std::size_t length = 0; length <= end; ++length) {
      // Each byte of both ends, and samples between: there it repeats itself.
      const bool at_an_end = length < 250 || length + 150 > end;
      if (!at_an_end && length % (end / 50 + 1) != 0) continue;
      ASSERT_EQ(parse(std::string_view(body).substr(0, length)), ErrorCode::malformed)
          << name << " cut at " << length;
    }
  }
}

TEST(RestBroken, SomethingElseAltogether) {
  const std::string binary("\x1f\x8b\x08\x00\x00\xff\xfe\x00\x01", 9);
  const std::string html = "<!DOCTYPE html><html><body>It works!</body></html>";
  for (const auto& [name, parse] : parsers()) {
    for (const std::string& body :
         {std::string{}, html, binary, std::string("null"), std::string("42"), std::string("true"),
          std::string("\"text\""), std::string("{}garbage"), std::string("[1]")}) {
      EXPECT_EQ(parse(body), ErrorCode::malformed) << name << " on " << body;
    }
    const bool takes_empty_object = name == "job config";
    EXPECT_EQ(parse("{}"), takes_empty_object ? ErrorCode::io : ErrorCode::malformed) << name;
    const bool takes_list = name == "configuration" || name.starts_with("metric");
    EXPECT_EQ(parse("[]"), takes_list ? ErrorCode::io : ErrorCode::malformed) << name;
  }
}

TEST(RestBroken, DeepNestingIsRefusedBeforeATreeIsBuilt) {
  for (const auto& [name, parse] : parsers()) {
    for (const char* bracket : {"[", "{\"a\":"}) {
      std::string body;
      for (int i = 0; i < 10'000; ++i) body += bracket;
      EXPECT_EQ(parse(body), ErrorCode::too_large) << name;
    }
    // Brackets within strings nest nothing.
    EXPECT_EQ(parse("\"" + std::string(10'000, '[') + "\\\"[\""), ErrorCode::malformed) << name;
  }
}

TEST(RestBroken, HugeNumbers) {
  std::string list = "[1";
  for (int i = 0; i < 1'000'000; ++i) list += ",9";
  const std::string many = list + "]";
  const std::string digits(1'000'000, '9');
  const auto all = parsers();
  for (const char* name : {"jobs", "metric ids"}) {  // one way to read numbers serves them all
    const auto& parse = all.at(name);
    EXPECT_EQ(parse(many), ErrorCode::malformed) << name;
    EXPECT_EQ(parse(digits), ErrorCode::malformed) << name;
    EXPECT_EQ(parse("[{\"jobs\":" + digits + "}]"), ErrorCode::malformed) << name;
  }
}

std::string overview_with(const std::string& member, const std::string& value) {
  std::map<std::string, std::string> row{{"jid", '"' + std::string(kJobId) + '"'},
                                         {"name", "\"orders\""},
                                         {"state", "\"RUNNING\""},
                                         {"start-time", "1000"},
                                         {"end-time", "-1"},
                                         {"last-modification", "2000"},
                                         {"tasks", R"({"total":2,"running":2})"}};
  row[member] = value;
  std::string text;
  for (const auto& [key, content] : row) {
    text += (text.empty() ? "\"" : ",\"") + key + "\":" + content;
  }
  return "{\"jobs\":[{" + text + "}]}";
}

TEST(RestBroken, WrongTypesNameTheMember) {
  const Limits limits;
  ASSERT_TRUE(rest::parse_jobs_overview(overview_with("x", "[]"), limits).ok());
  const std::pair<const char*, const char*> cases[] = {{"jid", "7"},
                                                       {"jid", "\"../../cluster\""},
                                                       {"jid", "null"},
                                                       {"name", "[]"},
                                                       {"state", "3"},
                                                       {"start-time", "\"soon\""},
                                                       {"start-time", "{}"},
                                                       {"start-time", "null"},
                                                       {"end-time", "[]"},
                                                       {"tasks", "[]"},
                                                       {"tasks", "{}"},
                                                       {"last-modification", "true"},
                                                       {"start-time", "18446744073709551615"}};
  for (const auto& [member, value] : cases) {
    const auto jobs = rest::parse_jobs_overview(overview_with(member, value), limits);
    ASSERT_FALSE(jobs.ok()) << member << " = " << value;
    EXPECT_EQ(jobs.error().code, ErrorCode::malformed);
    EXPECT_THAT(jobs.error().message, HasSubstr(std::string("$.jobs[0].") + member));
  }
}

TEST(RestBroken, TextForPeopleIsCleaned) {
  const Limits limits;
  const std::string name = R"("\u001b[31mred\u0000\nnext)" + std::string(5000, 'x') + "\"";
  const auto jobs = rest::parse_jobs_overview(overview_with("name", name), limits);
  ASSERT_TRUE(jobs.ok());
  EXPECT_THAT(jobs->at(0).name, testing::StartsWith(" [31mred  next"));
  EXPECT_LE(jobs->at(0).name.size(), limits.name_bytes_max + 3);
}

TEST(RestBroken, TheCapKeepsLivingJobs) {
  Limits limits;
  limits.jobs_max = 3;
  std::string rows;
  for (int i = 0; i < 10; ++i) {
    const bool lives = i % 5 == 0;
    rows += (i == 0 ? "" : ",") + std::string(R"({"jid":"0000000000000000000000000000000)") +
            std::to_string(i) + R"(","name":"j","state":")" + (lives ? "RUNNING" : "FINISHED") +
            R"(","start-time":)" + std::to_string(1000 + i) + R"(,"end-time":)" +
            (lives ? "-1" : std::to_string(2000 + i)) + R"(,"tasks":{"total":0}})";
  }
  const auto jobs = rest::parse_jobs_overview("{\"jobs\":[" + rows + "]}", limits);
  ASSERT_TRUE(jobs.ok());
  ASSERT_EQ(jobs->size(), 3U);
  EXPECT_EQ(jobs->at(0).start, 1000);
  EXPECT_EQ(jobs->at(1).start, 1005);
  EXPECT_EQ(jobs->at(2).start, 1009);
}

TEST(RestBroken, NotFlink) {
  for (const char* body : {"", "<html>", R"({"status":"up"})", "[]", R"({"flink-version":7})"}) {
    const auto version = rest::parse_version(body);
    ASSERT_FALSE(version.ok()) << body;
    EXPECT_EQ(version.error().code, ErrorCode::not_flink);
  }
  EXPECT_EQ(rest::classify_failure(404, "<html>nginx</html>").code, ErrorCode::not_flink);
  EXPECT_EQ(rest::classify_failure(404, "").code, ErrorCode::not_flink);
  EXPECT_EQ(rest::classify_failure(500, R"({"errors":"no list"})").code, ErrorCode::not_flink);
  EXPECT_EQ(rest::classify_failure(503, "<html>no backend</html>").code, ErrorCode::http_status);
  EXPECT_EQ(rest::classify_failure(503, R"({"errors":["busy"]})").code, ErrorCode::http_status);
  // A real 1.20's standby, seconds after its leader was killed.
  const Error orphan = rest::classify_failure(
      500,
      R"({"errors":["Internal server error.","<Exception on server side:\norg.apache.flink.runtime.rpc.)"
      R"(exceptions.RecipientUnreachableException: Could not send message [RemoteFencedMessage(92591ebb)"
      R"(91edcbbd6a7c9e12a3aa4c64, RemoteRpcInvocation(RestfulGateway.requestMultipleJobDetails(Time)))] )"
      R"(from sender [Actor[pekko://flink/temp/dispatcher_1$t]]\n\tat java.base/java.lang.Thread.run"]})");
  EXPECT_EQ(orphan.code, ErrorCode::leader_election);
  EXPECT_NE(orphan.message.find("cannot reach the JobManager that leads"), std::string::npos);
  EXPECT_EQ(rest::classify_failure(500, R"({"errors":["Internal server error."]})").code,
            ErrorCode::http_status);
  const Error hostile = rest::classify_failure(500, R"({"errors":["\u001b]0;title\u0007 x\ny"]})");
  EXPECT_EQ(hostile.message.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace doctor
