// What a RestSource makes of clusters that answer badly, late, partly or not at all.
#include <gmock/gmock.h>

#include "tests/unit/rest_source_fixture.hpp"

namespace doctor {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kElection =
    R"({"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]})";
constexpr const char* kNotFound = R"({"errors":["x.NotFoundException: Job not found\n\tat y"]})";

FakeReply failure(ErrorCode code) { return {0, "", Error{code, "why"}}; }

TEST_F(RestSourceTest, NotFlink) {
  for (const char* body : {"<html>It works!</html>", R"({"status":"UP"})", "\x01\x02", "[]", ""}) {
    http.by_host["jm-a"] = {200, body};
    poll();
    EXPECT_THAT(items, SizeIs(1)) << body;
    EXPECT_FALSE(health().up);
    EXPECT_FALSE(health().ever_up);
    EXPECT_EQ(health().last_error->code, ErrorCode::not_flink) << body;
  }
  http.by_host["jm-a"] = {404, "<html>nothing here</html>"};
  poll();
  EXPECT_EQ(health().last_error->code, ErrorCode::not_flink);
  EXPECT_EQ(health().since, 1'000'000);
}

TEST_F(RestSourceTest, DownSaysWhyAndNothingElse) {
  put_cluster();
  poll();
  const TimestampMs fell = now;
  for (const ErrorCode code : {ErrorCode::refused, ErrorCode::timeout, ErrorCode::reset}) {
    http.by_host["jm-a"] = failure(code);
    poll();
    EXPECT_THAT(items, SizeIs(1)) << "no ClusterFacts: nobody said that there are no jobs";
    EXPECT_EQ(health().last_error->code, code);
    EXPECT_EQ(health().since, fell);
    EXPECT_TRUE(health().ever_up);
  }
  http.by_host["jm-a"] = {503, kElection};
  poll();
  EXPECT_EQ(health().last_error->code, ErrorCode::leader_election);
  EXPECT_EQ(health().errors.at(ErrorCode::refused), 1U);

  http.by_host.clear();
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_THAT(events(), IsEmpty()) << "the job was there all the time";
  EXPECT_EQ(http.asked("/jobmanager/config"), 1) << "it may be another JobManager";
  EXPECT_EQ(http.asked("/taskmanagers"), 1);
}

TEST_F(RestSourceTest, AnOverviewThatIsBrokenIsNoOverview) {
  put_cluster();
  poll();
  for (const char* body : {"{\"jobs\":[", "{\"jobs\":7}", "{}", "<html>", "[]"}) {
    http.put("/jobs/overview", body);
    poll();
    EXPECT_THAT(items, SizeIs(1)) << body;
    EXPECT_FALSE(health().up);
    EXPECT_EQ(health().last_error->code, ErrorCode::malformed) << body;
  }
}

TEST_F(RestSourceTest, TheJobManagerThatAnswersIsKept) {
  put_cluster();
  config.candidates = {Endpoint{"jm-a", 8081, ""}, Endpoint{"jm-b", 8081, ""}};
  http.by_host["jm-a"] = failure(ErrorCode::refused);
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_EQ(health().address, "jm-b:8081");
  poll();
  for (const HttpRequest& request : http.requests) EXPECT_EQ(request.endpoint.host, "jm-b");

  http.by_host["jm-b"] = {503, kElection};
  poll();
  EXPECT_FALSE(health().up);
  EXPECT_EQ(health().last_error->code, ErrorCode::leader_election) << "tells more than refused";
}

TEST_F(RestSourceTest, AJobThatGoesBetweenTwoCallsIsLeftAlone) {
  put_cluster();
  poll();
  put_jobs(row(kOrders, "RUNNING", 7000));
  http.put("/jobs/" + kOrders, kNotFound, 404);
  http.put("/jobs/" + kOrders + "/checkpoints", kNotFound, 404);
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_FALSE(health().last_error) << "that is life, no trouble";
  EXPECT_THAT(emitted<JobFactsPtr>(), IsEmpty());
  EXPECT_THAT(emitted<ClusterFactsPtr>(), SizeIs(1));
  EXPECT_THAT(events(), IsEmpty()) << "the overview still has it";
  put_jobs("");
  poll();
  EXPECT_THAT(events(), ElementsAre(EventKind::job_vanished));
}

