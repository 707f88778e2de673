// Twenty jobs of ten vertices, through REST alone: more pages than the budget can read while they
// are fresh. The one vertex that holds up its job must be found all the same, and the other jobs
// must be judged.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/unit/judged_rest_source.hpp"

namespace doctor {
namespace {

constexpr int kJobs = 20;
constexpr int kVertices = 10;
constexpr int kParallelism = 4;
constexpr int kSlowJob = 7;
constexpr int kSlowVertex = 5;

std::string hex(const char* kind, int number) {
  std::string digits = std::to_string(number);
  return kind + std::string(30 - digits.size(), '0') + digits;
}
std::string job_id(int job) { return hex("aa", job); }
std::string vertex_id(int vertex) { return hex("bb", vertex); }

class ManyJobs : public JudgedRestSource {
 protected:
  ManyJobs() {
    http.on_request = [this](const HttpRequest& request, const HttpCaps&) { answer(request); };
    http.put("/config", R"({"flink-version":"1.20.5"})");
    http.put("/taskmanagers", R"({"taskmanagers":[{"id":"tm:1-a","path":"pekko.tcp://f@h1:1/u",
      "slotsNumber":80,"freeSlots":0}]})");
    http.put("/jobmanager/config", R"([{"key":"a.b","value":"c"}])");
    http.put("/jobmanager/environment", R"({"jvm":{"options":[]}})");
    std::string rows;
    for (int job = 0; job < kJobs; ++job) {
      rows += (job == 0 ? "" : ",") + std::string(R"({"jid":")") + job_id(job) +
              R"(","name":"job-)" + std::to_string(job) + R"(","start-time":)" +
              std::to_string(kStart) + R"(,"end-time":-1,"state":"RUNNING","last-modification":)" +
              std::to_string(kStart + 1000) + R"(,"tasks":{"total":40,"running":40}})";
      put_job(job);
    }
    http.put("/jobs/overview", "{\"jobs\":[" + rows + "]}");
  }

  void put_job(int job) {
    const std::string path = "/jobs/" + job_id(job);
    http.put(path + "/config", R"({"execution-config":{"restart-strategy":"none"}})");
    http.put(path + "/checkpoints/config", R"({"interval":60000,"timeout":600000})");
    http.put(path + "/checkpoints", R"({"counts":{"restored":0,"total":0,"in_progress":0,
      "completed":0,"failed":0},"latest":null,"history":[]})");
    http.put(path + "/exceptions", R"({"exceptionHistory":{"entries":[]}})");
  }

  /// Pages whose figures move with the clock.
  void answer(const HttpRequest& request) {
    ++calls;
    for (int job = 0; job < kJobs; ++job) {
      const std::string path = "/jobs/" + job_id(job);
      if (!request.target.starts_with(path)) continue;
      if (request.target == path) http.put(path, job_page(job));
      for (int vertex = 0; vertex < kVertices; ++vertex) {
        const std::string page = path + "/vertices/" + vertex_id(vertex);
        if (request.target == page) http.put(page, vertex_page(job, vertex));
      }
      return;
    }
  }
  std::string times(int job, int vertex, int tasks) const {
    const bool slow_job = job == kSlowJob;
    const double held_up = slow_job && vertex < kSlowVertex ? 0.7 : 0;
    const double busy = slow_job && vertex == kSlowVertex ? 0.97 : 0.2;
    const double ms = static_cast<double>(tasks) * static_cast<double>(now - kStart);
    const auto field = [&](const char* name, double share) {
      return std::string(",\"accumulated-") + name +
             "-time\":" + std::to_string(static_cast<std::int64_t>(share * ms));
    };
    return R"("metrics":{"read-records":1,"read-records-complete":true,"write-records":1,
      "write-records-complete":true)" +
           field("busy", busy) + field("backpressured", held_up) +
           field("idle", 1 - busy - held_up) + "}";
  }
  std::string job_page(int job) const {
    std::string vertices;
    std::string nodes;
    for (int v = 0; v < kVertices; ++v) {
      const std::string comma = v == 0 ? "" : ",";
      vertices += comma + R"({"id":")" + vertex_id(v) + R"(","name":"v)" + std::to_string(v) +
                  R"(","parallelism":4,"status":"RUNNING",)" + times(job, v, kParallelism) + "}";
      nodes +=
          comma + R"({"id":")" + vertex_id(v) + R"(")" +
          (v == 0 ? ""
                  : R"(,"inputs":[{"id":")" + vertex_id(v - 1) + R"(","ship_strategy":"HASH"}])") +
          "}";
    }
    return R"({"jid":")" + job_id(job) + R"(","name":"job-)" + std::to_string(job) +
           R"(","state":"RUNNING","start-time":)" + std::to_string(kStart) +
           R"(,"end-time":-1,"timestamps":{"RUNNING":)" + std::to_string(kStart + 1000) +
           R"(},"vertices":[)" + vertices + R"(],"plan":{"nodes":[)" + nodes + "]}}";
  }
  std::string vertex_page(int job, int vertex) const {
    std::string subtasks;
    for (int i = 0; i < kParallelism; ++i) {
      subtasks +=
          (i == 0 ? "" : ",") + std::string(R"({"subtask":)") + std::to_string(i) +
          R"(,"status":"RUNNING","attempt":0,"endpoint":"h1:1","taskmanager-id":"tm:1-a",)" +
          times(job, vertex, 1) + "}";
    }
    return R"({"id":")" + vertex_id(vertex) + R"(","name":"v","subtasks":[)" + subtasks + "]}";
  }

  void run(DurationMs duration_ms) {
    for (const TimestampMs end = now + duration_ms; now < end; now += kPollMs) {
      poll();
      judge.judge(now);
    }
  }
  bool finds_backpressure() {
    View view;
    show(judge, view);
    return std::any_of(view.findings.begin(), view.findings.end(),
                       [](const ReportedFinding& reported) {
                         return reported.finding.detector == "backpressure" &&
                                reported.state == FindingState::firing &&
                                reported.finding.severity != Severity::info;
                       });
  }
  DetectorReport backpressure() { return report_of("backpressure"); }

  int calls{0};
};

TEST_F(ManyJobs, TheOneThatIsHeldUpIsFoundAndTheOthersAreJudged) {
  run(12 * kMinuteMs);
  View view;
  show(judge, view);
  std::map<std::string, int> found;
  for (const ReportedFinding& reported : view.findings) {
    const Finding& finding = reported.finding;
    if (finding.detector != "backpressure" || finding.severity == Severity::info) continue;
    if (reported.state != FindingState::firing) continue;
    ++found[finding.subject.job_name + " " + finding.subject.vertex];
    EXPECT_EQ(finding.confidence, Confidence::confirmed);
  }
  EXPECT_EQ(found, (std::map<std::string, int>{{"job-7 v5", 1}}));
  EXPECT_EQ(backpressure().why, "");  // nobody is left out
  const double minutes = 12;
  EXPECT_LE(calls, 1.1 * minutes * limits.rest_calls_per_minute_max + 60);
}

/// Four minutes it must last, and first each job's page and then each vertex's has its turn.
TEST_F(ManyJobs, TheOneThatIsHeldUpIsFoundInTime) {
  const TimestampMs began = now;
  while (!finds_backpressure() && now - began < 12 * kMinuteMs) run(kPollMs);
  EXPECT_LE(now - began, 7 * kMinuteMs);
}

}  // namespace
}  // namespace doctor
