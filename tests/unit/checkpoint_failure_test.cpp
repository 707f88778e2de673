// Flink's texts as CheckpointFailureReason has them, as the REST API hands them on.
#include "detectors/statistics/checkpoint_failure.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace doctor {
namespace {

using enum CheckpointFailure;

TEST(CheckpointFailure, IsReadFromFlinksWords) {
  const std::pair<std::string_view, CheckpointFailure> texts[] = {
      {"Checkpoint expired before completing.", expired},
      {"Asynchronous task checkpoint failed.", async},
      {"Checkpoint was declined.", declined},
      {"Could not complete snapshot 7 for operator Map (1/2)#0.", declined},
      {"An Exception occurred while triggering the checkpoint. IO-problem detected.", storage},
      {"An Exception occurred while triggering the checkpoint.", trigger},
      {"Trigger checkpoint failure.", trigger},
      {"Failure to finalize checkpoint.", finalise},
      {"Checkpoint has been subsumed.", consequence},
      {"The job has failed.", consequence},
      {"Checkpoint Coordinator is suspending.", consequence},
      {"CheckpointCoordinator shutdown.", consequence},
      {"Periodic checkpoint scheduler is shut down.", consequence},
      {"Not all required tasks are currently running.", consequence},
      {"The maximum number of concurrent checkpoints is exceeded", consequence},
      {"The maximum number of queued checkpoint requests exceeded", consequence},
      {"The minimum time between checkpoints is still pending. Checkpoint will be triggered after "
       "the minimum time.",
       consequence}};
  for (const auto& [text, failure] : texts) {
    EXPECT_EQ(checkpoint_failure(text), failure) << text;
    EXPECT_EQ(checkpoint_failure(std::string(text) + " Caused by: a disk"), failure) << text;
  }
}

TEST(CheckpointFailure, OneThatCouldNotBeDeclinedLaterIsNoTasksFault) {
  EXPECT_EQ(checkpoint_failure("Checkpoint was declined (tasks not ready)"), consequence);
  EXPECT_EQ(checkpoint_failure("Checkpoint was declined (task is closing)"), consequence);
  EXPECT_EQ(checkpoint_failure("Checkpoint was declined because one input stream is finished"),
            consequence);
}

TEST(CheckpointFailure, CountsWhatStandsAfterTheLastMark) {
  EXPECT_EQ(checkpoint_failure("Checkpoint 7 of job \"Failure reason: The job has failed.\" "
                               "failed. Failure reason: Checkpoint expired before completing."),
            expired);
  EXPECT_EQ(checkpoint_failure("Task name: x Failure reason: Checkpoint was declined."), declined);
  EXPECT_EQ(checkpoint_failure("Failure reason: "), other);
  EXPECT_EQ(checkpoint_failure("Failure reason:The job has failed."), other);
}

TEST(CheckpointFailure, AnotherTextIsOther) {
  EXPECT_EQ(checkpoint_failure(""), other);
  EXPECT_EQ(checkpoint_failure("The disk is full"), other);
  EXPECT_EQ(checkpoint_failure("My job: Checkpoint expired before completing."), other)
      << "only what it begins with";
  EXPECT_EQ(checkpoint_failure("Checkpoint expired"), other) << "cut short";
}

constexpr CheckpointFailure kAll[] = {expired,  declined, async, storage,
                                      finalise, trigger,  other, consequence};

TEST(CheckpointFailure, EachHasItsOwnName) {
  std::set<std::string_view> names;
  for (const CheckpointFailure failure : kAll) {
    EXPECT_FALSE(to_string(failure).empty());
    names.insert(to_string(failure));
  }
  EXPECT_EQ(names.size(), std::size(kAll));
}

/// As Flink's CheckpointFailureManager counts, by version.
TEST(CheckpointFailure, CountsTowardsTheToleranceAsFlinkDoes) {
  ClusterFacts cluster;
  for (const int minor : {15, 16, 20}) {
    cluster.version = FlinkVersion{1, minor, ""};
    for (const CheckpointFailure failure : kAll) {
      const bool always =
          failure == expired || failure == declined || failure == async || failure == storage;
      EXPECT_EQ(counts_as_failed(failure, &cluster), always || (failure == finalise && minor >= 16))
          << to_string(failure) << " in 1." << minor;
    }
  }
  cluster.version = FlinkVersion{2, 0, ""};
  EXPECT_TRUE(counts_as_failed(finalise, &cluster));
  EXPECT_TRUE(counts_as_failed(finalise, nullptr)) << "as the current versions do";
}

}  // namespace
}  // namespace doctor