TEST_F(RestSourceTest, ATaskManagerThatGoesBetweenTwoCalls) {
  put_cluster();
  http.put("/taskmanagers/tm%3A1-a/metrics",
           R"({"errors":["Internal server error.","<Exception on server side:\nx.)"
           R"(UnknownTaskExecutorException: No TaskExecutor registered under tm:1-a."]})",
           500);
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_FALSE(health().last_error);
  EXPECT_THAT(emitted<JobFactsPtr>(), SizeIs(1));
}

TEST_F(RestSourceTest, WhatCannotBeReadStaysUnknown) {
  put_cluster();
  http.put("/taskmanagers", "<html>", 200);
  http.put("/jobs/" + kOrders + "/exceptions", R"({"exceptionHistory":7})");
  http.put("/jobs/" + kOrders + "/checkpoints", R"({"errors":["Internal server error."]})", 500);
  http.put("/jobs/" + kOrders + "/checkpoints/config", failure(ErrorCode::timeout));
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_TRUE(source().partial());
  ASSERT_TRUE(health().last_error);
  EXPECT_FALSE(emitted<ClusterFactsPtr>().at(0)->task_managers_known);
  const auto jobs = emitted<JobFactsPtr>();
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_FALSE(jobs[0]->exceptions_known);
  EXPECT_EQ(jobs[0]->checkpointing, Checkpointing::unknown);
  EXPECT_FALSE(jobs[0]->checkpoint_counts);

  put_cluster();
  poll();
  EXPECT_FALSE(source().partial()) << "asked again";
  EXPECT_TRUE(emitted<JobFactsPtr>().at(0)->exceptions_known);
}

TEST_F(RestSourceTest, AnOldPartStaysWhenItsNextAnswerIsBroken) {
  put_cluster();
  poll();
  put_jobs(row(kOrders, "FAILED", 9000, 0));
  http.put("/jobs/" + kOrders, "{");
  http.put("/jobs/" + kOrders + "/exceptions", "{");
  poll();
  const auto jobs = emitted<JobFactsPtr>();
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_EQ(jobs[0]->state, "FAILED") << "the overview said so";
  EXPECT_THAT(jobs[0]->vertices, SizeIs(1));
  EXPECT_EQ(health().last_error->code, ErrorCode::malformed);
}

TEST_F(RestSourceTest, CancelledMeansSilence) {
  put_cluster();
  http.put("/jobs/overview", FakeReply{200, "", std::nullopt, true});
  poll_and_cancel();
  EXPECT_THAT(items, IsEmpty());
  put_cluster();
  http.put("/jobs/" + kOrders + "/exceptions", FakeReply{200, "", std::nullopt, true});
  poll_and_cancel();
  EXPECT_THAT(items, IsEmpty());
  EXPECT_FALSE(source().health().up);
  put_cluster();
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_THAT(emitted<JobFactsPtr>(), SizeIs(1)) << "nothing was lost by the cancelled poll";
}

TEST_F(RestSourceTest, AHangingJobManagerHoldsAPollForFourDeadlines) {
  put_cluster();
  const TimestampMs start = now;
  http.on_request = [&](const HttpRequest& request, const HttpCaps& caps) {
    EXPECT_LE(caps.deadline_ms, limits.rest_deadline_ms);
    EXPECT_LE(now + caps.deadline_ms, start + 4 * limits.rest_deadline_ms);
    if (request.target != "/config") now += caps.deadline_ms;
  };
  poll(0);
  EXPECT_LE(now, start + 4 * limits.rest_deadline_ms);
  EXPECT_TRUE(health().up) << "slow, but the overview came";
  EXPECT_EQ(health().last_error->code, ErrorCode::timeout);
}

TEST_F(RestSourceTest, ManyHangingAddressesDoNotHideAGoodOne) {
  put_cluster();
  config.candidates.clear();
  for (int i = 0; i < 6; ++i) {
    const std::string host = "jm-" + std::to_string(i);
    config.candidates.push_back(Endpoint{host, 8081, ""});
    if (i < 5) http.by_host[host] = failure(ErrorCode::timeout);
  }
  http.on_request = [&](const HttpRequest& request, const HttpCaps& caps) {
    if (http.by_host.contains(request.endpoint.host)) now += caps.deadline_ms;
  };
  poll();
  EXPECT_FALSE(health().up);
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_EQ(health().address, "jm-5:8081");
}

