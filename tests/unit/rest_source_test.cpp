// What a RestSource asks for, and what comes out of it, while the cluster answers.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "collectors/percent_encoding.hpp"
#include "collectors/rest/requests.hpp"
#include "tests/unit/rest_fixtures.hpp"
#include "tests/unit/rest_source_fixture.hpp"

namespace doctor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(RestSourceTest, OnePollOfAHealthyCluster) {
  put_cluster();
  poll();
  EXPECT_THAT(events(), IsEmpty()) << "what was there before us did not happen now";
  const auto cluster = emitted<ClusterFactsPtr>();
  ASSERT_THAT(cluster, SizeIs(1));
  EXPECT_EQ(cluster[0]->name, "test");
  EXPECT_EQ(cluster[0]->url, "http://jm-a:8081");
  EXPECT_EQ(cluster[0]->version->minor, 20);
  EXPECT_EQ(cluster[0]->configuration.at("a.b"), "c");
  EXPECT_EQ(cluster[0]->job_manager_metaspace_limit, 268435456.0);
  EXPECT_TRUE(cluster[0]->task_managers_known);
  EXPECT_THAT(cluster[0]->task_managers, SizeIs(1));
  EXPECT_TRUE(cluster[0]->jobs_known);
  EXPECT_THAT(cluster[0]->jobs, SizeIs(1));

  const auto jobs = emitted<JobFactsPtr>();
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_EQ(jobs[0]->state, "RUNNING");
  EXPECT_EQ(jobs[0]->checkpointing, Checkpointing::on);
  EXPECT_EQ(jobs[0]->checkpoint_config->interval, 5000);
  EXPECT_TRUE(jobs[0]->exceptions_known);
  EXPECT_EQ(jobs[0]->restart_strategy, "none");
  EXPECT_EQ(jobs[0]->all_tasks_running_since, 5000);
  EXPECT_EQ(jobs[0]->vertices.at(0).subtasks.at(0).task_manager, "tm:1-a");

  const auto batches = emitted<Batch>();
  ASSERT_THAT(batches, SizeIs(1));
  // Restarts, five of the subtask, two of each process.
  EXPECT_THAT(batches[0].values, SizeIs(1 + 5 + 2 + 2));
  EXPECT_EQ(batches[0].layout->keys.size(), batches[0].values.size());

  EXPECT_TRUE(health().up);
  EXPECT_FALSE(health().last_error);
  EXPECT_EQ(health().exchanges, http.requests.size());
  EXPECT_EQ(health().samples_kept, 10U);
  for (const HttpRequest& request : http.requests) {
    EXPECT_TRUE(rest::is_allowed(request)) << request.target;
  }
}

TEST_F(RestSourceTest, AnUnchangedClusterIsAskedLittle) {
  put_cluster();
  source().set_reporters_present(true, true);
  poll();
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/vertices/" + kMap), 1) << "for the placement";
  EXPECT_THAT(emitted<Batch>(), IsEmpty()) << "values come from the reporters";
  poll();
  std::vector<std::string> targets;
  for (const HttpRequest& request : http.requests) targets.push_back(request.target);
  EXPECT_THAT(targets, ElementsAre("/jobs/overview", "/jobs/" + kOrders + "/checkpoints"));
  EXPECT_THAT(emitted<JobFactsPtr>(), SizeIs(1)) << "its checkpoints were read again";
  EXPECT_THAT(emitted<ClusterFactsPtr>(), SizeIs(1));
  poll();
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/exceptions"), 0);
  poll();
  EXPECT_EQ(http.asked("/taskmanagers"), 1) << "every third poll";
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/exceptions"), 1) << "nearly once a minute";
  poll();
  EXPECT_EQ(http.asked("/config"), 1) << "once a minute";
}

