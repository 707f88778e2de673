// How a checkpoint is spread over the vertices: when it is asked for, read, and told.
#include <gmock/gmock.h>

#include <algorithm>

#include "collectors/rest/parse.hpp"
#include "tests/unit/rest_fixtures.hpp"
#include "tests/unit/rest_source_fixture.hpp"

namespace doctor {
namespace {

using testing::SizeIs;

constexpr double kMebibyte = 1024 * 1024;

std::string history_row(int id, const std::string& status, double megabytes) {
  return R"({"id":)" + std::to_string(id) + R"(,"status":")" + status +
         R"(","is_savepoint":false,"trigger_timestamp":)" + std::to_string(1000 * id) +
         R"(,"latest_ack_timestamp":)" + std::to_string(1000 * id + 100) + R"(,"state_size":)" +
         std::to_string(static_cast<std::int64_t>(megabytes * kMebibyte)) +
         R"(,"end_to_end_duration":100,"num_subtasks":4,"num_acknowledged_subtasks":3,
         "failure_timestamp":5,"failure_message":"Checkpoint expired before completing."})";
}
std::string history(const std::string& rows) {
  return R"({"counts":{"restored":0,"total":3,"in_progress":0,"completed":3,"failed":0},
             "latest":null,"history":[)" +
         rows + "]}";
}
std::string details(int id, double map_megabytes, int acknowledged) {
  return R"({"id":)" + std::to_string(id) + R"(,"status":"COMPLETED","tasks":{")" + kMap +
         R"(":{"state_size":)" +
         std::to_string(static_cast<std::int64_t>(map_megabytes * kMebibyte)) +
         R"(,"end_to_end_duration":90,"num_subtasks":2,"num_acknowledged_subtasks":)" +
         std::to_string(acknowledged) + "}}}";
}
std::string details_path(int id) {
  return "/jobs/" + kOrders + "/checkpoints/details/" + std::to_string(id);
}

TEST(CheckpointDetailsParser, ReadsWhatFlinkAnswered) {
  const auto read =
      rest::parse_checkpoint_details(RecordedCluster{"1.20"}.body("checkpoint-details"), Limits{});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->id, 81);
  ASSERT_THAT(read->vertices, SizeIs(5));
  EXPECT_TRUE(std::is_sorted(read->vertices.begin(), read->vertices.end(),
                             [](const auto& a, const auto& b) { return a.vertex < b.vertex; }));
  double sum = 0;
  for (const VertexCheckpoint& vertex : read->vertices) {
    EXPECT_EQ(vertex.subtasks, 2);
    EXPECT_EQ(vertex.acknowledged, 2);
    EXPECT_EQ(vertex.duration, 21);
    sum += vertex.state_size.value();
  }
  EXPECT_EQ(sum, 530);
}

TEST(CheckpointDetailsParser, RefusesWhatItIsNot) {
  for (const char* body : {"", "[]", "{}", R"({"id":"x","tasks":{}})", R"({"id":1,"tasks":[]})"}) {
    EXPECT_FALSE(rest::parse_checkpoint_details(body, Limits{}).ok()) << body;
  }
  const auto strange =
      rest::parse_checkpoint_details(R"({"id":1,"tasks":{"../x":{"num_subtasks":1}}})", Limits{});
  ASSERT_TRUE(strange.ok());
  EXPECT_THAT(strange->vertices, SizeIs(0)) << "no vertex has such an id";
}

/// As SubtaskCheckpointStatistics writes them: one that is done, one that is done later, one that
/// is not.
std::string subtasks(int id, int slow_ms, const std::string& third) {
  const auto done = [](int index, int ms) {
    return R"({"index":)" + std::to_string(index) +
           R"(,"status":"completed","ack_timestamp":1,"end_to_end_duration":)" +
           std::to_string(ms) + R"(,"checkpoint":{"sync":12,"async":)" + std::to_string(ms / 2) +
           R"(},"alignment":{"buffered":0,"processed":0,"persisted":0,"duration":-1},"start_delay":)" +
           std::to_string(ms / 3) + R"(,"unaligned_checkpoint":false,"aborted":false})";
  };
  return R"({"id":)" + std::to_string(id) + R"(,"status":"IN_PROGRESS","subtasks":[)" +
         done(0, 900) + "," + done(1, slow_ms) + third + "]}";
}