TEST_F(RestSourceTest, AfterTwoCallsWithoutAnswerTheRestWaits) {
  put_cluster();
  for (auto& [target, replies] : http.script) {
    if (target.starts_with("/jobs/" + kOrders)) replies = {failure(ErrorCode::timeout)};
  }
  poll();
  EXPECT_EQ(health().errors.at(ErrorCode::timeout), 2U);
}

TEST_F(RestSourceTest, AShortBudgetDelaysDetailsButNotTheOverview) {
  limits.rest_calls_per_minute_max = 12;
  put_cluster();
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::string(30, 'a') + std::to_string(10 + i);
    rows += (i == 0 ? "" : ",") + row(id, "RUNNING", 5000 + i);
    http.put("/jobs/" + id, R"({"jid":")" + id + R"(","name":"o","state":"RUNNING","start-time":1,
      "timestamps":{},"vertices":[]})");
    http.put("/jobs/" + id + "/exceptions", R"({"exceptionHistory":{"entries":[]}})");
    http.put("/jobs/" + id + "/config", "{}");
    http.put("/jobs/" + id + "/metrics", "[]");
    http.put("/jobs/" + id + "/checkpoints/config", R"({"interval":1,"timeout":1})");
    http.put("/jobs/" + id + "/checkpoints", R"({"counts":{"restored":0,"total":0,"in_progress":0,
      "completed":0,"failed":0},"history":[]})");
  }
  put_jobs(rows);
  std::size_t calls = 0;
  std::map<std::string, JobFactsPtr> jobs;
  const int polls = 4 * 40;
  for (int i = 0; i < polls; ++i) {
    poll();
    EXPECT_EQ(http.asked("/jobs/overview"), 1);
    EXPECT_TRUE(health().up);
    EXPECT_FALSE(health().last_error) << "postponed is not failed";
    calls += http.requests.size();
    for (const JobFactsPtr& job : emitted<JobFactsPtr>()) jobs[job->id] = job;
  }
  EXPECT_LE(calls, 12U * 40 + 16) << "per minute, with what was saved up at first";
  ASSERT_THAT(jobs, SizeIs(20));
  for (const auto& [id, job] : jobs) {
    EXPECT_TRUE(job->exceptions_known) << id;
    EXPECT_TRUE(job->checkpoint_config) << id;
    EXPECT_TRUE(job->checkpoint_counts) << id;
  }
}

TEST_F(RestSourceTest, LargeAnswersDelayDetailsButNotTheOverview) {
  limits.rest_bytes_per_minute_max = 1000;
  put_cluster();
  poll(0);
  std::size_t overviews = 0;
  for (int i = 0; i < 5; ++i) {
    poll(0);  // the clock stands still: nothing is earned
    overviews += static_cast<std::size_t>(http.asked("/jobs/overview"));
    EXPECT_LE(http.requests.size(), 2U) << "what identifies Flink, and the overview";
    EXPECT_TRUE(health().up);
  }
  EXPECT_EQ(overviews, 5U);
  poll(10 * kMinuteMs);
  poll();
  EXPECT_GT(http.requests.size(), 2U) << "a quiet time later there is something to spend again";
}

TEST_F(RestSourceTest, TaskManagersHaveAMinuteToRegisterAfterAFailover) {
  put_cluster();
  now += 120'000;
  poll();
  now += 120'000;
  poll();
  http.by_host["jm-a"] = failure(ErrorCode::refused);
  poll();
  http.by_host.clear();
  http.put("/taskmanagers", R"({"taskmanagers":[]})");
  poll();
  EXPECT_THAT(events(), IsEmpty());
  put_cluster();
  for (int i = 0; i < 3; ++i) poll();
  EXPECT_THAT(events(), IsEmpty()) << "back with its old id";

  http.put("/taskmanagers", R"({"taskmanagers":[]})");
  for (int i = 0; i < 3; ++i) {
    poll();
    if (!events().empty()) break;
  }
  EXPECT_THAT(events(), ElementsAre(EventKind::task_manager_lost));
}

}  // namespace
}  // namespace doctor