TEST_F(RestSourceTest, AnOldPageDoesNotMakeAStateOlderThanItsLastChange) {
  put_cluster();
  const std::string job = "/jobs/" + kOrders;
  http.put(job, R"({"jid":")" + kOrders + R"(","name":"orders","state":"RESTARTING",
      "start-time":1000,"end-time":-1,"timestamps":{"RUNNING":2000,"RESTARTING":4000},
      "vertices":[],"plan":{"nodes":[]}})");
  put_jobs(row(kOrders, "RESTARTING", 4500, 0));
  poll();
  EXPECT_EQ(emitted<JobFactsPtr>().at(0)->state_since.at("RESTARTING"), 4000) << "the page tells";
  http.put(job, R"({"errors":["busy"]})", 500);
  put_jobs(row(kOrders, "RESTARTING", 60'000, 0));  // it ran in between
  poll();
  ASSERT_THAT(emitted<JobFactsPtr>(), SizeIs(1));
  EXPECT_EQ(emitted<JobFactsPtr>().at(0)->state_since.at("RESTARTING"), 60'000);
  EXPECT_EQ(emitted<JobFactsPtr>().at(0)->state_since.at("RUNNING"), 2000);
}

TEST_F(RestSourceTest, ARestlessJobDoesNotEatTheBudget) {
  put_cluster();
  source().set_reporters_present(true, true);
  poll();
  int details = 0;
  int exceptions = 0;
  for (int i = 0; i < 20; ++i) {
    put_jobs(row(kOrders, i % 2 == 0 ? "RESTARTING" : "RUNNING", 9000 + i, 0));
    poll(10'000);
    details += static_cast<int>(http.asked("/jobs/" + kOrders));
    exceptions += static_cast<int>(http.asked("/jobs/" + kOrders + "/exceptions"));
  }
  EXPECT_LE(details, 11) << "every third poll, once it is known to be restless";
  EXPECT_EQ(exceptions, 20) << "every change may bring a new fault";
}

TEST_F(RestSourceTest, AChangeIsLookedAtOnce) {
  put_cluster();
  source().set_reporters_present(true, true);
  poll();
  put_jobs(row(kOrders, "RESTARTING", 9000, 0));
  poll();
  EXPECT_EQ(http.asked("/jobs/" + kOrders), 1);
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/exceptions"), 1);
  EXPECT_EQ(http.asked("/taskmanagers"), 1);
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/vertices/" + kMap), 0) << "nothing runs";
  const auto jobs = emitted<JobFactsPtr>();
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_EQ(jobs[0]->state, "RESTARTING");
  EXPECT_FALSE(jobs[0]->all_tasks_running_since);
  EXPECT_THAT(jobs[0]->vertices.at(0).subtasks, IsEmpty()) << "the old places are not the new ones";
  put_jobs(row(kOrders, "RUNNING", 11'000));
  poll();
  ASSERT_THAT(emitted<JobFactsPtr>(), SizeIs(1));
  EXPECT_EQ(emitted<JobFactsPtr>()[0]->all_tasks_running_since, 11'000);
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/vertices/" + kMap), 1);
}

TEST_F(RestSourceTest, EventsAreTheDifferenceOfTwoGoodAnswers) {
  const std::string second(32, 'b');
  const std::string third(32, 'c');
  put_cluster();
  poll();
  put_jobs(row(kOrders, "FAILED", 9000, 0) + "," + row(second, "RUNNING", 8000) + "," +
           row(third, "FINISHED", 8500, 0));
  http.put("/taskmanagers", R"({"taskmanagers":[{"id":"tm:2-b","slotsNumber":2,"freeSlots":0}]})");
  now += 60'000;
  poll();
  std::map<EventKind, std::vector<std::string>> happened;
  for (const Event& event : emitted<Event>()) happened[event.kind].push_back(event.subject);
  EXPECT_THAT(happened[EventKind::job_submitted], ElementsAre(second, third));
  EXPECT_THAT(happened[EventKind::job_ended], ElementsAre(third, kOrders));
  EXPECT_THAT(happened[EventKind::task_manager_joined], ElementsAre("tm:2-b"));
  EXPECT_THAT(happened[EventKind::task_manager_lost], ElementsAre("tm:1-a"));
  EXPECT_EQ(emitted<Event>().front().at, 1000) << "a submission is dated by Flink";

  put_jobs(row(second, "RUNNING", 8000));
  poll();
  EXPECT_THAT(events(), ElementsAre(EventKind::job_vanished, EventKind::job_vanished));
}

TEST_F(RestSourceTest, ALayoutIsReusedAndStaleValuesAreLeftOut) {
  put_cluster();
  poll();
  const auto first = emitted<Batch>().at(0);
  put_process("/jobmanager/metrics", 200);
  put_process("/taskmanagers/tm%3A1-a/metrics", 200);
  http.put("/jobs/" + kOrders + "/vertices/" + kMap, vertex(9000));
  poll();
  ASSERT_THAT(emitted<Batch>(), SizeIs(1));
  EXPECT_EQ(emitted<Batch>()[0].layout, first.layout);

  put_process("/jobmanager/metrics", 300);  // the TaskManager's were not fetched anew
  poll();
  ASSERT_THAT(emitted<Batch>(), SizeIs(1));
  EXPECT_THAT(emitted<Batch>()[0].values, SizeIs(3)) << "the JobManager's two, and the restarts";
  EXPECT_NE(emitted<Batch>()[0].layout, first.layout);
}

TEST_F(RestSourceTest, EmptyMetricsAreAbsent) {
  put_cluster();
  http.put("/jobmanager/metrics", "[]");
  http.put("/taskmanagers/tm%3A1-a/metrics", "[]");
  http.put("/jobs/" + kOrders + "/metrics", "[]");
  http.put("/jobs/" + kOrders + "/vertices/" + kMap, R"({"id":")" + kMap + R"(","subtasks":[]})");
  poll();
  EXPECT_THAT(emitted<Batch>(), IsEmpty());
  EXPECT_TRUE(health().up);
  EXPECT_FALSE(health().last_error);
  put_process("/jobmanager/metrics", 100);
  poll();
  ASSERT_THAT(emitted<Batch>(), SizeIs(1));
  EXPECT_THAT(emitted<Batch>()[0].values, SizeIs(2));
}

TEST_F(RestSourceTest, CheckpointingOffIsKnownAndNotAskedAgain) {
  put_cluster();
  const std::string off = R"({"errors":["Checkpointing has not been enabled."]})";
  http.put("/jobs/" + kOrders + "/checkpoints", off, 404);
  http.put("/jobs/" + kOrders + "/checkpoints/config", off, 404);
  poll();
  ASSERT_THAT(emitted<JobFactsPtr>(), SizeIs(1));
  EXPECT_EQ(emitted<JobFactsPtr>()[0]->checkpointing, Checkpointing::off);
  EXPECT_FALSE(health().last_error);
  poll();
  EXPECT_EQ(http.asked("/jobs/" + kOrders + "/checkpoints"), 0);
}

class RecordedSourceTest : public RestSourceTest,
                           public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Versions, RecordedSourceTest, testing::Values("1.20", "2.2"),
                         [](const auto& version) {
                           return version.param == std::string("1.20") ? "Flink1_20" : "Flink2_2";
                         });

/// One shot against a recorded cluster with eleven jobs: all of it is known after a single poll.
TEST_P(RecordedSourceTest, OneShotKnowsEverything) {
  const RecordedCluster recorded{GetParam()};
  recorded.play(http);
  config.one_shot = true;
  poll();
  EXPECT_TRUE(health().up);
  EXPECT_FALSE(health().last_error) << health().last_error->message;
  ASSERT_THAT(emitted<JobFactsPtr>(), SizeIs(recorded.job_ids().size()));
  for (const JobFactsPtr& job : emitted<JobFactsPtr>()) {
    EXPECT_TRUE(job->exceptions_known) << job->name;
    EXPECT_FALSE(job->vertices.empty()) << job->name;
    EXPECT_NE(job->checkpointing, Checkpointing::unknown) << job->name;
    EXPECT_TRUE(job->checkpoint_config) << job->name;
    if (job->state != "RUNNING") continue;
    for (const VertexFacts& vertex : job->vertices) {
      EXPECT_THAT(vertex.subtasks, SizeIs(vertex.parallelism)) << job->name;
    }
  }
  ASSERT_THAT(emitted<Batch>(), SizeIs(1));
  EXPECT_GT(emitted<Batch>()[0].values.size(), 100U);
}

TEST(RestRequests, OnlyReadingPathsAreAllowed) {
  const auto allowed = [](const std::string& target, const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.target = target;
    return rest::is_allowed(request);
  };
  EXPECT_TRUE(allowed("/jobs/overview"));
  EXPECT_TRUE(allowed("/jobs/" + kOrders + "/exceptions?maxExceptions=32"));
  EXPECT_TRUE(allowed("/taskmanagers/" + percent_encoded("a:1/../b") + "/metrics?get=x"));
  for (const char* method : {"POST", "DELETE", "PATCH", "PUT", "HEAD", "get"}) {
    EXPECT_FALSE(allowed("/jobs/overview", method)) << method;
  }
  for (const char* target :
       {"/cluster", "/jars", "/jobs/x/stop", "/jobs/x/savepoints", "/jobs/x/../../cluster",
        "/jobs/..", "/jobs//config", "/jobs/x/config/", "jobs/overview", "", "/",
        "/jobmanager/thread-dump", "/jobmanager/log", "/taskmanagers/x/thread-dump",
        "/jobs/overview HTTP/1.1\r\nX: y", "/jobs/overview#x", "/jobs/x/vertices/y/flamegraph",
        "/jobs/x/yarn-cancel"}) {
    EXPECT_FALSE(allowed(target)) << target;
  }
}

TEST_F(RestSourceTest, TellsHowManySeriesTheLastPollWasTooMany) {
  put_cluster();
  limits.series_per_source_max = 6;
  poll();
  const std::uint64_t first = health().series_dropped;
  EXPECT_EQ(health().samples_kept, 6U);
  EXPECT_EQ(first, 4U) << "of ten";
  EXPECT_EQ(health().series_unseen, first);
  put_process("/jobmanager/metrics", 200);
  put_process("/taskmanagers/tm%3A1-a/metrics", 200);
  poll();
  EXPECT_EQ(health().series_unseen, health().series_dropped - first);
  EXPECT_LT(health().series_unseen, health().series_dropped);
}

}  // namespace
}  // namespace doctor