TEST(CheckpointSubtasksParser, NamesTheSlowestAndTheMissing) {
  VertexCheckpoint vertex;
  const std::string open = R"(,{"index":2,"status":"pending_or_failed"})";
  ASSERT_TRUE(rest::parse_checkpoint_subtasks(subtasks(3, 30'000, open), Limits{}, vertex).ok());
  ASSERT_TRUE(vertex.slowest);
  EXPECT_EQ(vertex.slowest->index, 1);
  EXPECT_EQ(vertex.slowest->duration, 30'000);
  EXPECT_EQ(vertex.slowest->async, 15'000);
  EXPECT_EQ(vertex.slowest->start_delay, 10'000);
  EXPECT_FALSE(vertex.slowest->alignment) << "-1 is none";
  EXPECT_EQ(vertex.waits_for, 2);
  ASSERT_TRUE(rest::parse_checkpoint_subtasks(subtasks(3, 30'000, ""), Limits{}, vertex).ok());
  EXPECT_FALSE(vertex.waits_for);
  for (const char* body : {"", "[]", "{}", R"({"subtasks":[{"index":-1}]})"}) {
    EXPECT_FALSE(rest::parse_checkpoint_subtasks(body, Limits{}, vertex).ok()) << body;
  }
}

class CheckpointDetailsSource : public RestSourceTest {
 protected:
  CheckpointDetailsSource() {
    put_cluster();
    source().set_reporters_present(true, true);
  }
  JobFacts facts() const { return *emitted<JobFactsPtr>().at(0); }
};

TEST_F(CheckpointDetailsSource, AreAskedForWhenTheSizeJumps) {
  http.put("/jobs/" + kOrders + "/checkpoints",
           history(history_row(1, "COMPLETED", 20) + "," + history_row(2, "COMPLETED", 21) + "," +
                   history_row(3, "COMPLETED", 200)));
  http.put(details_path(2), details(2, 20, 2));
  http.put(details_path(3), details(3, 190, 2));
  poll();
  EXPECT_EQ(http.asked(details_path(1)), 0);
  EXPECT_EQ(http.asked(details_path(2)), 1);
  EXPECT_EQ(http.asked(details_path(3)), 1);
  poll();
  EXPECT_EQ(http.asked(details_path(2)), 0) << "once is enough";
}

TEST_F(CheckpointDetailsSource, OfOneThatFailedTellWhichSubtaskItWaitsFor) {
  http.put("/jobs/" + kOrders + "/checkpoints", history(history_row(7, "FAILED", 0)));
  http.put(details_path(7), details(7, 20, 1));
  const std::string path = details_path(7) + "/subtasks/" + kMap;
  http.put(path, subtasks(7, 30'000, R"(,{"index":2,"status":"pending_or_failed"})"));
  poll();
  const int asked = http.asked(path);
  poll();
  EXPECT_EQ(asked + http.asked(path), 1);
  poll();
  EXPECT_EQ(http.asked(path), 0) << "once is enough";
}

TEST_F(CheckpointDetailsSource, ReachTheFacts) {
  http.put("/jobs/" + kOrders + "/checkpoints",
           history(history_row(2, "COMPLETED", 21) + "," + history_row(3, "COMPLETED", 200)));
  http.put(details_path(2), details(2, 20, 2));
  http.put(details_path(3), details(3, 190, 2));
  poll();
  const JobFacts job = facts();
  ASSERT_THAT(job.checkpoint_details, SizeIs(2));
  EXPECT_EQ(job.details(3)->vertices.at(0).state_size, 190 * kMebibyte);
  EXPECT_EQ(job.details(9), nullptr);
}

TEST_F(CheckpointDetailsSource, AreNotAskedForWhereNothingStandsOut) {
  http.put("/jobs/" + kOrders + "/checkpoints",
           history(history_row(1, "COMPLETED", 0.01) + "," + history_row(2, "COMPLETED", 1)));
  poll();
  EXPECT_EQ(http.asked(details_path(2)), 0) << "small: not worth a call";
}

TEST_F(CheckpointDetailsSource, OfOneThatFlinkForgotAreNoTrouble) {
  http.put("/jobs/" + kOrders + "/checkpoints", history(history_row(7, "FAILED", 0)));
  http.put(details_path(7), R"({"errors":["Could not find checkpointing statistics"]})", 404);
  poll();
  EXPECT_EQ(http.asked(details_path(7)), 1);
  EXPECT_TRUE(health().up);
  EXPECT_FALSE(health().last_error);
  poll();
  EXPECT_EQ(http.asked(details_path(7)), 0);
}

}  // namespace
}  // namespace doctor
