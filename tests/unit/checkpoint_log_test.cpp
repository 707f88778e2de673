#include "model/checkpoint_log.hpp"

#include <gtest/gtest.h>

namespace doctor {
namespace {

using Status = CheckpointRecord::Status;

CheckpointRecord record(std::int64_t id, Status status = Status::completed) {
  CheckpointRecord r;
  r.id = id;
  r.status = status;
  r.triggered = 1000 * id;
  if (status != Status::in_progress) r.ended = r.triggered + 10;
  return r;
}

JobFacts job_with(std::vector<CheckpointRecord> records, const std::string& id = "a") {
  JobFacts job;
  job.id = id;
  job.checkpoints = std::move(records);
  return job;
}

std::vector<std::int64_t> ids(const CheckpointLog& log) {
  std::vector<std::int64_t> all;
  for (const CheckpointRecord& r : log.records()) all.push_back(r.id);
  return all;
}

TEST(CheckpointLog, RemembersMoreThanFlinkAndRepeatsNothing) {
  CheckpointLog log;
  for (std::int64_t newest = 3; newest <= 30; ++newest) {
    log.absorb(job_with({record(newest - 2), record(newest - 1), record(newest)}));
  }
  ASSERT_EQ(log.records().size(), 30U);
  EXPECT_EQ(log.records().front().id, 1);
  EXPECT_EQ(log.records().back().id, 30);
}

TEST(CheckpointLog, UpdatesWhatWasInProgressAndNeverGoesBack) {
  CheckpointLog log;
  log.absorb(job_with({record(1, Status::in_progress)}));
  log.absorb(job_with({record(1)}));
  EXPECT_EQ(log.records()[0].status, Status::completed);
  log.absorb(job_with({record(1, Status::in_progress)}));
  EXPECT_EQ(log.records()[0].status, Status::completed);
}

TEST(CheckpointLog, KeepsThePastOverAFailoverButNotWhatWasInProgress) {
  CheckpointLog log;
  log.absorb(job_with({record(1), record(2, Status::in_progress)}));
  log.absorb(job_with({}));
  EXPECT_EQ(ids(log), (std::vector<std::int64_t>{1}));
}

TEST(CheckpointLog, LatestCompletedCountsWhenTheHistoryHasLostIt) {
  CheckpointLog log;
  JobFacts job = job_with({record(8, Status::failed), record(9, Status::failed)});
  job.latest_completed = record(3);
  log.absorb(job);
  EXPECT_EQ(ids(log), (std::vector<std::int64_t>{3, 8, 9}));
}

TEST(CheckpointLog, ANewJobIdBeginsItsIdsAnew) {
  CheckpointLog log;
  log.absorb(job_with({record(1), record(2)}, "a"));
  CheckpointRecord later = record(1);
  later.triggered = 50'000;
  log.absorb(job_with({later}, "b"));
  EXPECT_EQ(ids(log), (std::vector<std::int64_t>{1, 2, 1}));
  EXPECT_EQ(log.records().back().triggered, 50'000);
}

TEST(CheckpointLog, ThinsTheOldAndKeepsTheNewWhole) {
  CheckpointLog log(16);
  for (std::int64_t id = 1; id <= 400; ++id) log.absorb(job_with({record(id)}));
  ASSERT_EQ(log.records().size(), 16U);
  EXPECT_EQ(log.records().front().id, 1);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(log.records()[11 + i].id, static_cast<std::int64_t>(396 + i));
  }
  for (std::size_t i = 1; i < 11; ++i) {  // no hole swallows half of the past
    EXPECT_LT(log.records()[i].id - log.records()[i - 1].id, 200);
  }
}

TEST(CheckpointLog, OldFailuresGoFirst) {
  CheckpointLog log(8);
  log.absorb(job_with({record(1), record(2, Status::failed), record(3)}));
  for (std::int64_t id = 4; id <= 9; ++id) log.absorb(job_with({record(id)}));
  EXPECT_EQ(ids(log), (std::vector<std::int64_t>{1, 3, 4, 5, 6, 7, 8, 9}));
}

}  // namespace
}  // namespace doctor
