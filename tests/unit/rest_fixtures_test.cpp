// The parsers on what real clusters answered.
#include <gmock/gmock.h>

#include <algorithm>

#include "collectors/rest/parse.hpp"
#include "tests/unit/rest_fixtures.hpp"

namespace doctor {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class RestFixtures : public testing::TestWithParam<const char*> {
 protected:
  JobFacts job(const std::string& name) const {
    Result<rest::JobPage> parsed = rest::parse_job(body("job-" + name), limits);
    EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
    return parsed.ok() ? parsed->job : JobFacts{};
  }
  std::string body(const std::string& name) const { return recorded.body(name); }

  Limits limits;
  RecordedCluster recorded{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Versions, RestFixtures, testing::Values("1.20", "2.2"),
                         [](const auto& version) {
                           return version.param == std::string("1.20") ? "Flink1_20" : "Flink2_2";
                         });

TEST_P(RestFixtures, TheJobsPageTellsHowAllTasksOfAVertexSpentTheirTime) {
  const Result<rest::JobPage> page = rest::parse_job(body("job-orders-slow"), limits);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->times.size(), page->job.vertices.size());
  for (std::size_t i = 0; i < page->times.size(); ++i) {
    const std::string& name = page->job.vertices[i].name;
    ASSERT_TRUE(page->times[i]) << name;
    const double held_up = rest::backpressured_between(std::nullopt, *page->times[i]);
    if (name == "parse") {
      EXPECT_GT(held_up, 0.7);
    }
    if (name == "enrich" || name == "deliver: Writer") {
      EXPECT_LT(held_up, 0.05) << name;
    }
  }
}

TEST(TaskTimes, AreHeldUpSinceTheLastLookOrSinceTheyStartedAnew) {
  const rest::TaskTimes before{100.0, 50, 50};
  EXPECT_DOUBLE_EQ(rest::backpressured_between(before, {150.0, 100, 50}), 0.5);
  EXPECT_DOUBLE_EQ(rest::backpressured_between(before, before), 0);
  EXPECT_DOUBLE_EQ(rest::backpressured_between(before, {10.0, 30, 0}), 0.75);
}

TEST_P(RestFixtures, VersionFromConfigAndOverview) {
  for (const char* name : {"config", "overview"}) {
    const auto version = rest::parse_version(body(name));
    ASSERT_TRUE(version.ok());
    EXPECT_EQ(std::to_string(version->major) + "." + std::to_string(version->minor), GetParam());
    EXPECT_THAT(version->text, HasSubstr(GetParam()));
  }
}

TEST_P(RestFixtures, JobsOverview) {
  const auto jobs = rest::parse_jobs_overview(body("jobs-overview"), limits);
  ASSERT_TRUE(jobs.ok());
  EXPECT_THAT(*jobs, SizeIs(recorded.job_ids().size()));
  const auto named = [&](const std::string& name) {
    return *std::find_if(jobs->begin(), jobs->end(), [&](const auto& j) { return j.name == name; });
  };
  const JobSummary failed = named("payments-failed");
  EXPECT_EQ(failed.state, "FAILED");
  EXPECT_EQ(failed.end, failed.last_modification);
  EXPECT_EQ(failed.tasks_running, 0);
  const JobSummary slow = named("orders-slow");
  EXPECT_EQ(slow.id, recorded.job_ids()["orders-slow"]);
  EXPECT_EQ(slow.state, "RUNNING");
  EXPECT_FALSE(slow.end);
  EXPECT_EQ(slow.tasks_total, 10);
  EXPECT_EQ(slow.tasks_running, 10);
  EXPECT_GT(slow.start, 0);
  EXPECT_EQ(named("payments-finished").tasks_running, 2) << "finished tasks do not wait";

  const auto none = rest::parse_jobs_overview(body("empty-jobs-overview"), limits);
  ASSERT_TRUE(none.ok());
  EXPECT_THAT(*none, IsEmpty());
}

TEST_P(RestFixtures, JobWithItsPlan) {
  const JobFacts slow = job("orders-slow");
  EXPECT_EQ(slow.name, "orders-slow");
  EXPECT_EQ(slow.type, "STREAMING");
  EXPECT_GT(slow.state_since.at("RUNNING"), slow.start);
  EXPECT_EQ(slow.state_since.at("RESTARTING"), 0);
  ASSERT_THAT(slow.vertices, SizeIs(5));
  std::size_t sources = 0;
  std::size_t keyed = 0;
  for (const VertexFacts& vertex : slow.vertices) {
    EXPECT_EQ(vertex.parallelism, 2);
    EXPECT_EQ(vertex.max_parallelism, 128);
    EXPECT_THAT(vertex.subtasks, IsEmpty());
    sources += vertex.inputs.empty() ? 1 : 0;
    for (const Edge& edge : vertex.inputs) {
      EXPECT_NE(slow.vertex(edge.from), nullptr) << edge.from;
      keyed += edge.ship_strategy == "HASH" ? 1 : 0;
    }
  }
  EXPECT_EQ(sources, 1);
  EXPECT_GT(keyed, 0);
}

TEST_P(RestFixtures, CheckpointsOfASlowJob) {
  JobFacts slow;
  ASSERT_TRUE(rest::parse_checkpoints(body("job-orders-slow-checkpoints"), limits, slow).ok());
  EXPECT_EQ(slow.checkpointing, Checkpointing::on);
  ASSERT_TRUE(slow.checkpoint_counts);
  EXPECT_EQ(slow.checkpoint_counts->in_progress, 1);
  ASSERT_FALSE(slow.checkpoints.empty());
  EXPECT_TRUE(std::is_sorted(slow.checkpoints.begin(), slow.checkpoints.end(),
                             [](const auto& a, const auto& b) { return a.id < b.id; }));
  const CheckpointRecord& newest = slow.checkpoints.back();
  EXPECT_EQ(newest.status, CheckpointRecord::Status::in_progress);
  EXPECT_FALSE(newest.ended);
  EXPECT_FALSE(newest.state_size) << "what is acknowledged so far is not the size";
  EXPECT_LT(newest.acknowledged, newest.subtasks);
  EXPECT_FALSE(slow.restored_at);

  ASSERT_TRUE(rest::parse_checkpoint_config(body("job-orders-slow-checkpoints-config"), slow).ok());
  EXPECT_EQ(slow.checkpoint_config->interval, 5000);
  EXPECT_EQ(slow.checkpoint_config->timeout, 600'000);
  EXPECT_EQ(slow.checkpoint_config->mode, "exactly_once");
  EXPECT_THAT(slow.checkpoint_config->state_backend, HasSubstr("HashMap"));
}

TEST_P(RestFixtures, FailedCheckpointsTellWhy) {
  JobFacts absent;
  ASSERT_TRUE(rest::parse_checkpoints(body("job-ledger-absent-checkpoints"), limits, absent).ok());
  EXPECT_FALSE(absent.latest_completed);
  EXPECT_EQ(absent.checkpoint_counts->completed, 0);
  const auto failed = std::find_if(
      absent.checkpoints.begin(), absent.checkpoints.end(),
      [](const auto& record) { return record.status == CheckpointRecord::Status::failed; });
  ASSERT_NE(failed, absent.checkpoints.end());
  EXPECT_EQ(failed->failure, "Checkpoint expired before completing.");
  EXPECT_GT(failed->ended.value_or(0), failed->triggered);
}

TEST_P(RestFixtures, SavepointsAndRestoreAreToldApart) {
  JobFacts growing;
  const std::string text = body("lost-job-profiles-growing-checkpoints");
  ASSERT_TRUE(rest::parse_checkpoints(text, limits, growing).ok());
  EXPECT_EQ(growing.checkpoint_counts->restored, 1);
  EXPECT_GT(growing.restored_at.value_or(0), 0);
  ASSERT_TRUE(growing.latest_completed);
  EXPECT_FALSE(growing.latest_completed->savepoint);
  EXPECT_GT(*growing.latest_completed->state_size, *growing.latest_completed->checkpointed_size);
  const auto savepoint = std::find_if(growing.checkpoints.begin(), growing.checkpoints.end(),
                                      [](const auto& record) { return record.savepoint; });
  ASSERT_NE(savepoint, growing.checkpoints.end()) << "kept although the history forgot it";
  EXPECT_EQ(savepoint->type, "SAVEPOINT");
}

TEST_P(RestFixtures, TheSummaryGoesBackFurtherThanTheHistory) {
  JobFacts growing;
  const std::string text = body("lost-job-profiles-growing-checkpoints");
  ASSERT_TRUE(rest::parse_checkpoints(text, limits, growing).ok());
  EXPECT_GT(growing.checkpoint_counts->completed,
            static_cast<std::int64_t>(growing.checkpoints.size()));
  ASSERT_TRUE(growing.checkpoint_summary);
  const CheckpointSummary& summary = *growing.checkpoint_summary;
  for (const auto& spread : {summary.duration, summary.checkpointed_size, summary.state_size}) {
    ASSERT_TRUE(spread && spread->p50 && spread->p99);
    EXPECT_GT(spread->min, 0);
    EXPECT_LT(spread->min, *spread->p50);
    EXPECT_LT(*spread->p50, *spread->p99);
    EXPECT_LE(*spread->p99, spread->max);
    EXPECT_LT(spread->avg, spread->max);
  }
  EXPECT_LT(summary.duration->max, 5000) << "milliseconds";
  EXPECT_GT(summary.state_size->p50, summary.checkpointed_size->p50) << "incremental";

  JobFacts absent = growing;
  ASSERT_TRUE(rest::parse_checkpoints(body("job-ledger-absent-checkpoints"), limits, absent).ok());
  EXPECT_FALSE(absent.checkpoint_summary) << "0 and \"NaN\" of no checkpoint at all";
}

TEST_P(RestFixtures, NoInterval) {
  JobFacts job;
  const std::string config = body("job-ledger-no-checkpoints-checkpoints-config");
  ASSERT_TRUE(rest::parse_checkpoint_config(config, job).ok());
  EXPECT_FALSE(job.checkpoint_config->interval);
  const std::string checkpoints = body("job-ledger-no-checkpoints-checkpoints");
  ASSERT_TRUE(rest::parse_checkpoints(checkpoints, limits, job).ok()) << "\"NaN\" in the summary";
  EXPECT_THAT(job.checkpoints, IsEmpty());
}

TEST_P(RestFixtures, ExceptionsOldestFirst) {
  JobFacts looping;
  const std::string text = body("job-payments-looping-exceptions");
  ASSERT_TRUE(rest::parse_exceptions(text, limits, looping).ok());
  EXPECT_TRUE(looping.exceptions_known);
  ASSERT_GT(looping.exceptions.size(), 3U);
  EXPECT_LT(looping.exceptions.front().at, looping.exceptions.back().at);
  const ExceptionRecord& last = looping.exceptions.back();
  EXPECT_EQ(last.name, "java.lang.IllegalStateException");
  EXPECT_THAT(last.message, HasSubstr("record 4711 cannot be decoded"));
  EXPECT_EQ(last.root_cause, last.name + ": " + last.message);
  ASSERT_THAT(last.frames, SizeIs(5));
  EXPECT_THAT(last.frames[0], HasSubstr("flinkdoctor.Failing$Decode.map("));
  EXPECT_THAT(last.task, HasSubstr("decode"));
  EXPECT_THAT(last.task_manager, HasSubstr("127.0.0.1:"));
}

TEST_P(RestFixtures, TheRootCauseIsNotRecoverySuppressed) {
  JobFacts failed;
  const std::string text = body("job-payments-failed-exceptions");
  ASSERT_TRUE(rest::parse_exceptions(text, limits, failed).ok());
  ASSERT_THAT(failed.exceptions, SizeIs(1)) << "the task's own exception is the same fault";
  const ExceptionRecord& fault = failed.exceptions[0];
  EXPECT_EQ(fault.name, "org.apache.flink.runtime.JobException");
  EXPECT_THAT(fault.root_cause, HasSubstr("java.io.IOException: connection to broker-7 lost"));
  EXPECT_THAT(fault.frames, Each(Not(HasSubstr("ExecutionFailureHandler"))));
  EXPECT_THAT(fault.task, HasSubstr("decode"));

  JobFacts healthy;
  ASSERT_TRUE(rest::parse_exceptions(body("job-orders-healthy-exceptions"), limits, healthy).ok());
  EXPECT_TRUE(healthy.exceptions_known);
  EXPECT_THAT(healthy.exceptions, IsEmpty());
}

TEST_P(RestFixtures, VertexGivesPlacesAndTimes) {
  const JobFacts slow = job("orders-slow");
  EntityTable entities(1000);
  VertexFacts vertex = slow.vertices.at(2);
  rest::KeyedValues values;
  const Status parsed = rest::parse_vertex(body("job-orders-slow-vertex-3"), limits, slow.id,
                                           entities, vertex, values);
  ASSERT_TRUE(parsed.ok());
  ASSERT_THAT(vertex.subtasks, SizeIs(2));
  EXPECT_THAT(vertex.subtasks, Each(Field(&SubtaskFacts::status, "RUNNING")));
  EXPECT_THAT(vertex.subtasks[0].task_manager, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(vertex.subtasks[0].host, "localhost");
  const EntityId job_entity = entities.find(Level::job, kClusterEntity, slow.id);
  const EntityId vertex_entity = entities.find(Level::vertex, job_entity, vertex.id);
  const EntityId second = entities.find(Level::subtask, vertex_entity, "", 1);
  ASSERT_NE(second, kNoEntity);
  std::map<Metric, double> of_second;
  for (const auto& [key, value] : values) {
    if (key.entity == second) of_second[key.metric] = value;
  }
  EXPECT_THAT(of_second, SizeIs(5));
  EXPECT_GT(of_second[Metric::task_accumulated_busy], 1000);
  EXPECT_GT(of_second[Metric::task_records_in], 0);
}

TEST_P(RestFixtures, ZerosThatWereNeverReadAreAbsent) {
  // Just restarted: every "complete" is false in the 1.20 recording.
  const JobFacts looping = job("payments-looping");
  EntityTable entities(1000);
  VertexFacts vertex = looping.vertices.at(0);
  rest::KeyedValues values;
  const std::string text = body("job-payments-looping-vertex-1");
  ASSERT_TRUE(rest::parse_vertex(text, limits, looping.id, entities, vertex, values).ok());
  const bool complete = text.find("\"read-records-complete\":true") != std::string::npos;
  EXPECT_EQ(values.empty(), !complete);
}

TEST_P(RestFixtures, TaskManagersInBytes) {
  const auto managers = rest::parse_task_managers(body("taskmanagers"), limits);
  ASSERT_TRUE(managers.ok());
  ASSERT_THAT(*managers, SizeIs(2));
  for (const TaskManagerFacts& manager : *managers) {
    EXPECT_EQ(manager.host, "127.0.0.1");
    EXPECT_EQ(manager.slots, 6);
    EXPECT_EQ(manager.memory.managed, 600.0 * 1024 * 1024);
    EXPECT_EQ(manager.memory.total_process, 1700.0 * 1024 * 1024);
    EXPECT_EQ(manager.memory.metaspace, 268435456.0);
  }
}

TEST_P(RestFixtures, JobManagerConfigurationAndJvm) {
  const auto configuration = rest::parse_configuration(body("jobmanager-config"), limits);
  ASSERT_TRUE(configuration.ok());
  EXPECT_EQ(configuration->at("restart-strategy.type"), "none");
  EXPECT_EQ(configuration->at("taskmanager.numberOfTaskSlots"), "6");
  const auto options = rest::parse_jvm_options(body("jobmanager-environment"), limits);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(rest::metaspace_limit(*options), 268435456.0);
}

TEST_P(RestFixtures, ProcessMetrics) {
  EntityTable entities(1000);
  const EntityId process = entities.intern(Level::process, kClusterEntity, "jobmanager");
  rest::KeyedValues values;
  ASSERT_TRUE(rest::parse_metrics(body("jobmanager-metrics"), process, entities, values).ok());
  std::map<Metric, double> own;
  for (const auto& [key, value] : values) {
    if (key.entity == process) own[key.metric] = value;
  }
  EXPECT_GT(own[Metric::jvm_metaspace_used], 1e6);
  EXPECT_GT(own[Metric::jvm_cpu_time], 1e9);
  EXPECT_EQ(own.count(Metric::managed_used), 0U);
  const EntityId young = entities.find(Level::collector, process, "G1_Young_Generation");
  ASSERT_NE(young, kNoEntity);
  const auto count = std::find_if(values.begin(), values.end(), [&](const auto& entry) {
    return entry.first == SeriesKey{Metric::gc_count, young};
  });
  ASSERT_NE(count, values.end());
  EXPECT_GT(count->second, 0);

  values.clear();
  const std::string first = body("empty-jobmanager-metrics-first");
  ASSERT_TRUE(rest::parse_metrics(first, process, entities, values).ok());
  EXPECT_THAT(values, IsEmpty());
}

TEST_P(RestFixtures, JobMetrics) {
  EntityTable entities(1000);
  const EntityId id = entities.intern(Level::job, kClusterEntity, "x");
  rest::KeyedValues values;
  const std::string text = body("job-payments-looping-metrics");
  ASSERT_TRUE(rest::parse_metrics(text, id, entities, values).ok());
  const auto value_of = [&](Metric metric) {
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const auto& v) { return v.first.metric == metric; });
    return found == values.end() ? kAbsent : found->second;
  };
  EXPECT_GT(value_of(Metric::job_restarts), 3);
  EXPECT_GT(value_of(Metric::checkpoints_triggered), 3);
  EXPECT_FALSE(is_present(value_of(Metric::cluster_jobs_running)));
}

TEST_P(RestFixtures, Failures) {
  const auto code = [&](int status, const std::string& name) {
    return rest::classify_failure(status, body(name)).code;
  };
  EXPECT_EQ(code(503, "error-leader-election"), ErrorCode::leader_election);
  EXPECT_EQ(code(404, "error-unknown-job"), ErrorCode::gone);
  EXPECT_EQ(code(404, "error-unknown-job-checkpoints"), ErrorCode::gone);
  EXPECT_EQ(code(500, "error-unknown-taskmanager"), ErrorCode::gone);
  EXPECT_EQ(code(404, "error-unknown-path"), ErrorCode::gone);
  EXPECT_EQ(code(400, "error-malformed-job"), ErrorCode::http_status);
  EXPECT_FALSE(rest::says_checkpointing_off(body("error-unknown-job-checkpoints")));
  const Error unknown = rest::classify_failure(404, body("error-unknown-job"));
  EXPECT_EQ(unknown.message, "HTTP 404: Job 0123456789abcdef0123456789abcdef not found");
}

}  // namespace
}  // namespace doctor
