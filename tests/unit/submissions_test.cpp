#include "detectors/statistics/submissions.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_features.hpp"

namespace doctor {
namespace {

SubtaskFacts on(const std::string& task_manager) {
  SubtaskFacts subtask;
  subtask.task_manager = task_manager;
  return subtask;
}

TEST(Submissions, AreByStartAndWhatIsListedKnowsBetterThanMemory) {
  FakeCluster fake;
  fake.job("b", "second", "RUNNING", 2000);
  fake.job("a", "first", "FINISHED", 1000);
  fake.summary("a").end = 1500;
  const std::vector<LastSeenJob> ended = {{"a", "first", "FINISHED", 9000, 1000},
                                          {"c", "third", "FINISHED", 4000, 3000}};
  Window window = fake.window();
  window.ended = ended;
  const std::vector<Submission> jobs = submissions(window);
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0].name, "first");
  EXPECT_EQ(jobs[0].end, 1500);
  EXPECT_EQ(jobs[1].end, Submission::kNever);
  EXPECT_EQ(jobs[2].end, 4000);
}

TEST(Submissions, AJobIsElsewhereOnlyWhenEveryPlaceOfItsTasksIsKnown) {
  FakeCluster fake;
  VertexFacts vertex;
  vertex.subtasks = {on("10.0.0.1:1-ab"), on("10.0.0.2:1-cd"), on("10.0.0.1:1-ab")};
  fake.job("a", "placed", "RUNNING", 1000).vertices = {vertex};
  vertex.subtasks.push_back(on(""));
  fake.job("b", "half placed", "RUNNING", 2000).vertices = {vertex};
  const Window window = fake.window();
  const std::vector<Submission> jobs = submissions(window);
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].processes.size(), 2U);
  EXPECT_FALSE(jobs[0].is_elsewhere("10_0_0_2:1_cd")) << "names as a reporter filters them";
  EXPECT_TRUE(jobs[0].is_elsewhere("10_0_0_3:1_ef"));
  EXPECT_FALSE(jobs[0].is_elsewhere("jobmanager"));
  EXPECT_FALSE(jobs[1].is_elsewhere("10_0_0_3:1_ef"));
}

}  // namespace
}  // namespace doctor
